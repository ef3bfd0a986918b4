"""Stand-ins wherever a module has the real thing: put there, and taken away, without looking each time.

A module is looked at once, and again only where it has changed: that is told by how many attributes it
has, as looking at all of them for every test is what makes freezegun slow in large programs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import is_
from types import ModuleType
from typing import Any

_Place = tuple[dict[str, Any], str, Any, Any]
"""Namespace, key, the real thing, what stands in for it."""


class Substitution:
    """Functions and classes, and what is to stand in for them."""

    def __init__(self, stand_ins: Mapping[int, Any], leaves: Callable[[str], bool]) -> None:
        """Prepare it.

        Args:
            stand_ins: by ``id`` of the real thing, which has to stay alive.
            leaves: whether to leave a module of this name alone.
        """
        self._stand_ins = dict(stand_ins)
        self._leaves = leaves
        self._modules: list[ModuleType] = []
        self._namespaces: list[dict[str, Any]] = []
        self._lengths: list[int] = []
        self._places: dict[int, list[_Place]] = {}
        self._flat: list[_Place] = []

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For a while, let every module have the stand-ins."""
        self._look()
        changed = []
        try:
            for place in self._flat:
                namespace, key, real, stand_in = place
                if namespace.get(key) is real:
                    namespace[key] = stand_in
                    changed.append(place)
            yield
        finally:
            for namespace, key, real, stand_in in changed:
                if namespace.get(key) is stand_in:
                    namespace[key] = real
            self._clean()

    def _look(self) -> None:
        """Find the places in the modules that are new, or have got or lost attributes."""
        if self._is_current():
            return
        found = list(sys.modules.items())
        modules = {
            id(module): (name, namespace)
            for name, module in found
            if (namespace := _namespace(module)) is not None
        }
        known = dict(zip(map(id, self._namespaces), self._lengths, strict=True))
        places = {}
        for name, namespace in modules.values():
            key = id(namespace)
            if known.get(key) == len(namespace):
                places[key] = self._places.get(key, [])
            else:
                places[key] = [] if self._leaves(name) else list(self._find(namespace))
        self._modules = [module for _, module in found]
        self._namespaces = [namespace for _, namespace in modules.values()]
        self._lengths = list(map(len, self._namespaces))
        self._places = places
        self._flat = [place for of_one in places.values() for place in of_one]

    def _is_current(self) -> bool:
        # Both run at the speed of C and make no objects: this is done four times for every test.
        modules = list(sys.modules.values())
        return (
            len(modules) == len(self._modules)
            and all(map(is_, modules, self._modules))
            and list(map(len, self._namespaces)) == self._lengths
        )

    def _find(self, namespace: dict[str, Any]) -> Iterator[_Place]:
        for key, value in list(namespace.items()):
            stand_in = self._stand_ins.get(id(value))
            if stand_in is not None:
                yield namespace, key, value, stand_in

    def _clean(self) -> None:
        """Take the stand-ins out of modules that came meanwhile, and took a copy."""
        if self._is_current():
            return
        reals = {id(stand_in): real for _, _, real, stand_in in self._flat}
        known = dict(zip(map(id, self._namespaces), self._lengths, strict=True))
        for name, module in list(sys.modules.items()):
            namespace = _namespace(module)
            if namespace is None or known.get(id(namespace)) == len(namespace) or self._leaves(name):
                continue
            for key, value in list(namespace.items()):
                real = reals.get(id(value))
                if real is not None:
                    namespace[key] = real


def _namespace(module: object) -> dict[str, Any] | None:
    # Anything may stand among the modules, and a lazy one is loaded when it is asked in the usual way.
    if not issubclass(type(module), ModuleType):
        return None
    namespace: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return namespace
