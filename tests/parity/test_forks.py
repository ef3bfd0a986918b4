"""Children made by a fork and an exec, as libraries beside :mod:`subprocess` make them."""

from __future__ import annotations

import multiprocessing
import os
import pty
import select
import signal
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.child import forks
from tests.copies import forked

from .harness import Parity
from .observe import outcome
from .terminals import until

SH = "/bin/sh"


@pytest.fixture(autouse=True)
def _forks(parity: Parity) -> None:
    parity.forks = True


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a copy takes to become a program, it is not taken for one that never does."""
    monkeypatch.setattr(forks, "_PATIENCE_NS", 60 * 10**9)


def piped(act: Callable[[], object], stream: int = 1) -> tuple[int, int]:
    """The same with a pipe for what it writes; the pid and the end to read from."""
    reader, writer = os.pipe()

    def act_piped() -> None:
        os.dup2(writer, stream)
        act()

    pid = forked(act_piped)
    os.close(writer)
    return pid, reader


def all_of(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()


def script(text: str, *args: str) -> Callable[[], None]:
    return lambda: os.execv(SH, ["sh", "-c", text, *args])


# -- output, input, ends -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["echo hello", "printf '\\377\\0'", "exit 3", "kill -9 $$", "kill -TERM $$"])
def test_output_and_end(parity: Parity, text: str) -> None:
    def body(folder: Path) -> Any:
        pid, reader = piped(script(text))
        return all_of(reader), os.waitpid(pid, 0)[1]

    parity(body)


def test_both_outputs_are_one(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            os.dup2(1, 2)
            script("echo one; echo two >&2; echo three")()

        pid, reader = piped(act)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"one\ntwo\nthree\n", 0)


def test_what_is_inherited(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        status = os.waitpid(forked(script("echo out; echo err >&2")), 0)[1]
        return status, capfd.readouterr()[:2]

    assert parity(body) == (0, ("out\n", "err\n"))


def test_a_dialog(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        inner, writer = os.pipe()

        def act() -> None:
            os.dup2(inner, 0)
            os.close(writer)
            os.execvp("cat", ["cat"])

        pid, reader = piped(act)
        os.close(inner)
        seen = []
        for line in (b"one\n", b"two\n"):
            os.write(writer, line)
            seen.append(os.read(reader, 100))
        os.close(writer)
        return seen, all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == ([b"one\n", b"two\n"], b"", 0)
    assert "two" in parity.tape


def test_a_large_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, reader = piped(script("head -c 3000000 /dev/zero | tr '\\0' x"))
        return len(all_of(reader)), os.waitpid(pid, 0)[1]

    assert parity(body) == (3_000_000, 0)


def test_a_file_as_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            os.dup2(os.open(folder / "out", os.O_WRONLY | os.O_CREAT), 1)
            script("echo into a file")()

        status = os.waitpid(forked(act), 0)[1]
        return status, (folder / "out").read_bytes()

    assert parity(body) == (0, b"into a file\n")


def test_another_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, reader = piped(script("echo status >&9"), 9)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"status\n", 0)


def test_a_child_that_closed_everything(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            os.closerange(2, 1024)
            os.close(0)
            script("echo hello")()

        pid, reader = piped(act)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"hello\n", 0)


def test_where_and_with_what(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            os.chdir(folder)
            os.execve(SH, ["sh", "-c", "pwd -P; echo $NAME"], {"NAME": "value"})

        def changed() -> None:
            os.environ["NAME"] = "another"
            os.execlp("sh", "sh", "-c", "echo $NAME")

        found = [piped(one) for one in (act, changed)]
        return [(all_of(reader), os.waitpid(pid, 0)[1]) for pid, reader in found]

    assert parity(body)[1] == (b"another\n", 0)


def test_nowhere(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            (folder / "gone").mkdir()
            os.chdir(folder / "gone")
            (folder / "gone").rmdir()
            script("echo here")()

        pid, reader = piped(act)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"here\n", 0)


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: os.execv("/no/such/program", ["x"]),
        lambda: os.execve("/no/such/program", ["x"], {"A": "b"}),
        lambda: os.execve(b"/etc", [b"x"], {}),
        lambda: os.execvp("no-such-program-anywhere", ["x", "y"]),
        lambda: os.execvpe("no-such-program-anywhere", ["x"], {"PATH": "/bin:/usr/bin"}),
        lambda: os.execv(SH, []),
        lambda: os.execv("nul\0", ["x"]),
        lambda: os.execvp(3, ["x"]),  # type: ignore[arg-type]
    ],
)
def test_errors(parity: Parity, call: Callable[[], Any]) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            seen = outcome(call)
            os.write(1, repr((seen, getattr(seen, "filename", None))).encode())
            os._exit(7)

        pid, reader = piped(act)
        return all_of(reader), os.waitpid(pid, 0)[1]

    seen, status = parity(body)
    assert (b"Error" in seen, status) == (True, 7 << 8)


def test_a_second_try(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            outcome(os.execv, "/no/such/shell", ["x"])
            os.write(1, b"not there\n")
            script("echo this one")()

        pid, reader = piped(act)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"not there\nthis one\n", 0)


def test_a_pipe_that_tells_of_the_exec(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        pid = forked(script("exit 4"))
        os.close(writer)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"", 4 << 8)


# -- waits and signals -------------------------------------------------------------------------


def test_every_wait(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        seen: list[Any] = []
        pid = forked(script("exit 1"))
        seen.append(os.wait()[0] == pid)
        pid = forked(script("exit 2"))
        seen.append(os.wait4(pid, 0)[1])
        pid = forked(script("exit 3"))
        seen.append(os.waitpid(-1, 0) == (pid, 3 << 8))
        pid = forked(script("exit 4"))
        seen.append(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_status)  # type: ignore[union-attr]
        seen.append(os.waitid(os.P_ALL, 0, os.WEXITED).si_status)  # type: ignore[union-attr]
        seen.append(outcome(os.waitpid, pid, 0))
        return seen

    assert parity(body)[:5] == [True, 2 << 8, True, 4, 4]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no process descriptors here")
def test_a_process_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = forked(script("exit 5"))
        fd = os.pidfd_open(pid)
        readable = select.select([fd], [], [])[0] == [fd]
        os.close(fd)
        return readable, os.waitpid(pid, 0)[1]

    assert parity(body) == (True, 5 << 8)


@pytest.mark.usefixtures("patient")
def test_several_at_once_are_on_the_tape_as_they_were_forked(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pids = [forked(script(f"exit {number}")) for number in range(5)]
        ends = dict(os.wait() for _ in pids)
        return [ends[pid] >> 8 for pid in pids]

    assert parity(body) == [0, 1, 2, 3, 4]


def test_one_that_stays_a_copy_holds_up_nobody(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        first, reader = piped(lambda: (os.read(inner, 1), os._exit(7)))
        status = os.waitpid(forked(script("exit 3")), 0)[1]
        os.write(outer, b"x")
        os.close(reader)
        return status, os.waitpid(first, 0)[1]

    inner, outer = os.pipe()
    assert parity(body) == (3 << 8, 7 << 8)
    os.close(inner)
    os.close(outer)


@pytest.mark.usefixtures("patient")
def test_polls_until_the_end(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, reader = piped(lambda: os.execvp("sleep", ["sleep", "100"]))
        first = os.waitpid(pid, os.WNOHANG)
        os.kill(pid, signal.SIGTERM)
        while (seen := os.waitpid(pid, os.WNOHANG)) == (0, 0):
            select.select([reader], [], [], 0.01)
        os.close(reader)
        return first, seen[0] == pid, seen[1]

    assert parity(body) == ((0, 0), True, 15)


def test_signals_and_groups(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            os.setsid()
            script("trap 'echo caught; exit 8' TERM; echo ready; while :; do sleep 0.02; done")()

        pid, reader = piped(act)
        ready = os.read(reader, 100)
        own = os.getpgid(pid) == pid, os.getsid(pid) == pid
        os.killpg(pid, signal.SIGTERM)
        return ready, own, all_of(reader), os.waitpid(pid, 0)[1], outcome(os.kill, pid, 0)

    assert parity(body)[:4] == (b"ready\n", (True, True), b"caught\n", 8 << 8)


@pytest.mark.usefixtures("patient")
def test_a_kill_at_once(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = forked(lambda: os.execvp("sleep", ["sleep", "100"]))
        os.kill(pid, signal.SIGKILL)
        return os.waitpid(pid, 0)[1]

    assert parity(body) == 9
    assert '"sleep"' in parity.tape


def test_the_signal_of_an_end(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        ends = []
        before = signal.signal(signal.SIGCHLD, lambda *_: ends.append(1))
        try:
            pid = forked(script("exit 2"))
            status = os.waitpid(pid, 0)[1]
            return status, len(ends)
        finally:
            signal.signal(signal.SIGCHLD, before)

    assert parity(body) == (2 << 8, 1)


# -- copies that stay copies -------------------------------------------------------------------


def test_a_copy_that_starts_nothing(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, reader = piped(lambda: (os.write(1, b"a copy"), os._exit(3)))
        return all_of(reader), os.waitpid(-1, 0)[0] == pid

    assert parity(body) == (b"a copy", True)
    assert parity.tape == ""


def test_multiprocessing(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context = multiprocessing.get_context("fork")
            with context.Pool(2) as pool:
                squares = pool.map(abs, [-1, -2])
            process = context.Process(target=sys.exit, args=(3,))
            process.start()
            process.join()
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                return squares, process.exitcode, executor.submit(abs, -3).result()

    assert parity(body) == ([1, 2], 3, 3)


# -- terminals ---------------------------------------------------------------------------------


def end_of(pid: int, master: int) -> tuple[bytes, int]:
    """What is shown until the end, and that end: who closes the master before it hangs up on the child."""
    seen = b""
    while not isinstance(data := outcome(os.read, master, 4096), OSError) and data:
        seen += data
    status = os.waitpid(pid, 0)[1]
    os.close(master)
    return seen, status


def on_terminal(act: Callable[[], object]) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid, master = pty.fork()
    if not pid:
        try:
            act()
        finally:
            os._exit(99)
    return pid, master


def test_a_forked_terminal(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, master = on_terminal(script("test -t 0 && test -t 1 && test -t 2 && echo three; exit 3"))
        return end_of(pid, master)

    assert parity(body) == (b"three\r\n", 3 << 8)


def test_a_dialog_on_a_forked_terminal(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, master = on_terminal(script("printf 'name? '; read name; echo hello $name"))
        asked = b""
        while not asked.endswith(b"? "):
            asked += os.read(master, 100)
        os.write(master, b"you\n")
        return asked, *end_of(pid, master)

    assert parity(body) == (b"name? ", b"you\r\nhello you\r\n", 0)


def test_what_is_typed_at_once(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, master = on_terminal(lambda: os.execvp("cat", ["cat"]))
        os.write(master, b"one\n\x04")
        return end_of(pid, master)

    assert parity(body) == (b"one\r\none\r\n", 0)


def test_the_terminals_interrupt(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, master = on_terminal(script("echo ready; exec sleep 100"))
        ready = until(master, b"\r\n")
        os.write(master, b"\x03")
        return ready, *end_of(pid, master)

    assert parity(body) == (b"ready\r\n", b"^C", 2)


def test_a_terminal_that_hangs_up(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, master = on_terminal(script("echo ready; exec sleep 100"))
        ready = until(master, b"\r\n")
        os.close(master)
        return ready, os.waitpid(pid, 0)[1]

    assert parity(body) == (b"ready\r\n", 1)


def test_a_copy_goes_on_behind_an_exec_that_fails(parity: Parity) -> None:
    """It waits there for the test, which goes on when all that was made for its program has gone."""

    def body(folder: Path) -> Any:
        reader, writer = os.pipe()

        def act() -> None:
            try:
                os.execv("/no/such/program", ["program"])
            except FileNotFoundError:
                os.close(writer)
                os.read(reader, 1)
                with open("/dev/tty", "w") as terminal:
                    terminal.write("still here")
                os._exit(7)

        pid, master = on_terminal(act)
        os.close(reader)
        os.write(writer, b"!")
        os.close(writer)
        return end_of(pid, master)

    assert parity(body) == (b"still here", 7 << 8)


def test_the_terminal_by_its_name(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid, master = on_terminal(script("echo through the name >/dev/tty"))
        return end_of(pid, master)

    assert parity(body) == (b"through the name\r\n", 0)


def test_pty_spawn(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        inner, outer = os.pipe()
        kept = [os.dup(fd) for fd in (0, 1)]
        os.dup2(inner, 0)
        os.dup2(writer, 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                status = pty.spawn(["sh", "-c", "echo shown; exit 4"])
        finally:
            for fd, old in enumerate(kept):
                os.dup2(old, fd)
                os.close(old)
            for fd in (writer, inner, outer):
                os.close(fd)
        return status, all_of(reader)

    assert parity(body) == (4 << 8, b"shown\r\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_copy_that_becomes_another_user(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def act() -> None:
            os.setgid(64001)
            os.setuid(64001)
            os.execv(SH, ["sh", "-c", "id -u"])

        pid, reader = piped(act)
        return all_of(reader), os.waitpid(pid, 0)[1]

    assert parity(body) == (b"64001\n", 0)
