"""Sending signals to children, and asking for their groups."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

from ..child import TABLE, RecordingChild, VirtualChild

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
    if isinstance(child, RecordingChild):
        child.signalled(number)
    _REAL_KILL(pid, number)


def killpg(pgid: int, number: int, /) -> None:
    """Stands in for :func:`os.killpg`."""
    group = TABLE.group(pgid)
    for child in group:
        child.send(_checked(number))
    if group and pgid in {child.pid for child in group}:
        # A group that a virtual child leads has no real members.
        return
    for other in TABLE:
        if isinstance(other, RecordingChild) and _group_of(other.pid) == pgid:
            other.signalled(number)
    _REAL_KILLPG(pgid, number)


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
    _REAL_PIDFD_SEND(pidfd, number, siginfo, flags)
