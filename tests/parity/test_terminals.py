"""A pseudo-terminal whose slave is a child's stream: what is typed into it, and what comes out of it."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from pytest_proctape import Divergence, UnsupportedSpawn

from .harness import Holdings, Parity, settled
from .observe import python
from .terminals import rest, terminal, until


@pytest.mark.parametrize("streams", [("stdin",), ("stdout",), ("stderr",), ("stdin", "stdout", "stderr")])
def test_what_the_child_sees(parity: Parity, streams: tuple[str, ...]) -> None:
    code = "import os; print([os.isatty(fd) for fd in (0, 1, 2)], flush=True); os.write(2, b'err\\n')"

    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            given: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), PIPE)
            child = subprocess.Popen(python(code), **given | dict.fromkeys(streams, slave))
            os.close(slave)
            return child.communicate(), rest(master), child.returncode

    _, shown, ended = parity(body)
    assert ended == 0
    assert (b"\r\n" in shown) == (streams != ("stdin",))


def test_a_dialog_with_echo(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child = subprocess.Popen(["cat"], stdin=slave, stdout=slave, stderr=slave)
            os.close(slave)
            seen = []
            for line, word in ((b"one\n", b"one\r\n"), (b"t\x7ftwo\n", b"two\r\n")):
                os.write(master, line)
                seen.append(until(master, word + word))
            os.write(master, b"\x04")
            return b"".join(seen), rest(master), child.wait()

    shown, _, code = parity(body)
    assert shown.startswith(b"one\r\none\r\n")
    assert code == 0


def test_an_interactive_interpreter(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        env = {"TERM": "dumb", "PYTHON_BASIC_REPL": "1", "PATH": os.environ["PATH"]}
        with terminal() as (master, slave):
            command = [sys.executable, "-S", "-E", "-q", "-i"]
            child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env)
            os.close(slave)
            seen = [until(master, b">>> ")]
            for line in (b"6 * 7\n", b"import sys; sys.stdin.isatty()\n"):
                os.write(master, line)
                seen.append(until(master, b">>> "))
            os.write(master, b"raise SystemExit(3)\n")
            return seen, rest(master), child.wait()

    seen, _, code = parity(body)
    assert b"42\r\n" in seen[1]
    assert b"True\r\n" in seen[2]
    assert code == 3


def test_a_password_without_echo(parity: Parity) -> None:
    code = """
import sys, termios
settings = termios.tcgetattr(0)
quiet = settings[:3] + [settings[3] & ~termios.ECHO] + settings[4:]
termios.tcsetattr(0, termios.TCSANOW, quiet)
print("password: ", end="", flush=True)
word = sys.stdin.readline()
termios.tcsetattr(0, termios.TCSANOW, settings)
print("got", len(word), flush=True)
"""

    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            before = termios.tcgetattr(slave)
            child = subprocess.Popen(python(code), stdin=slave, stdout=slave)
            asked = until(master, b"password: ")
            os.write(master, b"hunter2\n")
            told = until(master, b"\n")
            code_ = child.wait()
            return asked, told, code_, termios.tcgetattr(slave) == before

    assert parity(body) == (b"password: ", b"got 8\r\n", 0, True)


def test_the_size_of_the_window(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (_, slave):
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
            code = "import os; print(*os.get_terminal_size(2))"
            return subprocess.run(python(code), stderr=slave, stdout=PIPE)

    assert parity(body).stdout == b"99 33\n"


def _make_it_control() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _controlled(master: int, slave: int) -> tuple[subprocess.Popen[bytes], bytes]:
    """A child whose terminal controls it, and what it says at once; the slave is its own from then on."""
    child = subprocess.Popen(
        ["sh", "-c", "echo up; exec sleep 100"],
        stdin=slave,
        stdout=slave,
        start_new_session=True,
        preexec_fn=_make_it_control,  # noqa: PLW1509  (the only way to it)
    )
    os.close(slave)
    return child, until(master, b"up\r\n")


def test_an_interrupt_that_is_typed(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child, up = _controlled(master, slave)
            os.write(master, b"\x03")
            return up, rest(master), child.wait()

    assert parity(body) == (b"up\r\n", b"^CEIO", -signal.SIGINT)


def test_a_terminal_that_hangs_up(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            child, up = _controlled(master, slave)
            os.close(master)
            return up, child.wait()

    assert parity(body) == (b"up\r\n", -signal.SIGHUP)


def test_a_child_that_lets_go_of_its_terminal_and_is_not_waited_for(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            code = "import os, time\nprint('up', flush=True)\nos.closerange(0, 3)\ntime.sleep(100)"
            child = subprocess.Popen(python(code), stdin=slave, stdout=slave, stderr=slave)
            os.close(slave)
            shown = rest(master)
            running = child.poll()
            child.kill()
            return shown, running, child.wait()

    assert parity(body) == (b"up\r\nEIO", None, -signal.SIGKILL)


def _hung_up(typed: bytes, *, closes: bool = True) -> Any:
    with terminal() as (master, slave):
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        child, up = _controlled(master, slave)
        os.write(master, typed)
        if closes:
            os.close(master)
        return up, child.wait()


@pytest.mark.parametrize("typed", [(b"", b"", b"x\n"), (b"x\n", b"x\n", b""), (b"x\n", b"x\n", b"x\n")])
def test_what_is_typed_before_a_hang_up_may_be_lost(parity: Parity, typed: tuple[bytes, ...]) -> None:
    runs = iter(typed)
    assert parity(lambda _: _hung_up(next(runs))) == (b"up\r\n", -signal.SIGHUP)


def test_what_is_typed_in_the_place_of_a_hang_up_is_told(parity: Parity) -> None:
    runs = iter((b"", b"", b"x\n"))

    def body(folder: Path) -> Any:
        typed = next(runs)
        return _hung_up(typed, closes=not typed)

    told = (Divergence, pytest.fail.Exception)
    before = Holdings.now()
    with pytest.raises(told, match=r"stdin *tape: \(end of input\)\n *test: 'x"):
        parity(body)
    # What played the child is on its way out.
    assert not settled(before)


def test_more_than_a_terminal_holds(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            code = "import sys\nfor i in range(20_000): print(i)"
            child = subprocess.Popen(python(code), stdout=slave)
            os.close(slave)
            return rest(master), child.wait()

    assert parity(body)[0] == b"".join(b"%d\r\n" % i for i in range(20_000)) + b"EIO"


def test_one_child_after_the_other(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with terminal() as (master, slave):
            seen = []
            for word in ("one", "two"):
                done = subprocess.run(["echo", word], stdout=slave, stderr=slave, check=True)
                seen.append((done.returncode, until(master, b"\r\n")))
            return seen

    assert parity(body) == [(0, b"one\r\n"), (0, b"two\r\n")]


def _typed_before(folder: Path) -> Any:
    with terminal() as (master, slave):
        os.write(master, b"early\n")
        until(master, b"early\r\n")
        return subprocess.run(["head", "-n", "1"], stdin=slave, stdout=PIPE).stdout


def _master_given(folder: Path) -> Any:
    with terminal() as (master, _):
        return subprocess.run(["true"], stdout=master).returncode


@pytest.mark.parametrize(
    "body, what",
    [(_typed_before, "typed into"), (_master_given, "master")],
    ids=["typed before", "master"],
)
def test_what_is_refused(parity: Parity, body: Any, what: str) -> None:
    with pytest.raises(UnsupportedSpawn, match=what):
        parity(body)
