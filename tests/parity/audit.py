"""Audit events of this process, while somebody listens: CPython has no way to take a hook away again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Listener = Callable[[str, tuple[Any, ...]], None]

_listeners: list[Listener] = []
_is_hooked = False


@contextmanager
def audited(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` of each event, in the thread that raises it: its name and its arguments."""
    global _is_hooked
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_tell)
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _tell(event: str, arguments: tuple[Any, ...], listeners: list[Listener] = _listeners) -> None:
    # Events come until the very end, when modules have lost their names.
    for listener in (*listeners,):
        listener(event, arguments)
