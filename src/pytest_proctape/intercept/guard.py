"""The last line of a hermetic replay: roads that lead past every patch are refused as they are taken.

CPython raises an audit event for each of them, also when the caller had imported the function before
the tape was active. An audit hook can't be taken back, so it is set up once, at the first replay, and
asks first whether this thread is replaying.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from ..child import KIN
from ..genuine import _thread, threading
from ..workers import FORKED, ROADS, argv_of
from . import door, reports

_CONNECTS = "socket.connect"
_installed = False


class _Local(threading.local):
    def __init__(self) -> None:
        # Held while it announces: see `door._Here`.
        self.announces: Any = _thread.RLock()


_LOCAL = _Local()


def announce(event: str, *arguments: object) -> None:
    """Raise the audit event of a call that a stand-in answers, which is no road past it."""
    with _LOCAL.announces:
        sys.audit(event, *arguments)


def is_announcing() -> bool:
    """Whether the present audit event is one that :func:`announce` raises."""
    owned: bool = _LOCAL.announces._is_owned()
    return owned


def install() -> None:
    """Watch from now on; does nothing the second time."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        reports.install()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == _CONNECTS:
        tell = getattr(door.current(), "connects", None)
        # What goes wrong in here would go wrong in the test.
        with contextlib.suppress(Exception):
            if tell is not None:
                tell(arguments[1])
        return
    if event not in ROADS or is_announcing():
        return
    if door.is_replaying() and not door.is_live(argv_of(event, arguments)):
        _refuse(event)
    handler = door.current()
    live = getattr(handler, "live", None)
    # A copy of the real function is called, for something that may be real.
    if handler is None or (live and live.match(argv_of(event, arguments))):
        KIN.add_untold()


def _refuse(road: str) -> None:
    if not door.is_forked():
        raise door.refuse(road)
    # This is a copy of the test's process, and nobody up its stack expects to go on in it.
    message = f"\npytest-proctape: {door.refuse(road, FORKED)}\n".encode()
    with contextlib.suppress(OSError):
        os.write(2, message)
    os._exit(127)


collect, take_started = reports.collect, reports.take_started
