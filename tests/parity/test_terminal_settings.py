"""The settings of a terminal that a child has: changed by the test, or by the child, and seen by the test."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from termios import tcgetattr as early_tcgetattr
from typing import Any

import pytest

from pytest_proctape import Divergence, use_tape
from pytest_proctape.child import stall

from .harness import Holdings, Parity, settled
from .observe import python
from .terminals import rest, terminal, until

_CHANGE = """
import sys, termios
def echo(on):
    settings = termios.tcgetattr(0)
    settings[3] = settings[3] | termios.ECHO if on else settings[3] & ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, settings)
"""

_PASSWORD = (
    _CHANGE
    + """
print("password: ", end="", flush=True)
echo(False)
word = sys.stdin.readline()
echo(True)
print("got", len(word), flush=True)
sys.stdin.readline()
"""
)

_SIZES = """
import os, signal, sys
def told():
    os.write(1, b"%d %d\\n" % os.get_terminal_size(0))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
told()
signal.sigwait({signal.SIGWINCH})
told()
sys.stdin.readline()
"""


def _echoes(fd: int) -> bool:
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def _set_echo(fd: int, on: bool) -> None:
    settings = termios.tcgetattr(fd)
    settings[3] = settings[3] | termios.ECHO if on else settings[3] & ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, settings)


def _ask_until(wanted: Callable[[], bool]) -> bool:
    """Nothing tells of a change of the settings; a test has to ask again and again, as pexpect does."""
    for _ in range(20_000):
        if wanted():
            return True
        threading.Event().wait(0.002)
    return False


def test_a_password_is_asked_for(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(python(_PASSWORD), stdin=slave, stdout=slave)
            asked = until(master, b"password: ")
            quiet = _ask_until(lambda: not _echoes(master))
            os.write(master, b"hunter2\n")
            told = until(master, b"\n")
            after = _echoes(master), _echoes(slave)
            os.write(master, b"x\n")
            return asked, quiet, told, after, until(master, b"x\r\n"), child.wait(), _echoes(master)

    assert parity(body) == (b"password: ", True, b"got 8\r\n", (True, True), b"x\r\n", 0, True)


def test_what_is_not_looked_at_is_on_no_tape(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(python(_PASSWORD), stdin=slave, stdout=slave)
            until(master, b"password: ")
            os.write(master, b"\n")
            told = until(master, b"got 1\r\n")
            os.write(master, b"x\n")
            return told[-7:], until(master, b"x\r\n"), child.wait()

    parity(body)
    assert parity.tape.count('"terminal"') == 1


def test_the_test_looks_before_the_child_has_changed_it(parity: Parity) -> None:
    """As often as the test saw it as it was: once, or more, which is chance."""
    waiting = "import os\nwhile not os.path.exists(sys.argv[1]): pass\n"
    code = _CHANGE + waiting + "echo(False)\nsys.stdin.readline()"

    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(python(code, str(folder / "go")), stdin=slave, stdout=slave)
            before = _echoes(master), _echoes(slave)
            (folder / "go").touch()
            quiet = _ask_until(lambda: not _echoes(master))
            os.write(master, b"\n")
            return before[0], quiet, child.wait()

    assert parity(body) == (True, True, 0)
    assert '"terminal": "-echo"' in parity.tape


def test_the_test_turns_the_echo_off_and_on(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(["cat"], stdin=slave, stdout=slave)
            seen = []
            for line, on, mark in ((b"one\n", True, 2), (b"two\n", False, 1), (b"three\n", True, 2)):
                _set_echo(master, on)
                os.write(master, line)
                seen.append((until(master, line.replace(b"\n", b"\r\n") * mark), _echoes(slave)))
            os.write(master, b"\x04")
            os.close(slave)
            return seen, rest(master), child.wait()

    seen, _, code = parity(body)
    assert [one for one, _ in seen] == [b"one\r\none\r\n", b"two\r\n", b"three\r\nthree\r\n"]
    assert code == 0
    assert '"set_terminal": "-echo"' in parity.tape


def _by_ioctl(fd: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 40, 100, 0, 0))


def _by_termios(fd: int) -> None:
    termios.tcsetwinsize(fd, (40, 100))


@pytest.mark.parametrize("resize", [_by_ioctl, _by_termios])
def test_the_test_changes_the_size_of_the_window(parity: Parity, resize: Callable[[int], None]) -> None:
    def body(folder: Path) -> Any:
        pid, master = pty.fork()
        if pid == 0:
            os.execvp(python("")[0], python(_SIZES))
        # One that is as before changes nothing, and tells nobody.
        termios.tcsetwinsize(master, termios.tcgetwinsize(master))
        seen = [until(master, b"\n")]
        resize(master)
        seen.append(until(master, b"\n"))
        sizes = os.get_terminal_size(master), fcntl.ioctl(master, termios.TIOCGWINSZ, bytes(8))
        os.write(master, b"\n")
        status = os.waitpid(pid, 0)[1]
        found = seen, sizes, status, termios.tcgetwinsize(master)
        os.close(master)
        return found

    parity.forks = True
    seen, sizes, status, last = parity(body)
    assert seen == [b"0 0\r\n", b"100 40\r\n"]
    assert sizes[0] == (100, 40)
    assert (status, last) == (0, (40, 100))
    assert '"set_terminal": "rows 40 columns 100"' in parity.tape


def test_a_child_leaves_the_terminal_to_the_next_as_it_has_set_it(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            done = subprocess.run(python(_CHANGE + "echo(False)"), stdin=slave, stdout=slave, stderr=slave)
            left = _echoes(slave), _echoes(master)
            child = subprocess.Popen(["cat"], stdin=slave, stdout=slave)
            os.write(master, b"one\n")
            seen = until(master, b"one\r\n")
            child.kill()
            return done.returncode, left, seen, child.wait(), _echoes(slave)

    assert parity(body) == (0, (False, False), b"one\r\n", -signal.SIGKILL, False)


def test_one_child_sets_the_terminal_of_another(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(["cat"], stdin=slave, stdout=slave)
            subprocess.run(["stty", "-echo"], stdin=slave, check=True)
            left = _echoes(slave), _echoes(master)
            os.write(master, b"one\n")
            seen = until(master, b"one\r\n")
            child.kill()
            return left, seen, child.wait(), _echoes(slave)

    assert parity(body) == ((False, False), b"one\r\n", -signal.SIGKILL, False)


def test_whoever_changes_it(parity: Parity) -> None:
    """By a copy of a function that was made before, or through another module of the standard library."""

    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(["cat"], stdin=slave, stdout=slave)
            tty.setcbreak(master, termios.TCSANOW)
            os.write(master, b"one")
            seen = until(master, b"one")
            settings = early_tcgetattr(slave)
            child.kill()
            return seen, settings, child.wait(), termios.tcgetattr(master)

    seen, settings, _, last = parity(body)
    assert seen == b"one"
    assert not settings[3] & (termios.ICANON | termios.ECHO)
    assert settings == last


def _to(rows: int) -> Callable[[Path], Any]:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(["cat"], stdin=slave, stdout=slave)
            os.close(slave)
            if rows:
                termios.tcsetwinsize(master, (rows, 80))
            os.write(master, b"one\n")
            try:
                seen = until(master, b"one\r\none\r\n")
            finally:
                # It is told once, by whichever asks first; the end of the child is told behind it.
                with contextlib.suppress(Divergence):
                    child.kill()
                with contextlib.suppress(Divergence):
                    child.wait()
                child.wait()
            return seen, child.returncode

    return body


@pytest.mark.parametrize(
    "recorded, replayed, told",
    [
        (24, 30, "terminal *tape: rows 24 columns 80\n *test: rows 30 columns 80"),
        (0, 30, r"terminal *tape: \(nothing\)\n *test: rows 30 columns 80"),
        (24, 0, r"terminal *tape: rows 24 columns 80\n *test: \(nothing\)"),
    ],
    ids=["another", "one more", "one less"],
)
def test_a_test_that_sets_it_otherwise(
    parity: Parity, recorded: int, replayed: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that reads on from a child that waits for it: the timer of this folder might do something for both.
    monkeypatch.setattr(stall, "LIMIT_NS", 1)
    runs = map(_to, (recorded, recorded, replayed))

    def body(folder: Path) -> Any:
        return next(runs)(folder)

    before = Holdings.now()
    with pytest.raises((Divergence, pytest.fail.Exception), match=told):
        parity(body)
    # The thread that has found the stall is on its way out.
    assert not settled(before)


def test_a_test_that_starts_a_child_on_a_terminal_of_another_size(tmp_path: Path) -> None:
    def run(columns: int) -> bytes:
        with terminal() as (master, slave):
            termios.tcsetwinsize(slave, (30, columns))
            code = "import os; print(*os.get_terminal_size(0)); print('end')"
            with subprocess.Popen(python(code), stdin=slave, stdout=slave, stderr=slave):
                return until(master, b"end\r\n")

    tape = tmp_path / "tape.json"
    with use_tape(tape, mode="record"):
        assert run(100) == b"100 30\r\nend\r\n"
    with use_tape(tape, mode="replay"):
        assert run(100) == b"100 30\r\nend\r\n"
    told = "terminal  tape: rows 30 columns 100\n *test: rows 30 columns 90"
    with pytest.raises(Divergence, match=told), use_tape(tape, mode="replay"):
        run(90)


def test_a_tape_from_before_is_replayed_as_it_was(tmp_path: Path) -> None:
    """Its entries say nothing of the terminal."""
    tape = tmp_path / "tape.json"

    def body() -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(
                python("print('ready'); print(input())"), stdin=slave, stdout=slave, stderr=slave
            )
            asked = until(master, b"ready\r\n")
            os.write(master, b"word\n")
            return asked, until(master, b"word\r\nword\r\n"), child.wait()

    with use_tape(tape, mode="record"):
        recorded = body()
    document = json.loads(tape.read_bytes())
    assert document["entries"][0].pop("terminal") == ""
    tape.write_text(json.dumps(document), encoding="utf-8")
    with use_tape(tape, mode="replay"):
        assert body() == recorded
