"""Copies of the functions that are stood in for: what ``from os import waitid`` left in a module before.

trio keeps ``waitid`` and ``pidfd_open`` that way, :mod:`pty` keeps ``waitpid``. A copy that is missed talks
to the kernel about a child that it does not know: ECHILD, and the caller takes that for an end.

Only the globals of modules are looked at, and those of a module again only where it has got or lost some:
it may have been in the middle of its import. All are looked at again where others are asked for. What has
the name of a real function and is something else is remembered, too: a mock may be there just now.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from .substitution import is_own

_PACKAGE = __name__.partition(".")[0]
_looked_at: dict[str, object] = {}
"""The modules by their names. They are kept alive: the ``id`` of one that has gone may be another's."""
_namespaces: list[dict[str, Any]] = []
_lengths: list[int] = []
_copies: list[tuple[Callable[[], ModuleType | None], dict[str, Any], str]] = []
"""What gives a module while it lives, its globals, and which of them is a copy, or may become one."""
_looked_for: frozenset[int] = frozenset()


def find(stand_ins: Mapping[int, Any]) -> Iterable[tuple[ModuleType, str, Any]]:
    """Where the real functions are kept, and what is to stand there.

    Args:
        stand_ins: ``id`` of the real function to its stand-in; the real ones have to be alive.
    """
    if stand_ins.keys() != _looked_for:
        _forget()
        _look(stand_ins)
    elif _have_changed():
        _look(stand_ins)
    for giving, namespace, key in _copies:
        stand_in = stand_ins.get(id(namespace.get(key)))
        module = None if stand_in is None else giving()
        if module is not None:
            yield module, key, stand_in


def _forget() -> None:
    """Nothing has been looked at yet."""
    for known in (_looked_at, _namespaces, _lengths, _copies):
        known.clear()


def _have_changed() -> bool:
    """Whether there may be a new module, or one may have got a copy."""
    if len(_looked_at) != len(sys.modules) or list(map(len, _namespaces)) != _lengths:
        return True
    try:
        name, last = next(reversed(sys.modules.items()))
    except RuntimeError:
        # Another thread imports one just now.
        return True
    return _looked_at.get(name) is not last


def _look(stand_ins: Mapping[int, Any]) -> None:
    """Look at what is new or has changed; nothing is known of a module before its globals have been seen."""
    global _looked_for
    _looked_for = frozenset(stand_ins)
    names = {getattr(stand_in, "__name__", "") for stand_in in stand_ins.values()}
    known = dict(zip(map(id, _namespaces), _lengths, strict=True))
    seen: dict[int, tuple[dict[str, Any], int]] = {}
    found, again = [], set()
    looked_at = dict(sys.modules)
    for name, module in looked_at.items():
        # Anything may stand among the modules, and a lazy one is loaded when it is asked in the usual way.
        if not issubclass(type(module), ModuleType) or name.partition(".")[0] == _PACKAGE:
            continue
        namespace = ModuleType.__getattribute__(module, "__dict__")
        items = dict(namespace)
        seen[id(namespace)] = (namespace, len(items))
        if known.get(id(namespace)) == len(items):
            continue
        again.add(id(namespace))
        # Most modules have nothing of it, and that is told in half the time.
        if items.keys().isdisjoint(names) and _looked_for.isdisjoint(map(id, items.values())):
            continue
        where = weakref.ref(module)
        for key, value in items.items():
            if id(value) in stand_ins or (key in names and not is_own(value, namespace)):
                found.append((where, namespace, key))
    kept = [one for one in _copies if one[0]() is not None and id(one[1]) not in again]
    _copies[:] = [*kept, *found]
    _namespaces[:] = [namespace for namespace, _ in seen.values()]
    _lengths[:] = [length for _, length in seen.values()]
    _looked_at.clear()
    _looked_at.update(looked_at)
