"""How far a recording may go: time, bytes, children at once. Read by the settings, kept by the child room.

A limit knows where it was set, since the first question about a child that was ended is who said so.
"""

from __future__ import annotations

import os
import re

from .errors import UsageError
from .frozen import Frozen, Value

MS = 1_000_000
_S = 1_000_000_000
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
MAX_OUTPUT = 1 << 30
"""Bytes of one stream of one child, unless the user says otherwise."""
MAX_CHILDREN = 1000


class TimeLimit(Frozen):
    """A length of time that may not be exceeded.

    Attributes:
        ns: nanoseconds.
        origin: where it was set, in words.
    """

    ns: int
    origin: str

    @property
    def words(self) -> str:
        """What is said of a child that was past it, ``timed out after 100 ms (marker)``."""
        return f"timed out after {span(self.ns)} ({self.origin})"


class Limits(Value):
    """What holds for the children of one recording.

    Attributes:
        spawn: for how long a child may run.
        test: for how long the children of a test may run, counted from the beginning of its tape.
        output: bytes that one output of one child may have.
        children: how many may run at once.
    """

    spawn: TimeLimit | None = None
    test: TimeLimit | None = None
    output: int = MAX_OUTPUT
    children: int = MAX_CHILDREN


def span(ns: int) -> str:
    """``"100 ms"``, ``"1.5 s"``, ``"60 s"``."""
    value, unit = (ns / _S, "s") if ns >= _S else (ns / MS, "ms")
    return f"{value:.6f}".rstrip("0").rstrip(".") + f" {unit}"


def parse_time_limit(value: object, source: str) -> TimeLimit | None:
    """Seconds, a number above 0; 0 for no limit.

    Raises:
        UsageError: it is something else.
    """
    try:
        seconds = float(value) if isinstance(value, int | float | str) else -1.0
    except ValueError:
        seconds = -1.0
    if isinstance(value, bool) or not 0 <= seconds < 1e9:
        raise UsageError(f"{source} is a number of seconds, as in 2.5, or 0 for no limit, not {value!r}")
    return TimeLimit(max(1, round(seconds * _S)), origin_of(source)) if seconds else None


def parse_ceiling(value: object, source: str) -> TimeLimit | None:
    """As :func:`parse_time_limit`, for a whole test.

    Raises:
        UsageError: it is no number of seconds.
    """
    limit = parse_time_limit(value, source)
    return limit and limit.but(origin=f"test ceiling {span(limit.ns)}")


def parse_bytes(value: object, source: str) -> int:
    """A number of bytes above 0, or a text with K, M or G behind the number, for 1024 and its powers.

    Raises:
        UsageError: it is something else.
    """
    size = _bytes_of(value)
    if not size:
        raise UsageError(f"{source} is a number of bytes above 0, as in 1048576 or 64M, not {value!r}")
    return size


def parse_size(value: object, source: str) -> int:
    """As :func:`parse_bytes`, where 0 means something.

    Raises:
        UsageError: it is something else.
    """
    size = _bytes_of(value)
    if size is None:
        raise UsageError(f"{source} is a number of bytes, as in 64M, not {value!r}")
    return size


def _bytes_of(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    found = re.fullmatch(r"(\d+) *([KMG]?)", text.strip().upper(), re.ASCII)
    return None if found is None else int(found[1]) * _UNITS[found[2]]


def parse_count(value: object, source: str) -> int:
    """A whole number above 0.

    Raises:
        UsageError: it is something else.
    """
    text = str(value).strip() if isinstance(value, int | str) else ""
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(f"{source} is a whole number above 0, not {value!r}")
    return int(text)


def origin_of(source: str) -> str:
    """Where a value was set, as briefly as one may say it."""
    if "@pytest.mark.tape" in source:
        return "marker"
    key, found, file = source.partition(" in ")
    return f"{key} in {os.path.basename(file)}" if found else source
