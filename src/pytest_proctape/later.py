"""What is made when it is first asked for: patterns of a module, attributes of an object.

Compiling a pattern takes a tenth of a millisecond, there are dozens, and many a run of tests asks few of
them: everywhere above import :func:`later`. What few of a thousand objects are asked for they have by
:func:`on_demand`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, AnyStr, TypeVar, cast

_T = TypeVar("_T")
_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


class _Later:
    """In the place of a compiled pattern; from its first use on its methods are that one's."""

    def __init__(self, compiled: Callable[[], object]) -> None:
        self._compiled = compiled

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a pattern has
        made = self._compiled()
        vars(self).update({method: getattr(made, method) for method in _METHODS})
        return getattr(made, name)


def later(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """:func:`re.compile`, but for the time at which ``text`` is looked at.

    It is for the module's own patterns, whose text is known to be right, and only for calling their methods.
    """
    return cast("re.Pattern[AnyStr]", _Later(lambda: re.compile(text, flags)))


class _OnDemand:
    """Asked only as long as the object has no attribute of that name: there is no ``__set__``.

    A class with ``__getattr__`` would do as well, and be slow at all that it has.
    """

    def __init__(self, make: Callable[[Any], object]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, asked: object, _owner: type) -> object:
        return self if asked is None else vars(asked).setdefault(self._name, self._make(asked))


def on_demand(make: Callable[[Any], _T]) -> _T:
    """An attribute of a class, whose objects have what ``make`` gives for them once it is asked for.

    Two threads that ask at once get the same object; ``make`` may be called for each.
    """
    return cast("_T", _OnDemand(make))
