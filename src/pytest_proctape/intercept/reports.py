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
from ..rows import Row
from ..workers import FORKED, INTERPRETER, SAID_BY_INTERPRETER, SAID_BY_WORKER, STARTED, WORKER
from . import door


class _Pipe(Row):
    """One that is laid.

    Attributes:
        reader, writer: its ends.
        identity: device and inode of both.
    """

    reader: int
    writer: int
    identity: tuple[int, int]


_REFUSED, _UNTAPED = "refused", "untaped"
_WHERE = {_REFUSED: FORKED, SAID_BY_WORKER: WORKER, SAID_BY_INTERPRETER: INTERPRETER}
_laid: dict[str, _Pipe] = {}
"""The pipe, if it is laid. Two threads may come to lay it at once, and :meth:`dict.setdefault` is never half
done; a lock might be held by another thread when this one forks."""
_PIPE = "pipe"
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
    pipe = _laid.get(_PIPE)
    if pipe is None:
        return
    # The copy may have closed it, or be at its end without a reader.
    with contextlib.suppress(OSError):
        status = os.fstat(pipe.writer)
        if (status.st_dev, status.st_ino) == pipe.identity:
            os.write(pipe.writer, f"{line}\n".encode())


def _before_fork() -> None:
    handler = door.current()
    if handler is not None and getattr(handler, "mode", "") != "live":
        writer()


def writer() -> int:
    """The end of the pipe that is written to, until the next :func:`collect`."""
    laid = _laid.get(_PIPE)
    if laid is None:
        made = _lay()
        laid = _laid.setdefault(_PIPE, made)
        if laid is not made:
            # Another thread has laid one meanwhile.
            _take_up(made)
    return laid.writer


def _lay() -> _Pipe:
    reader, writer = map(moved, os.pipe())
    for fd in (reader, writer):
        os.set_blocking(fd, False)
    status = os.fstat(writer)
    return _Pipe(reader, writer, (status.st_dev, status.st_ino))


def _take_up(pipe: _Pipe) -> None:
    close(pipe.reader)
    close(pipe.writer)


def collect() -> list[UnsupportedSpawn]:
    """What forked processes have told since the last call; those that are about to exec are waited for."""
    global _started
    if FORKS.running:
        FORKS.await_all()
    pipe = _laid.pop(_PIPE, None)
    if pipe is None:
        return []
    try:
        data = os.read(pipe.reader, 1 << 16)
    except BlockingIOError:
        data = b""
    _take_up(pipe)
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
