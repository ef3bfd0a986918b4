"""Something that happens at one of the package's lines, as Ctrl-C does, and what has to be so afterwards.

Python runs handlers of signals between any two lines of the main thread. A trace function stands for them: it
knows on which line it is.
"""

from __future__ import annotations

import datetime as dt
import gc
import linecache
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

import pytest_proctape
from pytest_proctape.child import FORKS, GUARDIAN, PUMP, TABLE, is_open
from pytest_proctape.clock import CLOCK
from pytest_proctape.intercept import clocked, patches
from tests.parity.clock.harness import SOAK

PACKAGE = os.path.dirname(pytest_proctape.__file__) + os.sep
EACH = 1 if SOAK else 37
"""One of so many lines counts, always the same ones: what a run finds is not left to luck."""
_HARMLESS = ("with ", "try:", "else:", "finally:")
"""Statements that are traced, once more for a ``with`` that is left, where no handler can run."""


_NOT_TRACED = ("<module>", "__del__")
"""What is raised in a finalizer Python itself swallows: nobody can be told of it there."""


_PUMPS_CODE = type(PUMP)._run.__code__
_PATIENCE_S = 30.0
"""For the pump's thread to end, on a machine with much else to do."""


@contextmanager
def traced(by: Callable[[FrameType, str, Any], Any] | None) -> Iterator[None]:
    """While it lasts, ``by`` traces this thread."""
    before = sys.gettrace()
    # CPython 3.12 tells of opcodes only where a frame has asked for them before.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(by)
    try:
        yield
    finally:
        sys.settrace(before)


class AtLine:
    """Does something once, at one of the package's lines that this thread comes to.

    Attributes:
        lines: how many of those that count it has come to.
        where: the line at which it was done.
        under: the functions that were running then, the innermost first.
    """

    def __init__(
        self,
        number: int,
        action: Callable[[], object],
        *,
        once: bool = False,
        files: frozenset[str] = frozenset(),
        each: int = EACH,
    ) -> None:
        """Nothing is counted before :meth:`in_place`.

        Args:
            number: of the line, from 1; 0 is none.
            action: what is done.
            once: count a line the first time only: it may be in a loop over all modules.
            files: those of the package whose lines count; none are all.
            each: one of so many lines counts.
        """
        self._files = files
        self._each = each
        self._counted: dict[tuple[object, int], str] = {}
        self._seen: set[tuple[object, int]] | None = set() if once else None
        self.lines = 0
        self.where = ""
        self.under: list[str] = []
        self._number = number
        self._action = action

    def in_place(self) -> AbstractContextManager[None]:
        """While it lasts, lines are counted."""
        return traced(self._enter)

    @staticmethod
    def apart() -> AbstractContextManager[None]:
        """While it lasts, they are not."""
        return traced(None)

    def _enter(self, frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_name in _NOT_TRACED:
            return None
        return self._line if not self._files or code.co_filename[len(PACKAGE) :] in self._files else None

    def _line(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line":
            where = self._where(frame)
            if where and self._is_new(frame):
                self.lines += 1
                if self.lines == self._number:
                    sys.settrace(None)
                    self.where = where
                    self.under = list(_functions(frame))
                    self._action()
        return self._line

    def _where(self, frame: FrameType) -> str:
        """What the line is called, if it counts."""
        code, number = frame.f_code, frame.f_lineno
        where = self._counted.get((code, number))
        if where is None:
            text = linecache.getline(code.co_filename, number).strip()
            where = f"{code.co_filename[len(PACKAGE) :]}:{code.co_name}: {text}"
            if text.startswith(_HARMLESS) or zlib.crc32(where.encode()) % self._each:
                where = ""
            self._counted[code, number] = where
        return where

    def _is_new(self, frame: FrameType) -> bool:
        if self._seen is None:
            return True
        here = frame.f_code, frame.f_lineno
        is_new = here not in self._seen
        self._seen.add(here)
        return is_new


def _functions(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_code.co_name
        frame = frame.f_back


def interrupt() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


def held() -> list[str]:
    """Which locks another thread can't get."""
    locks: dict[str, Any] = {
        "the pump's": PUMP._lock,
        "the pump's turn": PUMP._turn,
        "the guardian's": GUARDIAN._lock,
        "the table's": TABLE.ended,
        "the copies'": FORKS._changed,
        "the patches'": patches._lock,
        "the clock's users'": clocked._lock,
        "the timeline's": CLOCK.timeline._lock,
        "who passes something on": CLOCK.timeline._passing,
        "the waits'": CLOCK.waits._lock,
    }
    found: list[str] = []

    def look() -> None:
        for name, lock in locks.items():
            if lock.acquire(timeout=10):
                lock.release()
            else:
                found.append(name)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


def real_things() -> list[object]:
    """What a tape has stand-ins for."""
    found: list[object] = [os.waitpid, os.kill, os.fork, vars(subprocess)["_fork_exec"]]
    found += [subprocess.run, subprocess.Popen.__init__, subprocess.Popen.wait]
    found += [time.time, time.sleep, time.monotonic, dt.datetime, threading.Thread.start]
    return found


def everything(awaited: dict[str, object] | None = None) -> dict[str, object]:
    """What must be as it was.

    Args:
        awaited: what it was. The pump's thread ends in its own time, and is waited for; those that
            earlier tests left end in theirs, and nothing follows from it.
    """
    gc.collect()
    known = frozenset[int]() if awaited is None else awaited["threads"]
    assert isinstance(known, frozenset)
    until = time.monotonic() + _PATIENCE_S
    while True:
        now: dict[str, object] = {
            "pumping": is_pumping(),
            "real": real_things(),
            "descriptors": descriptors(),
            "threads": known | threads(),
            "held": held(),
        }
        is_over = not now["pumping"] if awaited is None else all(awaited[name] == now[name] for name in now)
        if is_over or time.monotonic() > until:
            return now
        time.sleep(0.001)


def descriptors() -> list[str]:
    """Those that are open, where the system tells."""
    if not os.path.isdir("/proc/self/fd"):
        return []
    # That of the listing is among them, and closed.
    return sorted(name for name in os.listdir("/proc/self/fd") if is_open(int(name)))


def is_pumping() -> bool:
    """Whether the pump has a thread, and with it descriptors."""
    # It lets go of them with its lock held, just after it has said so.
    got = PUMP._lock.acquire(timeout=10)
    try:
        return PUMP._alive
    finally:
        if got:
            PUMP._lock.release()


def threads() -> frozenset[int]:
    """Which there are beside the pump's, those that :mod:`threading` does not know of, too.

    The pump's says itself when it is over; how much later it is gone is up to the system.
    """
    return frozenset(
        ident for ident, frame in sys._current_frames().items() if _PUMPS_CODE not in _codes(frame)
    )


def _codes(frame: FrameType | None) -> Iterator[object]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back
