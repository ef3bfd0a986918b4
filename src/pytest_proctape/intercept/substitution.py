"""Stand-ins wherever a module has the real thing: put there, and taken away, without looking each time.

A module is looked at once, and again only where it has changed: that is told by how many attributes it
has, as looking at all of them for every test is what makes freezegun slow in large programs. What has the
name of a real thing and is something else is looked at each time: a test may have a mock there just now.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator, Mapping
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

from ..undo import Undo

_Place = tuple[dict[str, Any], str, Any, Any]
"""Namespace, key, the real thing, what stands in for it."""


class Substitution:
    """Functions and classes, and what is to stand in for them."""

    def __init__(
        self, stand_ins: Mapping[int, Any], leaves: Callable[[str], bool], names: Container[str] = ()
    ) -> None:
        """Prepare it.

        Args:
            stand_ins: by ``id`` of the real thing, which has to stay alive.
            leaves: whether to leave a module of this name alone.
            names: those of the real things.
        """
        self._stand_ins = dict(stand_ins)
        self._names = names
        self._leaves = leaves
        self._modules: list[object] = []
        self._seen: tuple[list[dict[str, Any]], list[int]] = ([], [])
        """Namespaces, and how many attributes each has."""
        self._places: dict[int, list[_Place]] = {}
        self._doubtful: list[tuple[dict[str, Any], str]] = []
        """Namespaces, and what in them may become a place."""
        self._flat: list[_Place] = []

    def put(self, undo: Undo) -> None:
        """Let every module have the stand-ins until ``undo`` is closed."""
        changed: list[_Place] = []
        undo.callback(self._put_back, changed)
        self._look()
        for place in self._flat:
            namespace, key, real, stand_in = place
            now = namespace.get(key)
            # A mock that was put there over the stand-in, and outlived it, has left it behind.
            if now is real or now is stand_in:
                # First: an interrupt may come between the two.
                changed.append(place)
                namespace[key] = stand_in
        for namespace, key in self._doubtful:
            real = namespace.get(key)
            stand_in = self._stand_ins.get(id(real))
            if stand_in is not None:
                changed.append((namespace, key, real, stand_in))
                namespace[key] = stand_in

    def _put_back(self, changed: list[_Place]) -> None:
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
        known = dict(zip(map(id, self._seen[0]), self._seen[1], strict=True))
        places = {}
        doubtful = [one for one in self._doubtful if known.get(id(one[0])) == len(one[0])]
        # Before they are looked at: another thread may import one just now.
        lengths = [len(namespace) for _, namespace in modules.values()]
        for (name, namespace), length in zip(modules.values(), lengths, strict=True):
            key = id(namespace)
            if known.get(key) == length:
                places[key] = self._places.get(key, [])
            elif self._leaves(name):
                places[key] = []
            else:
                places[key] = list(self._find(namespace))
                doubtful += self._find_doubtful(namespace)
        self._places = places
        self._flat = [place for of_one in places.values() for place in of_one]
        self._doubtful = [one for one in doubtful if id(one[0]) in places]
        namespaces = [namespace for _, namespace in modules.values()]
        self._seen = (namespaces, lengths)
        # Last: whoever is interrupted before has it done again.
        self._modules = [module for _, module in found]

    def _is_current(self) -> bool:
        # Both run at the speed of C and make no objects: this is done four times for every test.
        modules = list(sys.modules.values())
        return (
            len(modules) == len(self._modules)
            and all(map(is_, modules, self._modules))
            and list(map(len, self._seen[0])) == self._seen[1]
        )

    def _find(self, namespace: dict[str, Any]) -> Iterator[_Place]:
        for key, value in list(namespace.items()):
            stand_in = self._stand_ins.get(id(value))
            if stand_in is not None:
                yield namespace, key, value, stand_in

    def _find_doubtful(self, namespace: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        for key, value in list(namespace.items()):
            if key in self._names and id(value) not in self._stand_ins and not is_own(value, namespace):
                yield namespace, key

    def _clean(self) -> None:
        """Take the stand-ins out of modules that came meanwhile, and took a copy."""
        if self._is_current():
            return
        reals = {id(stand_in): real for _, _, real, stand_in in self._flat}
        known = dict(zip(map(id, self._seen[0]), self._seen[1], strict=True))
        for name, module in list(sys.modules.items()):
            namespace = _namespace(module)
            if namespace is None or known.get(id(namespace)) == len(namespace) or self._leaves(name):
                continue
            for key, value in list(namespace.items()):
                real = reals.get(id(value))
                if real is not None:
                    namespace[key] = real


def is_own(value: object, namespace: Mapping[str, Any]) -> bool:
    """Whether a global is surely no mock: a module, or a class or function that was made there."""
    if isinstance(value, type):
        return value.__module__ == namespace.get("__name__")
    return isinstance(value, ModuleType) or (type(value) is FunctionType and value.__globals__ is namespace)


def _namespace(module: object) -> dict[str, Any] | None:
    # Anything may stand among the modules, and a lazy one is loaded when it is asked in the usual way.
    if not issubclass(type(module), ModuleType):
        return None
    namespace: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return namespace
