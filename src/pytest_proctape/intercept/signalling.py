"""Sending signals to children, and asking for their groups."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..child import TABLE, Child, RecordingChild, VirtualChild

_REAL_KILL = os.kill
_REAL_KILLPG = os.killpg
_REAL_GETPGID = os.getpgid
_REAL_GETSID = os.getsid
_REAL_PIDFD_SEND: Callable[..., None] | None = getattr(signal, "pidfd_send_signal", None)


def kill(pid: int, number: int, /) -> None:
    """Stands in for :func:`os.kill`."""
    if pid < -1:
        killpg(-pid, number)
        return
    child = TABLE.get(pid)
    if isinstance(child, VirtualChild):
        child.send(_checked(number))
        return
    with _noted([child], number):
        _REAL_KILL(pid, number)


def killpg(pgid: int, number: int, /) -> None:
    """Stands in for :func:`os.killpg`."""
    group = TABLE.group(pgid)
    for child in group:
        child.send(_checked(number))
    if group and pgid in {child.pid for child in group}:
        # A group that a virtual child leads has no real members.
        return
    members = [other for other in TABLE if _group_of(other.pid) == pgid]
    with _noted(members, number):
        _REAL_KILLPG(pgid, number)


@contextmanager
def _noted(children: Iterable[Child | None], number: int) -> Iterator[None]:
    """Around a real call that signals these; those that are being recorded note it."""
    with ExitStack() as stack:
        for child in children:
            if isinstance(child, RecordingChild):
                stack.enter_context(child.being_signalled(number))
        yield


def _group_of(pid: int) -> int:
    try:
        return _REAL_GETPGID(pid)
    except OSError:
        return -1


def _checked(number: int) -> int:
    if not 0 <= number < signal.NSIG:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return int(number)


def getpgid(pid: int) -> int:
    """Stands in for :func:`os.getpgid`."""
    child = TABLE.get(pid)
    return child.group if isinstance(child, VirtualChild) else _REAL_GETPGID(pid)


def getsid(pid: int, /) -> int:
    """Stands in for :func:`os.getsid`."""
    child = TABLE.get(pid)
    if isinstance(child, VirtualChild):
        return child.pid if child.new_session else _REAL_GETSID(0)
    return _REAL_GETSID(pid)


def pidfd_send_signal(pidfd: int, number: int, siginfo: Any = None, flags: int = 0, /) -> None:
    """Stands in for :func:`signal.pidfd_send_signal`."""
    child = TABLE.by_pidfd(pidfd)
    if child is not None:
        child.send(_checked(number))
        return
    assert _REAL_PIDFD_SEND is not None
    with _noted([TABLE.get(_pid_of(pidfd))], number):
        _REAL_PIDFD_SEND(pidfd, number, siginfo, flags)


def _pid_of(pidfd: int) -> int:
    """Whom a real process descriptor is for, as the kernel tells it: pidfd_open(2), proc(5). 0 if unknown."""
    try:
        with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as lines:
            return next((int(line[4:]) for line in lines if line.startswith("Pid:")), 0)
    except OSError:
        return 0
