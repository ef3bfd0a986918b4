"""Times as a tape has them, and nanoseconds, which everybody else counts in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ..later import later

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = later(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z\Z", re.ASCII)
_SECOND_NS = 10**9


def ms_from_ns(ns: int) -> float:
    """Milliseconds from whole nanoseconds; :func:`ns_from_ms` gives them back exactly, up to 52 days."""
    return ns / 1_000_000


def ns_from_ms(ms: float) -> int:
    """Whole nanoseconds from milliseconds, rounded to the nearest."""
    whole = int(ms)
    return whole * 1_000_000 + round((ms - whole) * 1_000_000)


def time_of(ns: int) -> str | int:
    """Nanoseconds of the epoch as a tape has them; :func:`ns_of` gives them back."""
    rest = ns % _SECOND_NS
    try:
        second = second_of(ns)
    except OverflowError:
        return ns
    return f"{second[:-1]}{f'.{rest:09}'.rstrip('0')}Z" if rest else second


def second_of(ns: int) -> str:
    """The same to the second, for a moment that is in a calendar.

    Raises:
        OverflowError: it is in none.
    """
    moment = _EPOCH + timedelta(seconds=ns // _SECOND_NS)
    return f"{moment.isoformat()[:19]}Z"


def ns_of(time: str | int) -> int:
    """Nanoseconds of the epoch.

    Raises:
        ValueError: the text is no time.
    """
    if isinstance(time, int):
        return time
    found = _TIME.match(time)
    if found is None:
        raise ValueError(f"no time: {time!r}")
    moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * _SECOND_NS + int((found[2] or "").ljust(9, "0"))
