"""Waiting for virtual children, and for real ones beside them."""

from __future__ import annotations

import errno
import os
import select
import subprocess
from collections.abc import Callable

import pytest

from pytest_proctape.child import TABLE, add_ended
from pytest_proctape.intercept import reaping

CODE = 7
Wait = Callable[[int], tuple[int, int]]

BY_PID: dict[str, Wait] = {
    "waitpid": lambda pid: reaping.waitpid(pid, 0),
    "waitpid, not blocking": lambda pid: reaping.waitpid(pid, os.WNOHANG),
    "wait4": lambda pid: reaping.wait4(pid, 0)[:2],
    "waitid": lambda pid: _by_waitid(os.P_PID, pid),
}
ANY: dict[str, Wait] = {
    "waitpid(-1)": lambda _: reaping.waitpid(-1, 0),
    "waitpid(0)": lambda _: reaping.waitpid(0, 0),
    "waitpid(-group)": lambda _: reaping.waitpid(-os.getpgrp(), 0),
    "wait": lambda _: reaping.wait(),
    "wait3": lambda _: reaping.wait3(0)[:2],
    "waitid(P_ALL)": lambda _: _by_waitid(os.P_ALL, 0),
    "waitid(P_PGID)": lambda _: _by_waitid(os.P_PGID, os.getpgrp()),
}


def _by_waitid(kind: int, ident: int) -> tuple[int, int]:
    result = reaping.waitid(kind, ident, os.WEXITED)
    return result.si_pid, result.si_status << 8


@pytest.mark.parametrize("how", [*BY_PID, *ANY])
def test_a_child_is_reaped_once(how: str) -> None:
    wait = {**BY_PID, **ANY}[how]
    pid = add_ended(CODE << 8)
    assert wait(pid) == (pid, CODE << 8)
    assert TABLE.get(pid) is None
    with pytest.raises(ChildProcessError) as caught:
        wait(pid)
    assert caught.value.errno == errno.ECHILD


@pytest.mark.parametrize("how", ANY)
def test_real_children_are_found_beside_virtual_ones(how: str) -> None:
    with subprocess.Popen(["sh", "-c", f"exit {CODE}"]) as real:
        virtual = add_ended((CODE + 1) << 8)
        got = dict(ANY[how](0) for _ in range(2))
        real.returncode = CODE
    assert got == {real.pid: CODE << 8, virtual: (CODE + 1) << 8}


def test_looking_without_taking() -> None:
    pid = add_ended(9)
    for options in (os.WEXITED | os.WNOWAIT, os.WEXITED):
        result = reaping.waitid(os.P_PID, pid, options)
        assert (result.si_pid, result.si_status, result.si_code) == (pid, 9, os.CLD_KILLED)
    assert TABLE.get(pid) is None


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="process descriptors are Linux's")
def test_process_descriptors() -> None:
    pid = add_ended(CODE << 8)
    fd = reaping.pidfd_open(pid)
    assert select.select([fd], [], [], 0)[0]
    assert reaping.waitid(os.P_PIDFD, fd, os.WEXITED).si_status == CODE
    os.close(fd)
    with pytest.raises(ProcessLookupError):
        reaping.pidfd_open(pid)
