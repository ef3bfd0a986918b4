"""What outlives its reader, its parent's interest or the test: nothing hangs and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import warnings
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from .gates import Gate
from .harness import Parity
from .observe import outcome, python

# A grandchild in a group of its own, so that the test can end it in all three runs.
_GRANDCHILD = 'sleep 100 & echo $! > "$1"; {}'


def _end_grandchild(path: Path) -> None:
    """On replay there is none, and no file that tells its pid."""
    if path.exists():
        os.kill(int(path.read_text()), signal.SIGKILL)


def test_a_grandchild_holds_the_pipe(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = ["sh", "-c", _GRANDCHILD.format("echo parent"), "sh", str(folder / "pid")]
        with subprocess.Popen(command, stdout=PIPE) as child:
            assert child.stdout is not None
            code, first = child.wait(), child.stdout.readline()
            expired = outcome(child.communicate, timeout=0.3)
            _end_grandchild(folder / "pid")
            return code, first, type(expired)

    assert parity(body) == (0, b"parent\n", subprocess.TimeoutExpired)


def test_a_grandchild_that_writes_later(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        done = subprocess.run(["sh", "-c", "(sleep 0.3; echo late) & echo early"], stdout=PIPE)
        return done.stdout, done.returncode

    assert parity(body) == (b"early\nlate\n", 0)


def test_a_grandchild_that_holds_nothing(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        script = _GRANDCHILD.format("echo parent").replace("sleep 100", "sleep 100 >/dev/null 2>&1")
        done = subprocess.run(["sh", "-c", script, "sh", str(folder / "pid")], capture_output=True)
        _end_grandchild(folder / "pid")
        return done.stdout

    assert parity(body) == b"parent\n"


def test_inherited_output_of_a_grandchild(parity: Parity) -> None:
    """A daemon keeps the terminal; nobody waits for it."""

    def body(folder: Path) -> Any:
        command = ["sh", "-c", _GRANDCHILD.format("exit 3"), "sh", str(folder / "pid")]
        code = subprocess.call(command)
        _end_grandchild(folder / "pid")
        return code

    assert parity(body) == 3


def test_a_child_that_nobody_reads(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        child = subprocess.Popen(python("import os; os.write(1, b'unread')"), stdout=PIPE)
        code = child.wait()
        assert child.stdout is not None
        child.stdout.close()
        return code

    assert parity(body) == 0


def test_a_child_that_nobody_reads_and_that_blocks(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os\nos.write(2, b'up')\nwhile True: os.write(1, b'x' * 65536)"
        with subprocess.Popen(python(code), stdout=PIPE, stderr=PIPE) as child:
            assert child.stderr is not None
            up = child.stderr.read(2)
            expired = outcome(child.wait, timeout=0.2)
            child.kill()
            return up, type(expired), child.wait()

    assert parity(body) == (b"up", subprocess.TimeoutExpired, -9)


def test_a_child_that_nobody_waits_for(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            child = subprocess.Popen(["printf", "said"], stdout=PIPE)
            assert child.stdout is not None
            said = child.stdout.read()
            child.stdout.close()
            del child
        return said

    assert parity(body) == b"said"


def test_a_child_that_nobody_waits_for_ends_with_its_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            child = subprocess.Popen(["cat"], stdin=PIPE, stdout=subprocess.DEVNULL)
            running = child.poll()
            assert child.stdin is not None
            child.stdin.close()
            del child
        return running

    assert parity(body) is None


def _goes_behind(parity: Parity) -> None:
    parity.afterwards = lambda folder: Gate(folder).open()


@pytest.mark.parametrize("read", ["readline", "read"])
def test_a_child_still_running_at_the_end(parity: Parity, read: str) -> None:
    """It ends a moment after the test, its output before it or with it; the tape says that it was running."""
    closes = "; exec >&-" if read == "read" else ""

    def body(folder: Path) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            child = subprocess.Popen(Gate(folder).command(f"echo up{closes}"), stdout=PIPE)
            assert child.stdout is not None
            up = getattr(child.stdout, read)()
            child.stdout.close()
            running = child.poll()
            del child
        return up, running

    _goes_behind(parity)
    assert parity(body) == (b"up\n", None)
    assert '"running": true' in parity.tape


def test_a_child_still_running_with_output_to_come(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            command = Gate(folder).command("echo up", "echo later; echo later >&2")
            child = subprocess.Popen(command, stdout=PIPE, stderr=PIPE)
            assert child.stdout is not None
            assert child.stderr is not None
            up = child.stdout.readline()
            child.stdout.close()
            child.stderr.close()
            running = child.poll()
            del child
        return up, running

    _goes_behind(parity)
    assert parity(body) == (b"up\n", None)


def test_a_daemon_by_double_fork(parity: Parity) -> None:
    code = """
import os, sys
if os.fork(): sys.exit(0)
os.setsid()
null = os.open(os.devnull, os.O_RDWR)
for fd in (0, 1, 2): os.dup2(null, fd)
"""

    def body(folder: Path) -> Any:
        return subprocess.run(python(code), capture_output=True)

    assert parity(body).returncode == 0


def test_start_and_forget_many(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        children = [subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) for _ in range(10)]
        for child in children[::2]:
            child.communicate(b"x")
        for child in children[1::2]:
            child.kill()
        return [child.wait() for child in children], [
            outcome(child.__exit__, None, None, None) for child in children
        ]

    assert parity(body)[0] == [0, -9] * 5
