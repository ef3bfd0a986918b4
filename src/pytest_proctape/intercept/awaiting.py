"""Waiting for real children under a mock clock: time passes, and what was noted says who was first."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ..child import TABLE, RecordingChild
from ..clock import CLOCK, REAL
from ..genuine import select
from . import pausing

_T = TypeVar("_T")

REAL_WAITID = os.waitid
CHANGES = os.WSTOPPED | os.WCONTINUED
POLL_S = 0.005
"""How often real children are asked where a wait is for real and virtual ones at once, in seconds."""

_LOOKS_FOR_CHANGE = 20
_ANY = frozenset({os.P_ALL, os.P_PGID})


def id_type(pid: int) -> tuple[int, int]:
    """What :func:`os.waitid` calls what :func:`os.waitpid` calls ``pid``."""
    if pid > 0:
        return os.P_PID, pid
    return (os.P_ALL, 0) if pid == -1 else (os.P_PGID, -pid or os.getpgrp())


def await_real(idtype: int, ident: int, options: int) -> None:
    """Under a mock clock, let time pass until the real wait that follows returns at once."""
    if options & os.WNOHANG or not pausing.clocked():
        return
    ends = {
        child.time.exit_fd: select.POLLIN
        for child in TABLE
        if isinstance(child, RecordingChild)
        and child.time.exit_fd != -1
        and (idtype != os.P_PID or child.pid == ident)
        and not child.gone()
    }
    if not ends:
        return
    wait = _RealWait(ends, idtype, ident, options)
    if options & CHANGES:
        # A signal that has been sent stops it at once, as far as a test can tell.
        for _ in range(_LOOKS_FOR_CHANGE):
            if wait.ready():
                return
            REAL.sleep(0.001)
    CLOCK.waits.block(wait)


def await_any(idtype: int, ident: int, options: int) -> list[RecordingChild]:
    """As :func:`await_real`; those that have ended, where any of several would do, the first one first.

    Under a mock clock a replay goes on at the first end. Once more than one has ended the kernel tells of the
    one that was started first, and how many have is up to how soon this thread comes to look.
    """
    if idtype not in _ANY or not pausing.clocked():
        await_real(idtype, ident, options)
        return []
    began_ns = CLOCK.waits.timeline.known_ns()
    await_real(idtype, ident, options)
    CLOCK.waits.settle()
    gone = [child for child in TABLE if isinstance(child, RecordingChild) and child.time.gone_ns]
    ended = [child for child in gone if _is_meant(child.pid, idtype, ident)]
    return sorted(ended, key=lambda child: max(child.time.gone_ns, began_ns))


def _is_meant(pid: int, idtype: int, ident: int) -> bool:
    """Whether a wait for any of several is for ``pid`` as well."""
    with suppress(OSError):
        return idtype == os.P_ALL or os.getpgid(pid) == (ident or os.getpgrp())
    return False


def of_the_first(ended: list[RecordingChild], ask: Callable[[int], _T]) -> _T | None:
    """What ``ask`` says of the first; ``None`` where another thread has reaped it, or there is none."""
    with suppress(ChildProcessError):
        return ask(ended[0].pid) if ended else None
    return None


class _RealWait(pausing.FdWait):
    """A wait for real children, some of which tell by a descriptor that they have ended."""

    def __init__(self, ends: dict[int, int], idtype: int, ident: int, options: int) -> None:
        super().__init__(ends)
        self._asked = idtype, ident, options & CHANGES | os.WEXITED | os.WNOWAIT | os.WNOHANG
        # Nothing tells of stops, nor of the ends of children that are not recorded.
        self._tells = idtype == os.P_PID and not options & CHANGES
        self.ready = self._is_over

    def _is_over(self) -> bool:
        try:
            return REAL_WAITID(*self._asked) is not None
        except OSError:
            # The real call says what is wrong.
            return True

    def sleep(self, limit_s: float | None) -> None:
        super().sleep(limit_s if self._tells else min(POLL_S, limit_s or POLL_S))


def found_running(idtype: int, ident: int) -> None:
    """A look for any of several was in vain: under a mock clock those have not ended before it."""
    if idtype in _ANY and pausing.clocked():
        for child in TABLE:
            if isinstance(child, RecordingChild) and _is_meant(child.pid, idtype, ident):
                child.time.seen_running()
        CLOCK.waits.polled()
