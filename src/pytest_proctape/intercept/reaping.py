"""Waiting for children: the ``os.wait*`` family and process descriptors."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..child import FORKS, KIN, TABLE, Child, RecordingChild, VirtualChild, status_of
from ..clock import CLOCK, Wait
from . import pausing
from .awaiting import (
    CHANGES,
    POLL_S,
    REAL_WAITID,
    await_any,
    await_real,
    found_running,
    id_type,
    of_the_first,
)

REAL_WAITPID = os.waitpid
_REAL_PIDFD_OPEN: Callable[..., int] | None = getattr(os, "pidfd_open", None)


_PATIENCE_NS = 5_000_000


def waitpid(pid: int, options: int, /) -> tuple[int, int]:
    """Stands in for :func:`os.waitpid`."""
    if FORKS:
        FORKS.settle(pid, options)
    child = TABLE.get(pid) if pid > 0 else None
    if child is None:
        if pid > 0 or not (FORKS or _candidates(pid)):
            ended = await_any(*id_type(pid), options)
            told = of_the_first(ended, lambda one: KIN.waitpid(one, options))
            result = told or KIN.waitpid(pid, options)
            if not result[0]:
                found_running(*id_type(pid))
            return _note(result)
        return _wait_any(pid, options)
    if isinstance(child, VirtualChild):
        return _wait_virtual(child, options)
    return _wait_recording(child, options)


def exit_code(pid: int) -> int:
    """What ``Popen._wait`` makes of what :func:`waitpid` says."""
    try:
        _, status = waitpid(pid, 0)
    except ChildProcessError:
        # So it takes what it can't know: SIGCHLD is ignored.
        return 0
    return os.waitstatus_to_exitcode(status)


def _wait_virtual(child: VirtualChild, options: int) -> tuple[int, int]:
    change = child.change(options) if options & ~os.WNOHANG else None
    if change is not None:
        return (child.pid, change)
    status = child.glance() if options & os.WNOHANG else child.wait(options)
    if TABLE.get(child.pid) is not child:
        raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
    if status is None:
        return (0, 0)
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        TABLE.reap(child)
        if TABLE.keeps_no_status():
            raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
    return (child.pid, status)


def _wait_recording(child: RecordingChild, options: int) -> tuple[int, int]:
    was_gone = bool(options & os.WNOHANG) or child.gone()
    if not was_gone:
        await_real(os.P_PID, child.pid, options)
    error = child.take_error(options)
    if error is not None:
        raise error
    try:
        pid, status = KIN.waitpid(child.pid, options)
    except ChildProcessError:
        # Nobody will ever know how it ended: SIGCHLD is ignored, or it was reaped behind our back.
        _reaped(child, 0, was_gone=was_gone)
        raise
    if pid:
        _reaped(child, status, was_gone=was_gone, polled=bool(options & os.WNOHANG))
    else:
        child.polled()
        if pausing.clocked():
            CLOCK.waits.polled()
    return pid, status


def note(pid: int, status: int) -> None:
    """A library has waited for real, below Python."""
    # A copy may have become a program and ended before that is noted.
    FORKS.let_answer()
    _note((pid, status))


def _note(result: tuple[int, int]) -> tuple[int, int]:
    """A real wait for any child may have got one of ours."""
    child = TABLE.get(result[0]) if result[0] else None
    if isinstance(child, RecordingChild):
        _reaped(child, result[1], was_gone=True)
    elif isinstance(child, VirtualChild):
        # It plays in the place of a copy, which has ended as it did.
        TABLE.reap(child)
    elif result[0]:
        TABLE.note_stranger(*result)
        FORKS.forget(result[0])
    return result


def _reaped(child: RecordingChild, status: int, *, was_gone: bool, polled: bool = False) -> None:
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        child.reaped(status, was_gone=was_gone, polled=polled)
        TABLE.remove(child.pid)
    else:
        child.changed(status)


def _candidates(pid: int) -> list[VirtualChild]:
    """The virtual children that a wait for ``pid`` <= 0 means: waitpid(2)."""
    if pid == -1:
        return TABLE.virtual
    return TABLE.group(os.getpgrp() if pid == 0 else -pid)


def _wait_any(pid: int, options: int) -> tuple[int, int]:
    while True:
        for child in _candidates(pid):
            status = child.poll()
            if status is not None and TABLE.get(child.pid) is child:
                TABLE.reap(child)
                return (child.pid, status)
        FORKS.let_answer()
        try:
            result = _note(KIN.waitpid(pid, options | os.WNOHANG))
        except ChildProcessError:
            if not (FORKS or _candidates(pid)):
                raise
            result = (0, 0)
        if result[0] or options & os.WNOHANG:
            if not result[0]:
                _looked_in_vain()
            return result
        _wait_for_change()


def _looked_in_vain() -> None:
    """Who looks again and again lets time pass by that."""
    if pausing.clocked():
        CLOCK.waits.polled(lambda: any(child.poll() is not None for child in TABLE.virtual))


def _wait_for_change() -> None:
    """Until one of the virtual children has ended, as far as one can wait for that."""
    if not pausing.clocked():
        with TABLE.ended:
            TABLE.waiting += 1
            try:
                TABLE.ended.wait(POLL_S)
            finally:
                TABLE.waiting -= 1
        return
    before = {child.pid for child in TABLE.virtual if child.poll() is not None}

    def ended() -> bool:
        return any(child.poll() is not None and child.pid not in before for child in TABLE.virtual)

    CLOCK.waits.block(Wait(None, ended), _PATIENCE_NS)


def wait() -> tuple[int, int]:
    """Stands in for :func:`os.wait`."""
    return waitpid(-1, 0)


def wait4(pid: int, options: int) -> tuple[int, int, Any]:
    """Stands in for :func:`os.wait4`. A virtual child used nothing."""
    if FORKS:
        FORKS.settle(pid, options)
    if (pid > 0 and isinstance(TABLE.get(pid), VirtualChild)) or (pid <= 0 and (FORKS or _candidates(pid))):
        got, status = waitpid(pid, options)
        return (got, status, resource.struct_rusage([0] * 16))
    ended = await_any(*id_type(pid), options)
    told = of_the_first(ended, lambda one: KIN.wait4(one, options))
    got, status, usage = told or KIN.wait4(pid, options)
    _note((got, status))
    return (got, status, usage)


def wait3(options: int) -> tuple[int, int, Any]:
    """Stands in for :func:`os.wait3`."""
    return wait4(-1, options)


def waitid(idtype: int, ident: int, options: int, /) -> Any:
    """Stands in for :func:`os.waitid`."""
    if FORKS and idtype == os.P_PID:
        FORKS.settle(ident, options)
    child = _by_id(idtype, ident)
    if isinstance(child, VirtualChild):
        return _waitid_virtual(child, options)
    if idtype in (os.P_ALL, os.P_PGID) and (FORKS or _candidates(-1 if idtype == os.P_ALL else -ident)):
        return _waitid_any(idtype, ident, options)
    result = _waitid_real(idtype, ident, options)
    if result is None:
        found_running(idtype, ident)
    return result


def _waitid_real(idtype: int, ident: int, options: int) -> Any:
    """The real call; a recorded child that it tells of is told."""
    ended = await_any(idtype, ident, options)
    told = of_the_first(ended, lambda one: REAL_WAITID(os.P_PID, one, options))
    result = told or REAL_WAITID(idtype, ident, options)
    if result is not None and not options & os.WNOWAIT:
        KIN.add_untold()
        # The status is gone with the kernel's record of the child; build it again from what waitid said.
        _note((result.si_pid, status_of(result)))
    elif result is None and isinstance(child := _by_id(idtype, ident), RecordingChild):
        child.polled()
    return result


def _waitid_any(idtype: int, ident: int, options: int) -> Any:
    while True:
        for child in _candidates(-1 if idtype == os.P_ALL else -ident):
            with suppress(ChildProcessError):
                result = _waitid_virtual(child, options | os.WNOHANG)
                if result is not None:
                    return result
        FORKS.let_answer()
        try:
            result = _waitid_real(idtype, ident, options | os.WNOHANG)
        except ChildProcessError:
            left = _candidates(-1 if idtype == os.P_ALL else -ident)
            if not FORKS and all(_tells_no_more(child, options) for child in left):
                raise
            result = None
        if result is not None or options & os.WNOHANG:
            if result is None:
                _looked_in_vain()
            return result
        _wait_for_change()


def _by_id(idtype: int, ident: int) -> Child | None:
    if idtype == os.P_PID:
        return TABLE.get(ident)
    if idtype == getattr(os, "P_PIDFD", None):
        try:
            return TABLE.by_pidfd(ident)
        except ProcessLookupError:
            raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD)) from None
    return None


def _waitid_virtual(child: VirtualChild, options: int) -> Any:
    if not options & (os.WEXITED | CHANGES):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    changes = options & (CHANGES | os.WNOWAIT) if options & CHANGES else 0
    status = child.change(changes) if changes else None
    if status is None:
        status = child.glance() if options & os.WNOHANG else child.wait(changes)
    if status is None:
        return None
    ended = os.WIFEXITED(status) or os.WIFSIGNALED(status)
    if ended and _tells_no_more(child, options):
        raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
    if ended and not options & os.WEXITED:
        return None
    if ended:
        if options & os.WNOWAIT:
            child.end_is_known = True
        else:
            TABLE.reap(child)
    return os.waitid_result((child.pid, os.getuid(), int(signal.SIGCHLD), *_told(status)))


def _tells_no_more(child: VirtualChild, options: int) -> bool:
    """Whether a wait for stops alone is told nothing of this child any more, as it has ended.

    Who only looks may look as often as in the recording, where it still ran: until the end is known it does.
    """
    if options & os.WEXITED or child.status is None:
        return False
    return child.end_is_known or not options & os.WNOHANG


def _told(status: int) -> tuple[int, int]:
    """``si_status`` and ``si_code`` for what :func:`os.waitpid` would have given: sigaction(2)."""
    if os.WIFSTOPPED(status):
        return (os.WSTOPSIG(status), os.CLD_STOPPED)
    if os.WIFCONTINUED(status):
        return (int(signal.SIGCONT), os.CLD_CONTINUED)
    if os.WIFSIGNALED(status):
        return (os.WTERMSIG(status), os.CLD_DUMPED if os.WCOREDUMP(status) else os.CLD_KILLED)
    return (os.WEXITSTATUS(status), os.CLD_EXITED)


def pidfd_open(pid: int, flags: int = 0) -> int:
    """Stands in for :func:`os.pidfd_open`."""
    FORKS.await_exec(pid)
    child = TABLE.get(pid)
    if isinstance(child, VirtualChild):
        return TABLE.open_pidfd(child)
    assert _REAL_PIDFD_OPEN is not None
    return _REAL_PIDFD_OPEN(pid, flags)
