"""``proctape compare``: hold two event logs of --tapes-log against each other and tell the first difference.

A log has one JSON object a line. Fields of the monotonic clock, which is another in every run, do not
count (monotonic...); --ignore leaves out more. The exit code is 0 where the logs are equal.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest

from ..errors import UsageError
from .screen import FINE, FOUND, Screen, counted, visible, windows

_MONOTONIC = "monotonic"
_LONGEST_LINE = 1 << 28
"""Bytes. A line that is longer than this is none of a log's."""
_MISSING = "(nothing)"

Event = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that an event has otherwise in the two logs.

    Attributes:
        field: with dots between the names of nested ones.
        a, b: JSON, or ``None`` where there is no such field.
    """

    field: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out.

    Attributes:
        events: how many were equal before the first difference, or at all.
        why: in words; ``""`` where the logs are equal.
        a, b: the first event that differs, ``None`` where a log has ended.
    """

    events: int
    why: str = ""
    a: Event | None = None
    b: Event | None = None
    differences: tuple[Difference, ...] = ()


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("a", metavar="A", help="a log")
    parser.add_argument("b", metavar="B", help="another one")
    parser.add_argument(
        "--ignore", metavar="FIELD", action="append", default=[], help="a field that does not count"
    )


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Compare.

    Raises:
        UsageError: one of the files can't be read, or is no log.
    """
    found = compare(arguments.a, arguments.b, frozenset(arguments.ignore))
    if arguments.json:
        screen.json({"equal": not found.why, **asdict(found)})
    elif not found.why:
        screen.line(screen.paint(f"equal: {counted(found.events, 'event')}", "green"))
    else:
        _draw(found, arguments.a, arguments.b, screen)
    return FOUND if found.why else FINE


def compare(a: str, b: str, ignored: frozenset[str] = frozenset()) -> Comparison:
    """Hold two logs against each other, an event at a time: the logs may be large.

    Raises:
        UsageError: one of the files can't be read, or is no log.
    """
    count = 0
    for left, right in zip_longest(_events(a), _events(b)):
        if left is None or right is None:
            ended, other = (a, b) if left is None else (b, a)
            why = f"{ended} ends after {counted(count, 'event')}, and {other} goes on"
            return Comparison(count, why, left, right)
        try:
            differences = tuple(_differences(_counting(left, ignored), _counting(right, ignored), ""))
        except RecursionError:
            raise UsageError(f"{a} and {b}: event {count + 1} is nested too deep to be compared") from None
        if differences:
            fields = ", ".join(one.field for one in differences)
            return Comparison(count, f"they differ in {fields}", left, right, differences)
        count += 1
    return Comparison(count)


def _counting(event: Event, ignored: frozenset[str]) -> Event:
    return {
        name: value
        for name, value in event.items()
        if not name.startswith(_MONOTONIC) and name not in ignored
    }


def _events(path: str) -> Iterator[Event]:
    try:
        with open(path, "rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if line.strip():
                    yield _event(line, f"{path}, line {number}")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _event(line: bytes, place: str) -> Event:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        ended = "" if line.endswith(b"\n") else " (the log ends in it: was the run cut off?)"
        raise UsageError(f"{place}: not JSON: {error}{ended}") from None
    if not isinstance(event, dict):
        raise UsageError(f"{place}: an event is an object; is this a log of --tapes-log?")
    return event


def _differences(a: object, b: object, place: str) -> Iterator[Difference]:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in dict.fromkeys([*a, *b]):
            here = f"{place}.{name}" if place else str(name)
            if name not in a or name not in b:
                yield Difference(here, _text(a, name), _text(b, name))
            else:
                yield from _differences(a[name], b[name], here)
    elif type(a) is not type(b) or a != b:
        yield Difference(place, json.dumps(a), json.dumps(b))


def _text(event: Mapping[str, object], name: str) -> str | None:
    return json.dumps(event[name]) if name in event else None


def _draw(found: Comparison, a: str, b: str, screen: Screen) -> None:
    screen.line(screen.paint(f"not equal: event {found.events + 1:,}: {visible(found.why)}", "red"))
    some = found.a or found.b or {}
    known = [f"{name} {json.dumps(some[name])}" for name in ("seq", "test", "event", "kind") if name in some]
    if known:
        screen.line(f"    {visible(', '.join(known))}")
    for one in found.differences:
        screen.line(f"    {visible(one.field)}")
        left, right = windows(one.a or _MISSING, one.b or _MISSING, 90)
        screen.line("      " + screen.paint(f"- {visible(left)}", "red") + f"    {visible(a)}")
        screen.line("      " + screen.paint(f"+ {visible(right)}", "green") + f"    {visible(b)}")
    if not found.differences:
        screen.line("    " + screen.cut(visible(json.dumps(some)), 4))
