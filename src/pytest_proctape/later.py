"""Patterns that are compiled when they are first asked: many a run of tests asks few of them.

Compiling one takes a tenth of a millisecond, and there are dozens. Everywhere above import :func:`later`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, AnyStr, cast

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
