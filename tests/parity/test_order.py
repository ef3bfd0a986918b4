"""Children on a tape without order, and those whose input is not compared, behave as the real ones."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from pytest_proctape.match import FIELDS, Terms

from .harness import Parity

ANY = Terms(order="any")
LOOSE = Terms(on=frozenset(FIELDS))


def _echo(word: str) -> bytes:
    return subprocess.run(["echo", word], capture_output=True, check=True).stdout


def test_threads_that_race(parity: Parity) -> None:
    words = [f"{number % 7}" for number in range(40)]

    def body(folder: Path) -> Any:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(_echo, words))

    assert parity(body, replays=5, terms=ANY) == [f"{word}\n".encode() for word in words]


def test_tasks_that_race(parity: Parity) -> None:
    async def say(word: str) -> bytes:
        # Who comes first is up to the pool.
        await asyncio.to_thread(threading.get_ident)
        child = await asyncio.create_subprocess_exec("echo", word, stdout=PIPE)
        return (await child.communicate())[0]

    def body(folder: Path) -> Any:
        async def main() -> list[bytes]:
            return await asyncio.gather(*(say(f"{number}") for number in range(12)))

        return asyncio.run(main())

    assert parity(body, replays=3, terms=ANY) == [f"{number}\n".encode() for number in range(12)]


@pytest.mark.parametrize("terms", [ANY, Terms()], ids=["any", "strict"])
def test_equal_commands_at_the_same_time_keep_their_outputs_whichever_ends_first(
    parity: Parity, terms: Terms
) -> None:
    def body(folder: Path) -> Any:
        children = [subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) for _ in range(4)]
        seen = {}
        for number in (2, 0, 3, 1):
            seen[number] = children[number].communicate(f"{number}".encode())[0]
        return seen

    assert parity(body, terms=terms) == {number: f"{number}".encode() for number in range(4)}


def test_directories_are_told_apart(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        names = [f"d{number}" for number in range(8)]
        for name in names:
            (folder / name).mkdir()

        def where(name: str) -> bytes:
            shown = subprocess.run(["pwd"], cwd=folder / name, capture_output=True, check=True).stdout
            return shown.strip().rpartition(b"/")[2]

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(where, names))

    assert parity(body, replays=3, terms=ANY) == [f"d{number}".encode() for number in range(8)]


# -- input that is not compared ------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 65536, 300_000])
def test_input_is_drained(parity: Parity, size: int) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(["wc", "-c"], input=b"x" * size, capture_output=True, check=True).stdout.strip()

    assert parity(body, terms=LOOSE) == str(size).encode()


def test_a_dialog_of_lines(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        script = "while read x; do echo got $x; echo more; done; echo end"
        with subprocess.Popen(["sh", "-c", script], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            seen = []
            for line in (b"a\n", b"b\n", b"c\n"):
                child.stdin.write(line)
                child.stdin.flush()
                seen += [child.stdout.readline(), child.stdout.readline()]
            child.stdin.close()
            return [*seen, child.stdout.read(), child.wait()]

    assert parity(body, terms=LOOSE)[-2:] == [b"end\n", 0]


def test_a_dialog_of_frames_without_line_ends(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        script = (
            "import sys\n"
            "while data := sys.stdin.buffer.read(3):\n"
            "    sys.stdout.buffer.write(data.upper()); sys.stdout.flush()\n"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            seen = []
            for frame in (b"abc", b"def"):
                child.stdin.write(frame)
                child.stdin.flush()
                seen.append(child.stdout.read(3))
            child.stdin.close()
            return [*seen, child.stdout.read(), child.wait()]

    assert parity(body, terms=LOOSE) == [b"ABC", b"DEF", b"", 0]


def test_a_child_that_leaves_its_input_alone(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(["true"], input=b"x" * 100, check=True).returncode

    assert parity(body, terms=LOOSE) == 0
