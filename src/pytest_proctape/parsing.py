"""What a setting may be: a parser for each kind of value. The names to choose from are in :mod:`.keys`.

A parser takes what was written and where, for the message. Those of limits are in :mod:`.limits`.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from .errors import UsageError
from .keys import MATCH_ON, MODES, ORDERS, ORPHANS, Mode, Order, OrphansAction

_SYNONYMS: Mapping[str, Mode] = {"all": "record"}

_T = TypeVar("_T", bound=str)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the name that was meant, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parse_mode(value: object, source: str) -> Mode:
    """A mode by its name.

    Args:
        value: ``replay``, ``record`` (or ``all``), ``missing``, ``new`` or ``live``.
        source: where it was written, for the message.

    Raises:
        UsageError: there is no such mode.
    """
    return choice(_SYNONYMS.get(value, value) if isinstance(value, str) else value, source, MODES, "mode")


def choice(value: object, source: str, known: Sequence[_T], what: str) -> _T:
    """``value``, which must be one of ``known``.

    Raises:
        UsageError: it isn't.
    """
    for one in known:
        if value == one:
            return one
    listed = ", ".join(known)
    if not isinstance(value, str):
        raise UsageError(f"{source} is one of {listed}, not {value!r}")
    raise UsageError(f"{source}: no such {what}: {value!r}{nearest(value, known)}; the {what}s are {listed}")


def parse_flag(value: object, source: str) -> bool:
    """True or false.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{source} is True or False, not {value!r}")
    return value


def parse_text(value: object, source: str) -> str:
    """A string.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, str):
        raise UsageError(f"{source} is a string, not {value!r}")
    return value


def parse_regexes(value: object, source: str) -> tuple[str, ...]:
    """Regular expressions.

    Raises:
        UsageError: it is no list of them.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{source} is a list of regular expressions, not {value!r}")
    for one in value:
        try:
            re.compile(one)
        except re.error as error:
            raise UsageError(f"{source}: {one!r} is no regular expression: {error}") from None
    return tuple(value)


def parse_orphans(value: object, source: str) -> OrphansAction:
    """What is done about tapes that no test owns.

    Raises:
        UsageError: there is no such thing.
    """
    return choice(value, source, ORPHANS, "choice")


def parse_words(value: object, source: str) -> tuple[str, ...]:
    """Command patterns.

    Raises:
        UsageError: it is no list of strings, or one can't be parted into words.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{source} is a list of strings, not {value!r}")
    for one in value:
        try:
            words = shlex.split(one)
        except ValueError as error:
            raise UsageError(f"{source}: {one!r} can't be parted into words: {error}") from None
        if not words:
            raise UsageError(f"{source}: there is no command in {one!r}")
    return tuple(value)


def parse_order(value: object, source: str) -> Order:
    """``strict`` or ``any``.

    Raises:
        UsageError: it is neither.
    """
    return choice(value, source, ORDERS, "order")


def parse_match_on(value: object, source: str) -> tuple[str, ...]:
    """Names out of :data:`MATCH_ON`, as a list or in one text, parted by commas or blanks.

    Raises:
        UsageError: there is no such field, or none is named.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple | set | frozenset):
        raise UsageError(f"{source} is a list of some of {', '.join(MATCH_ON)}, not {value!r}")
    names: list[object] = []
    for one in given:
        names.extend(one.replace(",", " ").split() if isinstance(one, str) else [one])
    if not names:
        raise UsageError(f"{source} names nothing; say one or more of {', '.join(MATCH_ON)}")
    asked = {choice(one, source, MATCH_ON, "field") for one in names}
    return tuple(name for name in MATCH_ON if name in asked)


def parse_lines(value: object, source: str) -> tuple[str, ...]:
    """Lines of text.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(line, str) for line in value):
        raise UsageError(f"{source} is a list of lines, not {value!r}")
    return tuple(value)


_FLAGS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def parse_effects(value: object, source: str) -> bool | tuple[str, ...]:
    """A flag, or paths and globs.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and len(value) == 1 and str(value[0]).lower() in _FLAGS:
        return _FLAGS[str(value[0]).lower()]
    return parse_patterns(value, source)


def parse_patterns(value: object, source: str) -> tuple[str, ...]:
    """A list of paths or patterns; a path object is as good as text.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | os.PathLike) for one in value):
        raise UsageError(f"{source} is a list of paths or patterns, not {value!r}")
    return tuple(os.fspath(one) for one in value)
