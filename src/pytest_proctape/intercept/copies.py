"""Copies of the functions that are stood in for: what ``from os import waitid`` left in a module before.

trio keeps ``waitid`` and ``pidfd_open`` that way, :mod:`pty` keeps ``waitpid``. A copy that is missed talks
to the kernel about a child that it does not know: ECHILD, and the caller takes that for an end.

Only the globals of modules are looked at, and those of a module again only where it has got or lost some:
it may have been in the middle of its import. What was seen is kept for each set of functions. What has
the name of a real function and is something else is remembered, too: a mock may be there just now.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from operator import is_
from types import ModuleType
from typing import Any

from ..rows import Row
from .substitution import is_own

_PACKAGE = __name__.partition(".")[0]

_Place = tuple[Callable[[], ModuleType | None], dict[str, Any], str]
"""What gives a module while it lives, its globals, and which of them is a copy, or may become one."""


class _Known(Row):
    """What has been seen; it is replaced as a whole, as an interrupt may come at any time.

    Attributes:
        modules: by their names.
        namespaces: their globals, by the same.
        lengths: how many those were, in the same order.
        copies: the places.
    """

    modules: dict[str, object]
    namespaces: dict[str, dict[str, Any]]
    lengths: list[int]
    copies: list[_Place]


_NOTHING = _Known({}, {}, [], [])
_known: dict[frozenset[int], _Known] = {}
"""By the ``id`` of the real functions: a test's, and those that a terminal needs."""


def find(stand_ins: Mapping[int, Any]) -> Iterable[tuple[ModuleType, str, Any]]:
    """Where the real functions are kept, and what is to stand there.

    Args:
        stand_ins: ``id`` of the real function to its stand-in; the real ones have to be alive.
    """
    looked_for = frozenset(stand_ins)
    known = _known.get(looked_for, _NOTHING)
    if _has_changed(known):
        known = _known[looked_for] = _looked(known, stand_ins)
    for giving, namespace, key in known.copies:
        stand_in = stand_ins.get(id(namespace.get(key)))
        module = None if stand_in is None else giving()
        if module is not None:
            yield module, key, stand_in


def _has_changed(known: _Known) -> bool:
    """Whether there may be a new module, or one may have got a copy."""
    if len(known.modules) != len(sys.modules) or list(map(len, known.namespaces.values())) != known.lengths:
        return True
    try:
        name, last = next(reversed(sys.modules.items()))
    except RuntimeError:
        # Another thread imports one just now.
        return True
    return known.modules.get(name) is not last


def _looked(before: _Known, stand_ins: Mapping[int, Any]) -> _Known:
    """Look at what is new or has changed."""
    looked_for = frozenset(stand_ins)
    names = {getattr(stand_in, "__name__", "") for stand_in in stand_ins.values()}
    modules: dict[str, Any] = dict(sys.modules)
    known, fresh = _as_before(before, modules)
    lengths = dict(zip(before.namespaces, before.lengths, strict=True))
    namespaces = {name: before.namespaces[name] for name in known}
    found: list[_Place] = []
    again = set()
    for name in [
        *(name for name, namespace in namespaces.items() if len(namespace) != lengths[name]),
        *fresh,
    ]:
        module = modules[name]
        # Anything may stand among the modules, and a lazy one is loaded when it is asked in the usual way.
        if not issubclass(type(module), ModuleType) or name.partition(".")[0] == _PACKAGE:
            continue
        namespace = namespaces[name] = ModuleType.__getattribute__(module, "__dict__")
        # Before they are looked at: another thread may import one just now.
        lengths[name] = len(namespace)
        # By names: each `id` is an audit event, and a replay listens to these.
        if id(namespace) in again:
            continue
        again.add(id(namespace))
        items = dict(namespace)
        # Most modules have nothing of it, and that is told in half the time.
        if items.keys().isdisjoint(names) and looked_for.isdisjoint(map(id, items.values())):
            continue
        giving = weakref.ref(module)
        for key, value in items.items():
            if id(value) in stand_ins or (key in names and not is_own(value, namespace)):
                found.append((giving, namespace, key))
    kept = [one for one in before.copies if one[0]() is not None and id(one[1]) not in again]
    return _Known(modules, namespaces, [lengths[name] for name in namespaces], [*kept, *found])


def _as_before(before: _Known, modules: dict[str, Any]) -> tuple[Iterable[str], list[str]]:
    """Names of modules that have been looked at, and of those that are new, or something else now."""
    size = len(before.modules)
    # Hardly ever has one gone.
    if [*islice(modules, size)] == [*before.modules] and all(
        map(is_, modules.values(), before.modules.values())
    ):
        return before.namespaces, [*islice(modules, size, None)]
    gone = {name for name, module in before.modules.items() if modules.get(name, before) is not module}
    known = [name for name in before.namespaces if name not in gone]
    return known, [name for name in modules if name in gone or name not in before.modules]
