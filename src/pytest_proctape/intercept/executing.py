"""``os.exec*`` in a process that was forked from the test's.

Every function here stands in for the standard library's own of the same name and has its signature. In the test's
own process they are the real ones: :mod:`.guard` looks after those.
"""

from __future__ import annotations

import os
from typing import Any

from . import door, reports

_REAL_EXECV = os.execv
_REAL_EXECVE = os.execve


def execv(path: Any, argv: Any, /) -> None:
    """Stands in for :func:`os.execv`."""
    _tell([path, *argv[1:]])
    _REAL_EXECV(path, argv)


def execve(path: Any, argv: Any, env: Any) -> None:
    """Stands in for :func:`os.execve`."""
    _tell([path, *argv[1:]])
    _REAL_EXECVE(path, argv, env)


def _tell(command: list[Any]) -> None:
    """Nothing that is started here would be on the tape of a recording, so its test has to be told."""
    handler = door.current()
    if handler is None or not door.is_forked() or not hasattr(handler, "record"):
        return
    if getattr(handler, "mode", "") != "live" and not door.is_live(command):
        reports.untaped("os.exec")


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for these roads."""
    return [(os, "execv", execv), (os, "execve", execve)]
