"""Timed waits of ``subprocess``: on replay they expire as recorded, and at once.

A deadline is a matter of ``Popen`` and not of the kernel, so this is the one place where the package
reaches into that class: ``_wait`` and ``_communicate``, which every form of ``timeout=`` goes through.
"""

from __future__ import annotations

import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from ..child import TABLE, RecordingChild, VirtualChild

_REAL_WAIT: Callable[..., int] = subprocess.Popen._wait  # type: ignore[attr-defined]
_REAL_COMMUNICATE: Callable[..., Any] = subprocess.Popen._communicate  # type: ignore[attr-defined]
_REAL_SELECTOR: Any = subprocess._PopenSelector  # type: ignore[attr-defined]

_BLINK_S = 0.05


class _Local(threading.local):
    skipped_s = 0.0
    """Seconds by which waits of this thread have been cut short."""
    child: VirtualChild | None = None
    """Whom this thread is communicating with."""
    communicating = False
    """A wait that expires is part of a longer one, which is what is noted."""


_LOCAL = _Local()


def monotonic() -> float:
    """Stands in for the ``monotonic`` of ``subprocess``: waits that were cut short count in full."""
    return time.monotonic() + _LOCAL.skipped_s


def wait(self: Any, timeout: float | None) -> int:
    """Stands in for ``Popen._wait``."""
    child = TABLE.get(self.pid) if timeout is not None and self.returncode is None else None
    if child is None or timeout is None:
        return _REAL_WAIT(self, timeout)
    if isinstance(child, VirtualChild):
        if child.expires(_ns(timeout)):
            _LOCAL.skipped_s += max(0.0, timeout)
            raise subprocess.TimeoutExpired(self.args, timeout)
        return _REAL_WAIT(self, None)
    try:
        return _REAL_WAIT(self, timeout)
    except subprocess.TimeoutExpired:
        if not _LOCAL.communicating:
            child.wait_expired(_ns(timeout))
        raise


def communicate(self: Any, data: Any, endtime: float | None, orig_timeout: float | None) -> Any:
    """Stands in for ``Popen._communicate``."""
    child = TABLE.get(self.pid)
    if isinstance(child, RecordingChild) and orig_timeout is not None and endtime is not None:
        _LOCAL.communicating = True
        try:
            return _REAL_COMMUNICATE(self, data, endtime, orig_timeout)
        except subprocess.TimeoutExpired:
            child.wait_expired(_ns(orig_timeout))
            raise
        finally:
            _LOCAL.communicating = False
    before, _LOCAL.child = _LOCAL.child, child if isinstance(child, VirtualChild) else None
    try:
        return _REAL_COMMUNICATE(self, data, endtime, orig_timeout)
    finally:
        _LOCAL.child = before


def popen_selector() -> Any:
    """Stands in for the selector class that ``Popen._communicate`` makes an instance of."""
    return _REAL_SELECTOR() if _LOCAL.child is None else _CommunicateSelector(_LOCAL.child)


class _CommunicateSelector(_REAL_SELECTOR):  # type: ignore[misc]
    """Waits for a virtual child, which may be waiting for this very wait to expire."""

    def __init__(self, child: VirtualChild) -> None:
        super().__init__()
        self._child = child

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        left_s = timeout
        while True:
            # Ask the child first: it may have something to say to what it has been sent.
            at_timeout = self._child.at_timeout
            ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
            if ready or (left_s is not None and left_s <= 0):
                return ready
            if at_timeout:
                if left_s is None:
                    self._child.pass_timeouts()
                elif self._child.expires(_ns(left_s)):
                    _LOCAL.skipped_s += left_s + 1e-6
                    return []
                else:
                    continue
            blink_s = _BLINK_S if left_s is None else min(left_s, _BLINK_S)
            ready = super().select(blink_s)
            if ready:
                return ready
            if left_s is not None:
                left_s -= blink_s


def _ns(seconds: float) -> int:
    return max(0, round(seconds * 1e9))
