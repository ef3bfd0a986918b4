"""Work beside the thread that hands it over: a large output is hashed and written while more comes.

The spools use it. Both let go of the interpreter's lock, so with a second processor they hold nobody up. The
thread exists only while there is work, below :mod:`threading`, so that no test counts it; before a fork it is
waited for, as a fork copies only the thread that forks.
"""

from __future__ import annotations

import os
import signal
import sys
import weakref
from collections import deque
from collections.abc import Callable

from ..genuine import _thread, threading

_START_THREAD = _thread.start_new_thread
"""As it was when no tape was active: the thread belongs to no test."""

_at_work: weakref.WeakSet[Aside] = weakref.WeakSet()


class Aside:
    """Calls, one after the other, in the order in which they were handed over.

    Args:
        most: calls that may be waiting; who hands over more waits until there is room.
    """

    def __init__(self, most: int) -> None:
        self._room = threading.Semaphore(most)
        self._calls: deque[Callable[[], object]] = deque()
        self._lock = _thread.allocate_lock()
        self._running = _thread.allocate_lock()

    def do(self, call: Callable[[], object]) -> None:
        """Have ``call`` made soon; what it raises is told where bugs are told."""
        self._room.acquire()
        with self._lock:
            self._calls.append(call)
            if self._running.acquire(blocking=False):
                _at_work.add(self)
                _START_THREAD(self._run, ())

    def wait(self) -> None:
        """Until all is done, and the thread is over."""
        with self._running:
            pass

    def _run(self) -> None:
        # Signals are for the threads of the tests.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            with self._lock:
                if not self._calls:
                    self._running.release()
                    return
            try:
                self._calls[0]()
            except Exception:
                sys.excepthook(*sys.exc_info())
            self._calls.popleft()
            self._room.release()


def finish() -> None:
    """Until nothing is at work in this process: a fork would leave its child none of the threads."""
    for aside in list(_at_work):
        aside.wait()


os.register_at_fork(before=finish)
