"""What the user says about placeholders, secrets and the environment; made from ini lines by the plugin."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from ..errors import UsageError
from ..frozen import Value
from ..later import later
from .drawn import DRAWN, SIZE, Drawn
from .machine import MKTEMP, NAMES, TEMP_NAME
from .tokens import REDACTED

_MADE = rb"(?:tmp[a-z0-9_]{8}|tmp\.[A-Za-z0-9]{10})"
"""Names as :mod:`tempfile` and mktemp(1) make them unless they are told another way."""

_PART = rb"""[^/\0\s"'`:;,=|<>]+"""
"""A directory's name; with what often ends a path in a text it is none, so that two paths are not one."""

_MADE_IN, _MADE_ONE = later(b"/(" + _MADE + rb")(?![\w-])"), later(_MADE)
_DRAWN_ONE = later(b"[a-z0-9_]{%d}" % SIZE)

_PATH_MAX = 4096

_LINE = later(r"(?P<name>\S+)\s*=\s*(?P<value>.+)")
_NAME = later(r"[a-z][a-z0-9_-]*")


class Capture(Value):
    """A name for values that differ from run to run.

    Attributes:
        pattern: what finds one; its first group if it has any.
        alone: what one looks like without what is around it, where that is known.
        behind: what has to lead up to a match, ending where it begins; nothing, where it is ``None``.
        among: the only values there are, wherever they are in what ``pattern`` matches.
    """

    name: str
    pattern: re.Pattern[bytes]
    alone: re.Pattern[bytes] | None = None
    behind: re.Pattern[bytes] | None = None
    among: Drawn | None = None

    @property
    def group(self) -> int:
        """The group that is the value; 0 for all of the match."""
        return 1 if self.pattern.groups else 0

    def matches(self, data: bytes) -> Iterator[re.Match[bytes]]:
        """Every value in ``data``, with what is around it."""
        among, behind = self.among, self.behind
        if among is not None:
            paths = self.pattern.finditer(data) if among else ()
            return (one for path in paths for one in among.within(path))
        found = self.pattern.finditer(data)
        if behind is None:
            return found
        return (one for one in found if behind.search(data, max(0, one.start() - _PATH_MAX), one.start()))

    def may_be_in(self, data: bytes) -> bool:
        """Whether there may be a value in ``data``."""
        if self.among is None:
            return self.pattern.search(data) is not None
        return next(self.matches(data), None) is not None

    def fits(self, value: bytes) -> bool:
        """Whether ``value`` can be one. A pattern with a group says nothing without what is around it."""
        alone = self.alone or (None if self.pattern.groups else self.pattern)
        return alone is None or alone.fullmatch(value) is not None


def temporary_names(folders: Iterable[bytes]) -> tuple[Capture, Capture]:
    """Random names below the directories for temporary files, at any depth, and random parts of such names.

    A test's own directory is below them, and a name may be below another one: each is captured for itself.
    """
    tops = b"|".join(sorted({re.escape(top) for one in folders for top in (one, os.path.realpath(one))}))
    behind = later(b"(?:" + tops + b")(?:/" + _PART + rb")*\Z")
    paths = later(b"(?:" + tops + b")(?:/" + _PART + rb")+")
    return Capture(MKTEMP, _MADE_IN, _MADE_ONE, behind), Capture(TEMP_NAME, paths, _DRAWN_ONE, among=DRAWN)


class Rules(Value):
    """All of it.

    Attributes:
        values: placeholders with one value on this machine, by name.
        captures: placeholders with values that differ from run to run.
        redact: what is secret besides the known; the first group, if there is any.
        env: names and globs of the variables that are kept and compared.
        keep_unscanned: keep output that is too large to be searched for secrets, as it is.
    """

    values: tuple[tuple[str, str], ...] = ()
    captures: tuple[Capture, ...] = ()
    redact: tuple[re.Pattern[bytes], ...] = ()
    env: tuple[str, ...] = ()
    keep_unscanned: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the user's own placeholders."""
        own = (*(name for name, _ in self.values), *(one.name for one in self.captures))
        return tuple(dict.fromkeys(own))

    def keeps_variable(self, name: str) -> bool:
        """Whether the environment variable is on the list."""
        return any(fnmatchcase(name, pattern) for pattern in self.env)


def rules_from(
    places: Iterable[str],
    redact: Iterable[str],
    env: Iterable[str],
    *,
    keep_unscanned: bool = False,
    source: str = "the ini file",
) -> Rules:
    """The rules of these lines.

    Args:
        places: ``name = value``, or ``name = /pattern/`` for what differs from run to run.
        redact: a pattern a line.
        env: names and globs.
        keep_unscanned: see the attribute.
        source: where they were written, for messages.

    Raises:
        UsageError: a line is not understood.
    """
    values: list[tuple[str, str]] = []
    captures: list[Capture] = []
    for line in filter(None, map(str.strip, places)):
        where = f"tapes_places in {source}"
        found = _LINE.fullmatch(line)
        if found is None:
            raise UsageError(f"{where}: not understood: {line!r}; say `name = value` or `name = /pattern/`")
        name, value = _own_name(found["name"], where), found["value"].strip()
        if len(value) > 2 and value.startswith("/") and value.endswith("/"):
            captures.append(Capture(name, _pattern(value[1:-1], where)))
        else:
            values.append((name, value))
    return Rules(
        tuple(values),
        tuple(captures),
        tuple(_pattern(line, f"tapes_redact in {source}") for line in filter(None, map(str.strip, redact))),
        tuple(word for line in env for word in line.replace(",", " ").split()),
        keep_unscanned,
    )


def _own_name(name: str, where: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{where}: {name!r} is no name for a placeholder; use a-z, 0-9, - and _")
    if name in (*NAMES, REDACTED):
        raise UsageError(f"{where}: <{name}> is a placeholder already; choose another name")
    return name


def _pattern(text: str, where: str) -> re.Pattern[bytes]:
    try:
        pattern = re.compile(text.encode())
    except re.error as error:
        raise UsageError(f"{where}: {text!r} is no regular expression: {error}") from None
    if pattern.match(b""):
        raise UsageError(f"{where}: {text!r} matches nothing at all; let it match at least one character")
    return pattern
