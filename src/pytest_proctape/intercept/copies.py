"""Copies of the functions that are stood in for: what ``from os import waitid`` left in a module before.

trio keeps ``waitid`` and ``pidfd_open`` that way, :mod:`pty` keeps ``waitpid``. A copy that is missed talks
to the kernel about a child that it does not know: ECHILD, and the caller takes that for an end.

Only the globals of modules are looked at, and those of a module once, when it is new. All are looked at
again where others are asked for, as in a test that has a mock in the place of a real function.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
_looked_at: dict[str, int] = {}
_copies: list[tuple[ModuleType, dict[str, Any], str]] = []
_looked_for: frozenset[int] = frozenset()


def find(stand_ins: Mapping[int, Any]) -> Iterable[tuple[ModuleType, str, Any]]:
    """Where the real functions are kept, and what is to stand there.

    Args:
        stand_ins: ``id`` of the real function to its stand-in; the real ones have to be alive.
    """
    if stand_ins.keys() != _looked_for:
        _forget()
        _look_at_new_modules(stand_ins)
    elif _has_new_modules():
        _look_at_new_modules(stand_ins)
    for module, namespace, key in _copies:
        stand_in = stand_ins.get(id(namespace.get(key)))
        if stand_in is not None:
            yield module, key, stand_in


def _forget() -> None:
    """Nothing has been looked at yet."""
    _looked_at.clear()
    _copies.clear()


def _has_new_modules() -> bool:
    """Whether there may be one: there are more or fewer than before, or the one that came last is new."""
    if len(_looked_at) != len(sys.modules):
        return True
    try:
        name, last = next(reversed(sys.modules.items()))
    except RuntimeError:
        # Another thread imports one just now.
        return True
    return _looked_at.get(name) != id(last)


def _look_at_new_modules(stand_ins: Mapping[int, Any]) -> None:
    global _looked_for
    _looked_for = frozenset(stand_ins)
    for name in [name for name in _looked_at if name not in sys.modules]:
        del _looked_at[name]
    for name, module in list(sys.modules.items()):
        if _looked_at.get(name) == id(module):
            continue
        # Anything may stand among the modules, and a lazy one is loaded when it is asked in the usual way.
        if name.partition(".")[0] != _PACKAGE and issubclass(type(module), ModuleType):
            namespace = ModuleType.__getattribute__(module, "__dict__")
            found = [key for key, value in list(namespace.items()) if id(value) in stand_ins]
            _copies.extend((module, namespace, key) for key in found)
        _looked_at[name] = id(module)
