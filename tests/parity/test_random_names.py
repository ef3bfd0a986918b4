"""Names that differ from run to run: what the parent said this time is what its children answer with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from pytest_proctape.portable import rules_from
from tests.parity.harness import Parity

ECHO = "import sys; [print('got', line, end='', flush=True) for line in iter(sys.stdin.readline, '')]"


def python(code: str, *args: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *args]


def fresh() -> str:
    return f"id-{os.urandom(6).hex()}"


@pytest.fixture(autouse=True)
def names(parity: Parity) -> None:
    parity.rules = rules_from([r"id = /id-[0-9a-f]{12}/", r"port = /:(\d{4,5})\b/"], [], [])


def test_one_that_is_an_argument(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        name, other = fresh(), fresh()
        code = "import sys; print(*sys.argv[1:]); print(sys.argv[1], file=sys.stderr)"
        done = subprocess.run(python(code, name, f"--x={other}"), capture_output=True, text=True)
        again = subprocess.run(
            python("import sys; print(sys.argv[1])", other), capture_output=True, text=True
        )
        return (
            done.stdout == f"{name} --x={other}\n",
            done.stderr == f"{name}\n",
            again.stdout == f"{other}\n",
        )

    assert parity(body, replays=2) == (True, True, True)
    assert '"--x=<id:2>"' in parity.tape
    assert parity.tape.count("<id:1>") == 3


def test_one_that_is_sent(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        name = fresh()
        done = subprocess.run(python(ECHO), input=f"a {name}\nb {name}\n", capture_output=True, text=True)
        return done.stdout == f"got a {name}\ngot b {name}\n"

    assert parity(body, replays=2)
    assert "got a <id:1>" in parity.tape


def test_one_that_ends_the_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        name = fresh()
        done = subprocess.run(["cat"], input=f"the last word is {name}", capture_output=True, text=True)
        return done.stdout == f"the last word is {name}"

    assert parity(body, replays=2)


def test_those_of_a_dialog(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        told = []
        with subprocess.Popen(python(ECHO), stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            first = fresh()
            for name in (first, fresh(), first):
                child.stdin.write(f"say {name}\n")
                told.append(child.stdout.readline() == f"got say {name}\n")
            child.stdin.close()
            told.append(child.stdout.read() == "")
        return told

    assert parity(body, replays=2) == [True] * 4
    assert parity.tape.count("<id:1>") == 4


def test_input_that_comes_in_small_parts(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        name = fresh()
        text = f"x {name} y {name} z\n"
        with subprocess.Popen(python(ECHO), stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for byte in text.encode():
                child.stdin.write(bytes([byte]))
            child.stdin.close()
            return child.stdout.read().decode() == f"got {text}"

    assert parity(body, replays=2)


def test_one_that_is_a_directory(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        inner = folder / fresh()
        inner.mkdir()
        done = subprocess.run(
            python("import os; print(os.getcwd())"), cwd=inner, capture_output=True, text=True
        )
        return done.stdout == f"{inner}\n"

    assert parity(body, replays=2)
    assert '"cwd": "<tmp>/<id:1>"' in parity.tape


def test_one_that_the_child_chose_is_the_recorded_one(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import random; print(f'at 127.0.0.1:{random.randrange(20000, 60000)}')"
        told = subprocess.run(python(code), capture_output=True, text=True).stdout
        asked = ["echo", f"to {told.split()[1]}"]
        return subprocess.run(asked, capture_output=True, text=True).stdout == f"{asked[1]}\n"

    assert parity(body, replays=2)
    assert '"at 127.0.0.1:<port:1>\\n"' in parity.tape


def test_input_of_many_bytes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        name = fresh()
        text = f"{'x' * 199}\n" * 2000 + f"{name}\n" + f"{'y' * 199}\n" * 2000
        done = subprocess.run(["cat"], input=text, capture_output=True, text=True)
        return done.stdout == text

    assert parity(body, replays=2)
