"""The standard library as it was before gevent or eventlet replaced parts of it, for a while.

:mod:`.direct` has our modules imported so: what they keep of :mod:`os` or :mod:`subprocess` is the standard
library's own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_MISSING: Any = object()
_EVENTLETS = ("os", "select", "selectors", "signal", "socket", "subprocess", "threading", "time", "_thread")
"""What eventlet replaces something in, of all that the package uses."""


@contextmanager
def unpatched() -> Iterator[None]:
    """For a while, what gevent or eventlet has replaced is as it was.

    A room that is imported meanwhile keeps the standard library's own functions.
    """
    kept: list[tuple[ModuleType, str, Any]] = []
    try:
        for module, name, original in [*_gevents_originals(), *_eventlets_originals()]:
            kept.append((module, name, vars(module).get(name, _MISSING)))
            setattr(module, name, original)
        yield
    finally:
        for module, name, replaced in kept:
            if replaced is _MISSING:
                # Some are taken away, as nothing that switches could stand there.
                vars(module).pop(name, None)
            else:
                setattr(module, name, replaced)


def _gevents_originals() -> Iterator[tuple[ModuleType, str, Any]]:
    """See ``gevent/monkey/_state.py``: what was there by the names of module and attribute."""
    saved = getattr(sys.modules.get("gevent.monkey"), "saved", {})
    for title, names in saved.items():
        module = sys.modules.get(title)
        if module is not None and isinstance(names, dict):
            for name, original in names.items():
                yield module, name, original


def _eventlets_originals() -> Iterator[tuple[ModuleType, str, Any]]:
    """See ``eventlet/patcher.py``: it loads a module a second time to know what was there."""
    patcher: Any = sys.modules.get("eventlet.patcher")
    if not getattr(patcher, "already_patched", None):
        return
    for title in _EVENTLETS:
        module, before = sys.modules.get(title), patcher.original(title)
        if module is None:
            continue
        for name, original in vars(before).items():
            # Of a module in Python the second one has functions and classes of its own.
            now = vars(module).get(name, _MISSING)
            owner = getattr(now, "__module__", None) or ""
            if now is _MISSING or str(owner).startswith("eventlet."):
                yield module, name, original
