"""Timed waits of ``subprocess``: on replay they expire as recorded, and at once.

A deadline is a matter of ``Popen`` and not of the kernel, so this is the one place where the package
reaches into that class: ``_wait``, ``_communicate`` and what is left until a deadline, which every form of
``timeout=`` goes through. CPython asks for the latter in a method, ``_remaining_time``, up to 3.14, and from
3.15 on in a function of the module, ``_deadline_remaining``, which does not know the ``Popen``.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..child import TABLE, RecordingChild, VirtualChild
from ..clock import CLOCK
from ..errors import ProctapeError
from ..genuine import select, threading
from . import pausing, popen
from .known import POPEN, part

_REAL_WAIT: Callable[..., int] = part(POPEN, "_wait")
_REAL_COMMUNICATE: Callable[..., Any] = part(POPEN, "_communicate")
BY_METHOD = hasattr(POPEN, "_remaining_time")
"""Whether this CPython asks the ``Popen``."""
_REMAINING: tuple[Any, str] = (POPEN, "_remaining_time") if BY_METHOD else (subprocess, "_deadline_remaining")
_REAL_REMAINING: Callable[..., float | None] = part(*_REMAINING)


_LONGEST_S = 1e9
"""No wait ends later; ``Popen.wait`` takes ``math.inf``, too."""


class _Local(threading.local):
    skipped_s = 0.0
    """Seconds by which waits of this thread have been cut short."""
    communicating = False
    """A wait that expires is part of a longer one, which is what is noted."""
    popen: Any = None
    """Whose ``_communicate`` this thread is in; noted from 3.15 on."""


_LOCAL = _Local()


def monotonic() -> float:
    """Stands in for the ``monotonic`` of ``subprocess``: waits that were cut short count in full."""
    return pausing.monotonic() if pausing.clocked() else time.monotonic() + _LOCAL.skipped_s


def wait(self: Any, timeout: float | None) -> int:
    """Stands in for ``Popen._wait``."""
    known: int | None = self.returncode
    if known is not None:
        return known
    code = popen.reaped(self, TABLE.get(self.pid)) if timeout is None else None
    if code is not None:
        return code
    try:
        return _wait(self, timeout)
    except ProctapeError:
        child = TABLE.get(self.pid)
        if self.returncode is None and isinstance(child, VirtualChild) and child.status is not None:
            # It has ended of that; nobody may ask again, and a child left alone is a warning.
            TABLE.reap(child)
            self.returncode = os.waitstatus_to_exitcode(child.status)
        raise


def _wait(self: Any, timeout: float | None) -> int:
    child = TABLE.get(self.pid) if timeout is not None and self.returncode is None else None
    if child is None or timeout is None:
        return _REAL_WAIT(self, timeout)
    if isinstance(child, VirtualChild):
        if child.expires(ns_of(timeout)):
            if not child.clocked:
                _LOCAL.skipped_s += max(0.0, timeout)
            raise subprocess.TimeoutExpired(self.args, timeout)
        # From 3.15 on a deadline before now has passed even where the child has ended.
        return _REAL_WAIT(self, timeout if timeout < 0 else None)
    child.awaited = True
    try:
        return _wait_recording(self, child, timeout)
    except subprocess.TimeoutExpired:
        if not _LOCAL.communicating:
            child.wait_expired(ns_of(timeout))
        raise
    finally:
        child.awaited = False


def _wait_recording(waiting: Any, child: RecordingChild, timeout: float) -> int:
    """A timed wait by the clock that the child is recorded by; ``Popen``'s own looks from time to time."""
    if child.time.exit_fd == -1 or not pausing.clocked():
        return _REAL_WAIT(waiting, timeout)
    deadline_ns = pausing.deadline_after(min(timeout, _LONGEST_S))
    if CLOCK.waits.block(pausing.FdWait({child.time.exit_fd: select.POLLIN}, deadline_ns)):
        return _REAL_WAIT(waiting, None)
    raise subprocess.TimeoutExpired(waiting.args, timeout)


def communicate(self: Any, data: Any, endtime: float | None, orig_timeout: float | None) -> Any:
    """Stands in for ``Popen._communicate``."""
    child = TABLE.get(self.pid) or TABLE.held(self.pid)
    said = popen.read_out(self, child) if orig_timeout is None else None
    if said is not None:
        return said
    if not isinstance(child, RecordingChild) or orig_timeout is None:
        return _REAL_COMMUNICATE(self, data, endtime, orig_timeout)
    with communicating(child, orig_timeout):
        return _REAL_COMMUNICATE(self, data, endtime, orig_timeout)


@contextmanager
def communicating(child: RecordingChild, timeout: float) -> Iterator[None]:
    """Around waits that are parts of one with a timeout: if one of them expires, that one has."""
    _LOCAL.communicating = True
    try:
        yield
    except subprocess.TimeoutExpired:
        child.wait_expired(ns_of(timeout))
        raise
    finally:
        _LOCAL.communicating = False


def communicate_by_name(self: Any, *arguments: Any) -> Any:
    """The same from 3.15 on: :func:`deadline_remaining` has to know whose deadline it is."""
    before, _LOCAL.popen = _LOCAL.popen, self
    try:
        return communicate(self, *arguments)
    finally:
        _LOCAL.popen = before


def remaining_time(self: Any, endtime: float | None) -> float | None:
    """Stands in for ``Popen._remaining_time``, which ``_communicate`` asks before each of its waits."""
    return _remaining(self, _REAL_REMAINING(self, endtime))


def deadline_remaining(endtime: float | None) -> float | None:
    """Stands in for the function that is asked in its place from 3.15 on."""
    left_s = _REAL_REMAINING(endtime)
    return left_s if _LOCAL.popen is None else _remaining(_LOCAL.popen, left_s)


def remaining(of: Any, endtime: float | None) -> float | None:
    """Seconds until ``endtime``, as ``of._communicate`` would be told it."""
    return remaining_time(of, endtime) if BY_METHOD else _remaining(of, _REAL_REMAINING(endtime))


def _remaining(self: Any, left_s: float | None) -> float | None:
    """Where nothing but an expiry would end the wait that comes, it has expired already."""
    if left_s == 0 and pausing.clocked():
        # A real clock has always gone past the end when it is asked. One that stands on it would be asked
        # again and again, and at last it would be up to the machine how much time that takes.
        return -1e-6
    child = TABLE.get(self.pid) or TABLE.held(self.pid)
    if (
        not isinstance(child, VirtualChild)
        or child.is_over
        or child.clocked
        or all(one is None or one.closed for one in _streams(self))
    ):
        return left_s
    # Ask the child first: it may have something to say to what it has been sent.
    at_timeout = child.at_timeout
    if left_s is None:
        child.pass_timeouts()
    elif left_s > 0 and at_timeout and not _any_ready(self) and child.expires(ns_of(left_s)):
        _LOCAL.skipped_s += left_s + 1e-6
        left_s = -1e-6
    return left_s


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for the timed waits."""
    # A wait in a kqueue, from 3.15 on, would not see a mock clock move: let it look and sleep, as before.
    kqueue = [(subprocess, "_CAN_USE_KQUEUE", False)] if hasattr(subprocess, "_CAN_USE_KQUEUE") else []
    return [
        *kqueue,
        (subprocess, "_time", monotonic),
        (POPEN, "_wait", wait),
        (POPEN, "_communicate", communicate if BY_METHOD else communicate_by_name),
        (*_REMAINING, remaining_time if BY_METHOD else deadline_remaining),
    ]


def _streams(of: Any) -> tuple[Any, Any, Any]:
    return (of.stdin, of.stdout, of.stderr)


def _any_ready(of: Any) -> bool:
    """Whether ``_communicate`` would find something to do without waiting."""
    stdin, *outputs = _streams(of)
    poll = select.poll()
    # It has all of its input written, and closed, before it waits for output alone.
    for stream, event in ((stdin, select.POLLOUT), *((one, select.POLLIN) for one in outputs)):
        if stream is not None and not stream.closed:
            poll.register(stream, event)
    return bool(poll.poll(0))


def ns_of(seconds: float) -> int:
    """A number of seconds, as ``subprocess`` is given it, in nanoseconds."""
    return max(0, round(min(seconds, _LONGEST_S) * 1e9))
