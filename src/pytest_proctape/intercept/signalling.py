"""Sending signals to children, and asking for their groups."""

from __future__ import annotations

import errno
import operator
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from ..child import FORKS, TABLE, Child, RecordingChild, VirtualChild
from . import door, kin

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
    FORKS.await_exec(pid)
    child = TABLE.get(pid)
    if isinstance(child, VirtualChild):
        sys.audit("os.kill", pid, operator.index(number))
        child.send(_checked(number))
    elif child is None and pid > 0:
        _signal_another(pid, number, partial(_REAL_KILL, pid, number))
    else:
        with _noted([child], number):
            _REAL_KILL(pid, number)


def killpg(pgid: int, number: int, /) -> None:
    """Stands in for :func:`os.killpg`."""
    FORKS.await_exec(pgid)
    group = TABLE.group(pgid)
    led = pgid in {child.pid for child in group}
    if led:
        sys.audit("os.killpg", pgid, operator.index(number))
    for child in group:
        child.send(_checked(number))
    if led:
        # It has no real members.
        return
    members = [other for other in TABLE if _group_of(other.pid) == pgid]
    if not group and not members and pgid > 1:
        _signal_another(pgid, number, partial(_REAL_KILLPG, pgid, number), group=True)
        return
    with _noted(members, number):
        _REAL_KILLPG(pgid, number)


def _signal_another(pid: int, number: int, real: Callable[[], None], *, group: bool = False) -> None:
    """Signal a process that is no child of ours, or a group: on replay it may be anybody's."""
    session = door.current()
    if session is None or door.is_forked() or (kin.is_our_group(pid) if group else kin.is_ours(pid)):
        real()
        return
    error = session.signal_another(pid, _checked(number), group=group)
    if error:
        raise OSError(error, os.strerror(error))
    if error is None:
        try:
            real()
        except OSError as caught:
            session.signalled_another(pid, number, group=group, error=caught.errno or 0)
            raise
        session.signalled_another(pid, number, group=group, error=0)


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
    real = partial(_REAL_PIDFD_SEND, pidfd, number, siginfo, flags)
    pid = _pid_of(pidfd)
    owner = TABLE.get(pid)
    if isinstance(owner, VirtualChild):
        # Opened for a copy, before that called exec.
        owner.send(_checked(number))
        return
    if owner is None and pid > 0:
        _signal_another(pid, number, real)
        return
    with _noted([owner], number):
        real()


def _pid_of(pidfd: int) -> int:
    """Whom a real process descriptor is for, as the kernel tells it: pidfd_open(2), proc(5). 0 if unknown."""
    try:
        with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as lines:
            return next((int(line[4:]) for line in lines if line.startswith("Pid:")), 0)
    except OSError:
        return 0
