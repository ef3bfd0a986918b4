"""Secrets: the recording and its replay are what the bare run is, and the tape does not know them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.parity.harness import Parity

TOKEN = "tk-5f4dcc3b5aa765d6/+=Z"
ECHO = "import sys; [print('got', line, end='', flush=True) for line in iter(sys.stdin.readline, '')]"


def python(code: str, *args: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *args]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", TOKEN)


def test_a_secret_in_arguments_and_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os, sys; print(sys.argv[1]); print(os.environ['DEPLOY_TOKEN'], file=sys.stderr)"
        done = subprocess.run(python(code, f"--token={TOKEN}"), capture_output=True, text=True)
        return done.stdout, done.stderr

    assert parity(body) == (f"--token={TOKEN}\n", f"{TOKEN}\n")
    assert TOKEN not in parity.tape
    assert "--token=<redacted:DEPLOY_TOKEN>" in parity.tape


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_secret_of_the_commands_own_environment(parity: Parity, asynchronous: bool) -> None:
    def body(folder: Path) -> Any:
        env = {"DEPLOY_TOKEN": f"own-{TOKEN}", "PATH": os.environ["PATH"]}
        command = ["sh", "-c", "echo $DEPLOY_TOKEN; echo $DEPLOY_TOKEN >&2"]
        if not asynchronous:
            done = subprocess.run(command, capture_output=True, text=True, env=env)
            return done.stdout, done.stderr

        async def main() -> Any:
            child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=env)
            return [text.decode() for text in await child.communicate()]

        return tuple(asyncio.run(main()))

    assert parity(body) == (f"own-{TOKEN}\n", f"own-{TOKEN}\n")
    assert TOKEN not in parity.tape


def test_a_secret_that_is_sent(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(
            ["cat"], input=f"login me\n{TOKEN}\nquit\n", capture_output=True, text=True
        ).stdout

    assert parity(body) == f"login me\n{TOKEN}\nquit\n"
    assert TOKEN not in parity.tape


def test_a_secret_in_a_dialog(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        told = []
        with subprocess.Popen(python(ECHO), stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for line in ("hello\n", f"{TOKEN}\n", "bye\n"):
                child.stdin.write(line)
                told.append(child.stdout.readline())
            child.stdin.close()
        return told

    assert parity(body) == ["got hello\n", f"got {TOKEN}\n", "got bye\n"]
    assert TOKEN not in parity.tape


def test_a_secret_across_two_pieces_of_a_dialog(parity: Parity) -> None:
    code = (
        "import sys; out = sys.stdout; text = sys.argv[1]\n"
        "for cut in (5, 7, 99):\n"
        "    sys.stdin.readline(); out.write(text[:cut]); out.flush(); text = text[cut:]\n"
    )

    def body(folder: Path) -> Any:
        told = ""
        with subprocess.Popen(python(code, TOKEN), stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for size in (5, 7, len(TOKEN) - 12):
                child.stdin.write("next\n")
                told += child.stdout.read(size)
            child.stdin.close()
            return told + child.stdout.read()

    assert parity(body) == TOKEN
    assert TOKEN not in parity.tape
    assert TOKEN[:5] not in parity.tape
    assert TOKEN[5:12] not in parity.tape
    assert '"timeline"' in parity.tape


def test_a_secret_of_the_spawns_own_environment(parity: Parity) -> None:
    own = "0wn-53cr3t-value"

    def body(folder: Path) -> Any:
        done = subprocess.run(
            ["sh", "-c", "echo $MY_PASSWORD"],
            env={"MY_PASSWORD": own, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert parity(body) == f"{own}\n"
    assert own not in parity.tape
    assert "<redacted:MY_PASSWORD>" in parity.tape
