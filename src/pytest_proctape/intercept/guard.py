"""The last line of a hermetic replay: roads that lead past every patch are refused as they are taken.

CPython raises an audit event for each of them, also when the caller had imported the function before
the tape was active. An audit hook can't be taken back, so it is set up once, at the first replay, and
asks first whether this thread is replaying.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from ..child import moved
from ..errors import UnsupportedSpawn
from . import door

_ROADS = frozenset({"os.exec", "os.forkpty", "os.posix_spawn", "os.system", "pty.spawn"})
_installed = False
_reports = -1
"""Where a forked child leaves word of a refused exec: a descriptor, or -1."""


def install() -> None:
    """Watch from now on; does nothing the second time."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        os.register_at_fork(before=_before_fork)
        door.report_from_fork = _report


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _ROADS and door.is_replaying() and not door.is_live(_argv(event, arguments)):
        _refuse(event)


def _argv(event: str, arguments: tuple[Any, ...]) -> list[Any]:
    """The command line that an event tells; see "Audit events table" in CPython's documentation."""
    if event == "os.system":
        return ["sh", "-c", arguments[0]]
    if event in {"os.exec", "os.posix_spawn"}:
        return [arguments[0], *arguments[1][1:]]
    return [*arguments[0]] if event == "pty.spawn" and not isinstance(arguments[0], str) else [""]


def _refuse(road: str) -> None:
    if not door.is_forked():
        raise door.refuse(road)
    # This is a copy of the test's process, and nobody up its stack expects to go on in it.
    message = f"\npytest-proctape: {door.refuse(road, 'in a forked process')}\n".encode()
    os.write(2, message)
    os._exit(127)


def _report(road: str) -> None:
    if _reports != -1:
        os.write(_reports, road.encode() + b"\n")


_pipe: tuple[int, int] | None = None


def _before_fork() -> None:
    global _pipe, _reports
    if door.is_replaying() and _pipe is None:
        reader, writer = os.pipe()
        _pipe = (moved(reader), moved(writer))
        os.set_blocking(_pipe[0], False)
        os.set_blocking(_pipe[1], False)
        _reports = _pipe[1]


def collect() -> list[UnsupportedSpawn]:
    """What forked children were refused since the last call."""
    global _pipe, _reports
    if _pipe is None:
        return []
    reader, writer = _pipe
    try:
        data = os.read(reader, 1 << 16)
    except BlockingIOError:
        data = b""
    os.close(reader)
    os.close(writer)
    _pipe, _reports = None, -1
    return [door.refuse(road, "in a forked process") for road in data.decode().split()]
