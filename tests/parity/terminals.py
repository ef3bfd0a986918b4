"""A pseudo-terminal for the body of a test, and what is read from it."""

from __future__ import annotations

import errno
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_proctape.child.wiring import close_quietly

from .observe import outcome


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A master and its slave."""
    master, slave = pty.openpty()
    try:
        yield master, slave
    finally:
        for fd in (master, slave):
            close_quietly(fd)


def until(master: int, mark: bytes) -> bytes:
    """All that comes up to this."""
    seen = b""
    while not seen.endswith(mark):
        seen += os.read(master, 4096)
    return seen


def rest(master: int) -> bytes:
    """To the end, which a master tells by EIO on Linux; that stands behind what was read."""
    seen = b""
    while True:
        data = outcome(os.read, master, 4096)
        if isinstance(data, OSError):
            return seen + errno.errorcode[data.errno or 0].encode()
        seen += data
