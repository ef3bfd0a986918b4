"""Whether an event loop asks for a child. Who has no loop has no asyncio, and loads none for our sake.

:mod:`.spawning` and :mod:`.popen` ask. The rooms that know asyncio, :mod:`.pacing` the first of them, come in
with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_ASYNCIO = "asyncio.unix_events"
UVLOOP = "uvloop"

in_place = False
"""What stands in for asyncio's own functions does so."""


def _nothing() -> None:
    """Nobody is taped."""


put_in_place: Callable[[], None] = _nothing
"""Does that; :mod:`.patches` says how."""


def replacements() -> list[tuple[Any, str, Any]]:
    """What is to stand in for what, as far as asyncio is there."""
    if _ASYNCIO not in sys.modules:
        return []
    from . import pacing

    return pacing.replacements()


def uvloop_replacements() -> list[tuple[Any, str, Any]]:
    """What is to stand in for what, as far as uvloop is there, too."""
    if UVLOOP not in sys.modules:
        return []
    from . import uvloops

    return uvloops.replacements()


def asking_loop() -> tuple[asyncio.AbstractEventLoop, Any] | None:
    """The loop whose subprocess transport is making the present spawn, if one is, and that transport."""
    if _ASYNCIO not in sys.modules:
        return None
    if not in_place:
        put_in_place()
    from . import pacing

    return pacing.asking_loop()
