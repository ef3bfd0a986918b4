"""Word from forked processes, workers and other interpreters: what they started, and could not be taped.

A forked copy has the session that was current in its parent, and nothing that it does to it reaches the
parent. So it writes a line into a pipe, which the parent reads when the phase of the test is over. The
copy may have closed every descriptor that it was given, and another file may have got the number.
"""

from __future__ import annotations

import contextlib
import os

from ..child import FORKS, moved
from ..errors import UnsupportedSpawn
from ..genuine import close
from ..workers import FORKED, INTERPRETER, SAID_BY_INTERPRETER, SAID_BY_WORKER, STARTED, WORKER
from . import door

_REFUSED, _UNTAPED = "refused", "untaped"
_WHERE = {_REFUSED: FORKED, SAID_BY_WORKER: WORKER, SAID_BY_INTERPRETER: INTERPRETER}
_pipe: tuple[int, int] | None = None
_identity: tuple[int, int] | None = None
_installed = False
_started = False


def install() -> None:
    """Lay the pipe before each fork of a taped thread from now on; does nothing the second time."""
    global _installed
    if not _installed:
        _installed = True
        os.register_at_fork(before=_before_fork)
        door.report_from_fork = refused
        door.report_start = started


def refused(road: str) -> None:
    """In a forked process: a road was closed to it."""
    _write(f"{_REFUSED} {road}")


def untaped(road: str) -> None:
    """In a forked process: it started something for real while its parent was recorded."""
    _write(f"{_UNTAPED} {road}")


def started(road: str) -> None:
    """The same of what no tape need have been meant to have."""
    _write(f"{STARTED} {road}")


def _write(line: str) -> None:
    if _pipe is None or _identity is None:
        return
    # The copy may have closed it, or be at its end without a reader.
    with contextlib.suppress(OSError):
        status = os.fstat(_pipe[1])
        if (status.st_dev, status.st_ino) == _identity:
            os.write(_pipe[1], f"{line}\n".encode())


def _before_fork() -> None:
    handler = door.current()
    if handler is not None and getattr(handler, "mode", "") != "live":
        writer()


def writer() -> int:
    """The end of the pipe that is written to, until the next :func:`collect`."""
    global _pipe, _identity
    if _pipe is None:
        reader, end = os.pipe()
        _pipe = (moved(reader), moved(end))
        for fd in _pipe:
            os.set_blocking(fd, False)
        status = os.fstat(_pipe[1])
        _identity = (status.st_dev, status.st_ino)
    return _pipe[1]


def collect() -> list[UnsupportedSpawn]:
    """What forked processes have told since the last call; those that are about to exec are waited for."""
    global _pipe, _identity, _started
    if FORKS.running:
        FORKS.await_all()
    if _pipe is None:
        return []
    reader, end = _pipe
    try:
        data = os.read(reader, 1 << 16)
    except BlockingIOError:
        data = b""
    close(reader)
    close(end)
    _pipe = _identity = None
    lines = [line.partition(" ") for line in data.decode().splitlines()]
    _started = _started or any(kind == STARTED for kind, _, _ in lines)
    return [error_of(kind, road) for kind, _, road in lines if kind != STARTED]


def take_started() -> bool:
    """Whether :func:`collect` has heard that something was started for real; said once."""
    global _started
    taken, _started = _started, False
    return taken


def error_of(kind: str, road: str) -> UnsupportedSpawn:
    """The error for the parent's session."""
    if kind in _WHERE:
        return door.refuse(road, _WHERE[kind])
    return UnsupportedSpawn(
        road,
        "made in a forked process that can't be taped; the command ran for real and is not on the tape. "
        "Start it with subprocess, from the test's own process",
    )
