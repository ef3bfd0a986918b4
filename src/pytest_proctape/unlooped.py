"""What the package does for a test is no call of the event loop's that may block.

Tools that look for such calls (blockbuster, whose fixture many suites of asyncio have, Home Assistant's) ask
whether a loop runs in the thread, and refuse what reads a file or waits. The files of a tape, of effects
and of ``/proc`` are read in the thread that starts a child or waits for it, and so in that of a loop: the
code under test would get an error for a thing that it has not done. :class:`unlooped` is around that, and
around nothing that the code under test calls itself: what blocks there is told as ever.
"""

from __future__ import annotations

import sys
from typing import Any

_EVENTS = "asyncio.events"


class unlooped:  # noqa: N801 - it is called as the function it could be, but for interrupts
    """For a while no event loop runs in this thread, for who asks asyncio."""

    __slots__ = ("_loop",)

    _loop: Any

    def __enter__(self) -> None:
        events: Any = sys.modules.get(_EVENTS)
        self._loop = None if events is None else events._get_running_loop()
        if self._loop is not None:
            events._set_running_loop(None)

    def __exit__(self, *_: object) -> None:
        if self._loop is not None:
            # Who is here has imported it.
            sys.modules[_EVENTS]._set_running_loop(self._loop)
