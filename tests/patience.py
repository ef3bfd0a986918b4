"""Limits of time that pass behind what a child does: a machine may not let a process run for seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def patiently(attempt: Callable[[float], T], enough: Callable[[T], bool], first_s: float = 0.2) -> T:
    """What ``attempt`` gives with a limit that is long enough for this machine, or with the last one.

    Args:
        attempt: is given a limit in seconds, and starts anew; what it gives must not tell the limit.
        enough: whether all that should come before the limit has.
        first_s: the first limit. There are two more, each eight times the one before.
    """
    for limit_s in (first_s, 8 * first_s):
        if enough(given := attempt(limit_s)):
            return given
    return attempt(64 * first_s)
