"""A place in a tape, in words, and what to do about what is wrong there. All who refuse a tape say so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import TapeCorrupt
from ..later import later

MEND = "mend the file, restore it from version control, or record the test again with --record-tapes"

# Any: a value as the JSON module gives it.
Json = Any

_LONGEST_STEP, _LONGEST_PLACE = 120, 400
"""Characters of a place that are told; a file can name anything."""
_PLAIN_KEY = later(r"[A-Za-z0-9_-]+\Z")


def place_of(location: Sequence[int | str]) -> str:
    """``entries[2].stdout`` for ``("entries", 2, "stdout")``."""
    place = ""
    for step in location:
        if isinstance(step, int):
            place += f"[{step}]"
        elif _PLAIN_KEY.match(step) and len(step) <= _LONGEST_STEP:
            place += f".{step}" if place else step
        else:
            place += f"[{step!r}]" if len(step) <= _LONGEST_STEP else f"[{step[:_LONGEST_STEP]!r}...]"
    return place if len(place) <= _LONGEST_PLACE else f"{place[:_LONGEST_PLACE]}..."


def value_at(location: Sequence[int | str], document: Json) -> Json:
    """What ``document`` has there; ``None`` where it has nothing."""
    for step in location:
        try:
            document = document[step]
        except (LookupError, TypeError):
            return None
    return document


def corrupt(path: Path, problem: str, expected: str, place: str = "") -> TapeCorrupt:
    """The error for a file that is no tape."""
    # It may quote the file, which can hold anything.
    return TapeCorrupt(path, f"{problem:.200}", place=place, expected=expected, next_step=MEND)
