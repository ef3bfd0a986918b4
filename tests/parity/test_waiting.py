"""The roads by which a parent hears of an end: the ``os.wait*`` family, process descriptors, SIGCHLD."""

from __future__ import annotations

import errno
import os
import platform
import select
import signal
import subprocess
import threading
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from .gates import Gate
from .harness import Parity
from .observe import outcome, until

ROADS: Any = os
"""Typeshed calls `os.spawn*` and `os.popen` deprecated."""

needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="process descriptors are Linux's")


def _three() -> dict[int, int]:
    """Three children that have ended: pid to exit code."""
    pids = {}
    for code in (11, 12, 13):
        pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {code}")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        pids[pid] = code
    return pids


@pytest.mark.parametrize("how", ["wait", "wait3", "wait4", "waitpid", "waitpid 0", "wait4 pid", "waitid"])
def test_waiting_for_any_child(parity: Parity, how: str) -> None:
    def wait(pid: int) -> tuple[int, int]:
        if how == "wait":
            return os.wait()
        if how == "wait3":
            return os.wait3(0)[:2]
        if how == "wait4":
            return os.wait4(-1, 0)[:2]
        if how == "wait4 pid":
            return os.wait4(pid, 0)[:2]
        if how == "waitid":
            result = os.waitid(os.P_ALL, 0, os.WEXITED)
            assert result is not None
            return result.si_pid, result.si_status << 8
        return os.waitpid(0 if how == "waitpid 0" else -1, 0)

    def body(folder: Path) -> Any:
        pids = _three()
        got = [wait(pid) for pid in pids]
        mine = sorted(pids[pid] == status >> 8 for pid, status in got)
        return mine, sorted(status >> 8 for _, status in got), type(outcome(wait, next(iter(pids))))

    assert parity(body) == ([True] * 3, [11, 12, 13], ChildProcessError)


def test_waiting_for_a_group(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "exit 6"], process_group=0) as child:
            pid, status = os.waitpid(-child.pid, 0)
            return pid == child.pid, status, child.wait()

    # Popen finds no child any more, and takes that for 0: subprocess documents it.
    assert parity(body) == (True, 6 << 8, 0)


def test_waiting_without_blocking(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            early = [
                os.waitpid(child.pid, os.WNOHANG),
                os.waitpid(-1, os.WNOHANG),
                os.wait3(os.WNOHANG)[:2],
                os.wait4(child.pid, os.WNOHANG)[:2],
                os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG),
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG),
            ]
            return early, child.communicate(b"x"), child.returncode

    assert parity(body) == ([(0, 0)] * 4 + [None] * 2, (b"x", None), 0)


def test_waiting_for_nobody(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        subprocess.run(["true"], check=True)
        return [
            outcome(os.wait),
            outcome(os.waitpid, -1, os.WNOHANG),
            outcome(os.waitpid, 2**22 + 2**20, 0),
            outcome(os.waitid, os.P_ALL, 0, os.WEXITED),
            outcome(os.wait3, 0),
        ]

    assert [error.errno for error in parity(body)] == [errno.ECHILD] * 5


def test_waitid_tells_how_it_ended(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        seen: list[Any] = []
        for command in ("exit 3", "kill -9 $$"):
            with subprocess.Popen(["sh", "-c", command]) as child:
                peek = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
                taken = os.waitid(os.P_PID, child.pid, os.WEXITED)
                for result in (peek, taken):
                    assert result is not None
                    seen.append(
                        (
                            result.si_pid == child.pid,
                            result.si_uid,
                            result.si_signo,
                            result.si_status,
                            result.si_code,
                        )
                    )
                seen.append(type(outcome(os.waitid, os.P_PID, child.pid, os.WEXITED)))
        return seen

    seen = parity(body)
    assert seen[0][3:] == (3, os.CLD_EXITED)
    assert seen[3][3:] == (9, os.CLD_KILLED)


def _told(result: Any, pid: int) -> Any:
    return result and (result.si_pid == pid, result.si_signo, result.si_status, result.si_code)


def test_waitid_tells_of_stops(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        # It ends once it may, so that nobody who asks whether it went on comes too late.
        code = "kill -STOP $$; read word; exit 4"
        with subprocess.Popen(["sh", "-c", code], stdin=subprocess.PIPE) as child:
            assert child.stdin is not None
            seen = [_told(os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT), child.pid)]
            seen.append(_told(os.waitid(os.P_PID, child.pid, os.WEXITED | os.WSTOPPED), child.pid))
            os.kill(child.pid, signal.SIGCONT)
            seen.append(_told(os.waitid(os.P_PID, child.pid, os.WCONTINUED), child.pid))
            child.stdin.close()
            seen.append(_told(os.waitid(os.P_PID, child.pid, os.WEXITED | os.WSTOPPED), child.pid))
        return seen

    stopped = (True, signal.SIGCHLD, signal.SIGSTOP, os.CLD_STOPPED)
    went_on = (True, signal.SIGCHLD, signal.SIGCONT, os.CLD_CONTINUED)
    assert parity(body) == [stopped, stopped, went_on, (True, signal.SIGCHLD, 4, os.CLD_EXITED)]


@pytest.mark.parametrize("form", ["P_PID", "P_PGID", "P_ALL", "P_PIDFD"])
def test_waitid_by_everything(parity: Parity, form: str) -> None:
    if not hasattr(os, form):
        pytest.skip(f"needs os.{form}")

    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, process_group=0) as child:
            assert child.stdin is not None
            fd = os.pidfd_open(child.pid) if form == "P_PIDFD" else -1
            ident = {"P_ALL": 0, "P_PIDFD": fd}.get(form, child.pid)
            kind = getattr(os, form)
            seen = [_told(os.waitid(kind, ident, os.WEXITED | os.WNOHANG), child.pid)]
            child.stdin.close()
            seen += [_told(os.waitid(kind, ident, os.WEXITED | more), child.pid) for more in (os.WNOWAIT, 0)]
            seen.append(type(outcome(os.waitid, kind, ident, os.WEXITED)))
            if fd != -1:
                os.close(fd)
        return seen

    ended = (True, signal.SIGCHLD, 0, os.CLD_EXITED)
    assert parity(body) == [None, ended, ended, ChildProcessError]


@pytest.mark.parametrize("form", ["P_PID", "P_PIDFD", "P_ALL"])
def test_waitid_for_stops_of_one_that_has_ended(parity: Parity, form: str) -> None:
    if not hasattr(os, form):
        pytest.skip(f"needs os.{form}")

    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "exit 3"]) as child:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            fd = os.pidfd_open(child.pid) if form == "P_PIDFD" else -1
            ident = {"P_ALL": 0, "P_PIDFD": fd}.get(form, child.pid)
            seen = [
                outcome(os.waitid, getattr(os, form), ident, options | more)
                for options in (os.WSTOPPED, os.WCONTINUED, os.WSTOPPED | os.WCONTINUED)
                for more in (os.WNOHANG, os.WNOHANG | os.WNOWAIT)
            ]
            seen.append(outcome(os.waitid, getattr(os, form), ident, os.WSTOPPED))
            if fd != -1:
                os.close(fd)
            # Nothing of that has reaped it.
            return seen, child.wait()

    seen, code = parity(body)
    assert ([error.errno for error in seen], code) == ([errno.ECHILD] * 7, 3)


def test_waitid_for_stops_of_one_that_runs(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE) as child:
            assert child.stdin is not None
            asked = [(os.P_PID, child.pid), (os.P_ALL, 0)] * 3
            seen = [os.waitid(kind, ident, os.WSTOPPED | os.WNOHANG) for kind, ident in asked]
            child.stdin.close()
            # It waits until that has ended, and is told nothing.
            seen.append(outcome(os.waitid, os.P_PID, child.pid, os.WSTOPPED))
            return seen, child.wait()

    seen, code = parity(body)
    assert (seen[:-1], seen[-1].errno, code) == ([None] * 6, errno.ECHILD, 0)


def test_waitid_for_stops_of_one_that_ends_by_itself(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        gate = Gate(folder)
        with subprocess.Popen(gate.command()) as child:
            asked = [(os.P_PID, child.pid), (os.P_ALL, 0)] * 3
            seen = [os.waitid(kind, ident, os.WSTOPPED | os.WNOHANG) for kind, ident in asked]
            gate.open()
            return seen, child.wait()

    assert parity(body) == ([None] * 6, 0)


def test_waitid_for_nothing_at_all(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["true"]) as child:
            return outcome(os.waitid, os.P_PID, child.pid, os.WNOHANG), child.wait()

    assert parity(body)[0].errno == errno.EINVAL


def test_rusage(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = ROADS.spawnlp(os.P_NOWAIT, "true", "true")
        got, status, usage = os.wait4(pid, 0)
        return got == pid, status, usage.ru_utime >= 0, len(usage)

    assert parity(body) == (True, 0, True, 16)


@needs_pidfd
def test_a_process_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE) as child:
            fd = os.pidfd_open(child.pid)
            early, _, _ = select.select([fd], [], [], 0)
            inheritable = os.get_inheritable(fd)
            assert child.stdin is not None
            child.stdin.close()
            late, _, _ = select.select([fd], [], [], 20)
            result = os.waitid(os.P_PIDFD, fd, os.WEXITED)
            os.close(fd)
            assert result is not None
            gone = outcome(os.pidfd_open, child.pid)
            child.returncode = 0
            return early, inheritable, len(late), result.si_pid == child.pid, result.si_status, gone

    assert parity(body)[:5] == ([], False, 1, True, 0)


@needs_pidfd
def test_a_process_descriptor_of_a_child_that_has_ended(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "exit 8")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        fd = os.pidfd_open(pid)
        readable, _, _ = select.select([fd], [], [], 20)
        status = os.waitpid(pid, 0)[1]
        again = outcome(signal.pidfd_send_signal, fd, 0)
        os.close(fd)
        return len(readable), status, again

    assert parity(body)[:2] == (1, 8 << 8)


def test_sigchld(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        seen: list[int] = []
        before = signal.signal(signal.SIGCHLD, lambda number, frame: seen.append(number))
        try:
            with subprocess.Popen(["sh", "-c", "exit 3"]) as child:
                code = child.wait()
            until(lambda: seen)
        finally:
            signal.signal(signal.SIGCHLD, before)
        return seen, code

    assert parity(body) == ([signal.SIGCHLD], 3)


_SIGTIMEDWAIT = {"x86_64": "128", "aarch64": "137"}.get(platform.machine())
"""The number of the call."""


def _open_once_it_waits(gate: Gate, tid: int, over: threading.Event) -> None:
    """Open the gate when the thread sleeps in ``sigtimedwait``, or is over it."""
    with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as call:
        while not over.wait(0.005):
            call.seek(0)
            if call.read().split()[0] == _SIGTIMEDWAIT:
                gate.open()


@pytest.mark.skipif(
    _SIGTIMEDWAIT is None or not os.path.exists("/proc/self/syscall"), reason="looks at /proc"
)
def test_sigchld_that_is_waited_for(parity: Parity) -> None:
    """As supervisors do it: blocked, so that it can be waited for.

    The child ends later than the wait begins: else another thread could be given the signal, bare too.
    """

    def body(folder: Path) -> Any:
        gate, over = Gate(folder), threading.Event()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        looks = threading.Thread(target=_open_once_it_waits, args=(gate, threading.get_native_id(), over))
        try:
            pid = ROADS.spawnlp(os.P_NOWAIT, "sh", *gate.command(then="exit 9"))
            looks.start()
            told = signal.sigtimedwait({signal.SIGCHLD}, 50)
            return told and told.si_signo, os.waitpid(pid, os.WNOHANG)[1]
        finally:
            over.set()
            looks.join()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    assert parity(body) == (signal.SIGCHLD, 9 << 8)


def test_sigchld_wakes_a_descriptor(parity: Parity) -> None:
    """As event loops do it: the handler does nothing, the wakeup descriptor becomes readable."""

    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        wakeup = signal.set_wakeup_fd(writer)
        before = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        try:
            pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "exit 9")
            told = os.read(reader, 1)
            return told, os.waitpid(pid, 0)[1]
        finally:
            signal.signal(signal.SIGCHLD, before)
            signal.set_wakeup_fd(wakeup)
            os.close(reader)
            os.close(writer)

    assert parity(body) == (bytes([signal.SIGCHLD]), 9 << 8)


def test_a_handler_that_reaps(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reaped: list[int] = []

        def reap(number: int, frame: object) -> None:
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if not pid:
                    return
                reaped.append(status >> 8)

        before = signal.signal(signal.SIGCHLD, reap)
        try:
            for code in (1, 2, 3):
                ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {code}")
            while len(reaped) < 3:
                time.sleep(0.001)
        finally:
            signal.signal(signal.SIGCHLD, before)
        return sorted(reaped)

    assert parity(body) == [1, 2, 3]
