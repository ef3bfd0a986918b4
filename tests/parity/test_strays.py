"""Processes that C code starts: real in every mode, and those that are taped go on beside them."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a process is")

LIBC = ctypes.CDLL(None)


def _in_c(*argv: str) -> int:
    pid = ctypes.c_int()
    words = (ctypes.c_char_p * (len(argv) + 1))(*map(os.fsencode, argv), None)
    assert LIBC.posix_spawnp(ctypes.byref(pid), words[0], None, None, words, None) == 0
    return pid.value


def _said(word: str) -> bytes:
    return subprocess.run(["echo", word], stdout=subprocess.PIPE, check=True).stdout


def _waited_in_c(pid: int) -> int:
    status = ctypes.c_int()
    assert LIBC.waitpid(pid, ctypes.byref(status), 0) == pid
    return status.value


def _waitid(pid: int) -> tuple[int, int, object]:
    peek = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    told = os.waitid(os.P_PID, pid, os.WEXITED)
    assert peek is not None
    assert told is not None
    return told.si_status, told.si_code, peek.si_pid == told.si_pid == pid


def _by_descriptor(pid: int) -> object:
    fd = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([fd], [], [], 60)
        return len(ready), os.waitpid(pid, 0)[1]
    finally:
        os.close(fd)


WAITS: dict[str, Callable[[int], object]] = {
    "in C": _waited_in_c,
    "waitpid": lambda pid: os.waitpid(pid, 0)[1],
    "wait": lambda pid: os.wait()[1],
    "wait4": lambda pid: os.wait4(pid, 0)[1],
    "waitid": _waitid,
    "a process descriptor": _by_descriptor,
}


@pytest.mark.parametrize("how", WAITS)
def test_one_that_is_waited_for(parity: Parity, how: str) -> None:
    def body(folder: Path) -> Any:
        seen: list[object] = [_said("one")]
        pid = _in_c("sh", "-c", "exit 3")
        seen.append(WAITS[how](pid))
        # It is gone for everybody.
        seen.append(outcome(os.waitpid, pid, 0))
        return [*seen, _said("two")]

    seen = parity(body)
    assert (seen[0], seen[-1]) == (b"one\n", b"two\n")
    assert isinstance(seen[2], ChildProcessError)


def test_a_shell_of_c(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = f"echo from C >{folder}/file; exit 3".encode()
        status: list[int] = []
        thread = threading.Thread(target=lambda: status.append(LIBC.system(command)))
        thread.start()
        thread.join()
        return status, (folder / "file").read_text(), _said("one"), LIBC.system(b"exit 4")

    assert parity(body) == ([3 << 8], "from C\n", b"one\n", 4 << 8)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_one_that_is_ended_by_its_number(parity: Parity, number: int) -> None:
    def body(folder: Path) -> Any:
        pid = _in_c("sleep", "600")
        seen: list[object] = [os.waitpid(pid, os.WNOHANG), _said("one"), outcome(os.kill, pid, 0)]
        os.kill(pid, number)
        return [*seen, os.waitpid(pid, 0)[1], outcome(os.kill, pid, 0)]

    seen = parity(body)
    assert seen[:4] == [(0, 0), b"one\n", None, number]
    assert isinstance(seen[4], ProcessLookupError)


def test_who_waits_for_anybody_is_told_of_both_kinds(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        roads: Any = os
        taped = roads.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "exit 5")
        names = {taped: "taped", _in_c("sh", "-c", "exit 6"): "in C"}
        ended = dict(os.wait() for _ in names)
        return sorted((names[pid], os.waitstatus_to_exitcode(status)) for pid, status in ended.items())

    assert parity(body) == [("in C", 6), ("taped", 5)]
