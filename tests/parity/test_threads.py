"""Threads that start children: each in its turn, since a strict tape has one order."""

from __future__ import annotations

import queue
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from typing import Any

from .harness import Parity


def _echo(word: str) -> bytes:
    return subprocess.run(["echo", word], capture_output=True, check=True).stdout


def test_a_pool_with_one_thread(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return list(pool.map(_echo, "abc"))

    assert parity(body) == [b"a\n", b"b\n", b"c\n"]


def test_threads_that_take_turns(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        turn = threading.Condition()
        seen: list[bytes] = []

        def work(number: int) -> None:
            with turn:
                turn.wait_for(lambda: len(seen) == number)
                seen.append(_echo(str(number)))
                turn.notify_all()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen

    assert parity(body) == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]


def test_a_thread_reads_what_another_started(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        lines: queue.Queue[bytes] = queue.Queue()

        def read(stream: Any) -> None:
            for line in stream:
                lines.put(line)

        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            thread = threading.Thread(target=read, args=(child.stdout,))
            thread.start()
            assert child.stdin is not None
            seen = []
            for word in (b"one\n", b"two\n"):
                child.stdin.write(word)
                child.stdin.flush()
                seen.append(lines.get(timeout=20))
            child.stdin.close()
            thread.join()
        return seen, child.returncode

    assert parity(body) == ([b"one\n", b"two\n"], 0)


def test_a_thread_for_each_stream(parity: Parity) -> None:
    """As many tools do it that know nothing of ``communicate``."""

    def body(folder: Path) -> Any:
        command = ["sh", "-c", "while read line; do echo $line; echo $line >&2; done; exit 3"]
        seen: dict[str, list[bytes]] = {}
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as child:

            def read(name: str) -> None:
                seen[name] = list(getattr(child, name))

            threads = [threading.Thread(target=read, args=(name,)) for name in ("stdout", "stderr")]
            for thread in threads:
                thread.start()
            assert child.stdin is not None
            for number in range(100):
                child.stdin.write(b"line %d\n" % number)
            child.stdin.close()
            for thread in threads:
                thread.join()
        return seen, child.returncode

    assert len(parity(body)[0]["stderr"]) == 100


def test_a_thread_waits_and_another_kills(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        codes: list[int] = []
        with subprocess.Popen(["sleep", "100"]) as child:
            thread = threading.Thread(target=lambda: codes.append(child.wait()))
            thread.start()
            child.kill()
            thread.join()
        return codes, child.returncode

    assert parity(body) == ([-9], -9)


def test_many_children_at_once_from_one_thread(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        children = [
            subprocess.Popen(["sh", "-c", f"cat; exit {n}"], stdin=PIPE, stdout=PIPE) for n in range(10)
        ]
        with ThreadPoolExecutor(10) as pool:
            outputs = list(pool.map(lambda pair: pair[1].communicate(b"%d" % pair[0]), enumerate(children)))
        return outputs, [child.returncode for child in children]

    assert parity(body) == ([(b"%d" % n, None) for n in range(10)], list(range(10)))


def test_a_timer_that_kills(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sleep", "100"], stdout=PIPE) as child:
            timer = threading.Timer(0.2, child.kill)
            timer.start()
            out, _ = child.communicate()
            timer.join()
        return out, child.returncode

    assert parity(body) == (b"", -9)
