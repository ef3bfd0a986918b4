"""What :mod:`tempfile` makes while a tape is in use: the commands of the tape may write there.

CPython raises an audit event with each name just before it is made, whoever holds a copy of ``mkdtemp``:
https://docs.python.org/3/library/tempfile.html. A hook can't be taken back, so there is one for the whole
process, and it does nothing while nobody follows.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

_EVENTS = {"tempfile.mkdtemp": False, "tempfile.mkstemp": True}

Follower = Callable[[str, bool], object]
"""Is told the absolute path of what is about to be made, and whether it is a file."""

_followers: list[Follower] = []
_installed = False


def follow(tell: Follower) -> None:
    """Call ``tell`` from now on, in the thread that makes the directory or the file."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
    _followers.append(tell)


def follow_no_more(tell: Follower) -> None:
    """The opposite; nothing where nobody was to be called."""
    with contextlib.suppress(ValueError):
        _followers.remove(tell)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _followers or event not in _EVENTS:
        return
    # What goes wrong in here would go wrong in the test.
    with contextlib.suppress(Exception):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        for tell in tuple(_followers):
            tell(path, _EVENTS[event])
