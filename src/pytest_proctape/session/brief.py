"""One line for an error, and the error as plain data: for short summaries, annotations and tools."""

from __future__ import annotations

from typing import Any

from ..errors import Divergence, Exhaustion, Leftover, ProctapeError, ReplayError, TapeError
from .report import both_shown, command_line, entry_line

_SHORT = 60


def brief(error: ProctapeError) -> str:
    """What is wrong, what matters most at its beginning."""
    return f"{type(error).__name__}: {_told(error)}"


def as_data(error: ProctapeError) -> dict[str, Any]:
    """``error`` as JSON can carry it; docs/tapes-report.schema.json tells the fields."""
    told: dict[str, Any] = {
        "kind": type(error).__name__,
        "told": _told(error),
        "place": "",
        "spawn": None,
        "differences": [],
        "next_step": getattr(error, "next_step", ""),
    }
    if isinstance(error, ReplayError):
        told["place"] = error.place
        told["spawn"] = None if error.spawn is None else [_utf8(one) for one in error.spawn.argv]
        told["differences"] = [
            {"field": one.field, "tape": _text(one.expected), "test": _text(one.actual)}
            for one in error.differences
        ]
    return told


def _told(error: ProctapeError) -> str:
    if isinstance(error, Divergence) and error.differences:
        first = error.differences[0]
        expected, actual = both_shown(first, _SHORT)
        told = f"{first.field} is {actual}, on the tape {expected}"
        if first.expected is None:
            told = f"{first.field} is {actual}, and not on the tape"
        elif first.actual is None:
            told = f"no {first.field}, on the tape {expected}"
        return told + _more(len(error.differences))
    if isinstance(error, Exhaustion) and error.spawn is not None:
        return f"not on the tape any more: {command_line(error.spawn)}"
    if isinstance(error, Leftover) and error.near:
        return f"not replayed: {entry_line(error.near[0].entry)}{_more(len(error.near))}"
    if isinstance(error, ReplayError):
        return error.headline
    return error.problem if isinstance(error, TapeError) else str(error).partition("\n")[0]


def _more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def _text(value: str | None) -> str | None:
    return None if value is None else _utf8(value)


def _utf8(text: str) -> str:
    """``text`` with escapes for what no UTF-8 file can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
