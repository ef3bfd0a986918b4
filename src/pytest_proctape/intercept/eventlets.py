"""eventlet's ``subprocess``: it is refused, as what it starts would be on no tape, and real on replay.

It is a second copy of the standard library's module, whose waits ask again and again by timers of eventlet's
hub, which no call tells of. :mod:`.latecomers` tells of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..child import KIN
from . import door

SUBPROCESS = "eventlet.green.subprocess"
"""The module that has that copy."""
_real: Callable[..., int] | None = None


def fork_exec(*arguments: Any) -> int:
    """Stands in for the ``_fork_exec`` of the copy."""
    assert _real is not None
    handler = door.current()
    if handler is None or getattr(handler, "mode", "") == "live" or door.is_live(arguments[0]):
        with door.letting_through():
            return KIN.start(_real, *arguments)
    raise door.refuse(SUBPROCESS)


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)``; nothing where there is no eventlet."""
    global _real
    copy: Any = getattr(sys.modules.get(SUBPROCESS), "subprocess_orig", None)
    if copy is None or copy is sys.modules["subprocess"] or not hasattr(copy, "_fork_exec"):
        return []
    if copy._fork_exec is not fork_exec:
        _real = copy._fork_exec
    return [(copy, "_fork_exec", fork_exec), (copy, "_USE_POSIX_SPAWN", False)]
