"""The controlling terminal of a copy of the test's process: :mod:`.executing` hands it over or leaves it.

While recording, what the program has for a terminal is one of the recording's (see
:mod:`..child.terminal`). ``^C`` and ``/dev/tty`` are for the one that controls it, so that has to be
the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import termios
from collections.abc import Iterable, Iterator


def controlling(fds: Iterable[int]) -> int | None:
    """Which of these is the terminal that controls the session that this process leads, if any."""
    if os.getsid(0) != os.getpid():
        return None
    for fd in fds:
        with contextlib.suppress(OSError):
            # Of another terminal than the own it can't be asked.
            os.tcgetpgrp(fd)
            return fd
    return None


def left(terminal: int | None) -> None:
    """Let go of it."""
    if terminal is not None:
        with _unmoved(), contextlib.suppress(OSError):
            fcntl.ioctl(terminal, termios.TIOCNOTTY)


def controlled(before: int | None, given: Iterable[int]) -> None:
    """Let the terminal among ``given`` control this process, in the place of ``before`` if there is one."""
    terminals = [fd for fd in given if os.isatty(fd)]
    if terminals:
        left(before)
        with contextlib.suppress(OSError):
            fcntl.ioctl(terminals[0], termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def _unmoved() -> Iterator[None]:
    """Who leaves its terminal is sent a SIGHUP: tty_ioctl(4), ioctl_tty(2)."""
    disposition = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL if disposition is None else disposition)
