"""How two tapes differ, in entries: :func:`compare_tapes`. The command ``diff`` tells what it finds.

Entries of the same command are held against each other; between those that stay, a removed one and a
new one of the same program are one that has changed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from ..tape import Anything, Entry, Tape
from .effects import effect_lines
from .words import (
    STREAM_FIELDS,
    Decode,
    command_of,
    compact,
    input_about,
    is_stream,
    plain,
    shown,
    step_of,
    word_of,
)

_TIMES = frozenset({"duration_ms", "began"})
_MOST = 400
"""Entries up to which tapes are aligned by difflib, whose time grows with the square."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of an entry, on both sides, as lines.

    Attributes:
        line: number of the first line that differs, from 1; 0 where the field is not one of lines.
        old, new: the lines that differ, without those that both have before and behind them.
    """

    field: str
    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryChange:
    """An entry that is not the same on both sides.

    Attributes:
        old_index, new_index: from 0; ``None`` on the side where there is no such entry.
        command: as one would type it.
    """

    kind: Literal["added", "removed", "changed"]
    old_index: int | None
    new_index: int | None
    command: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """A tape, and how its payloads are read."""

    tape: Tape
    decode: Decode


def compare_tapes(old: Side, new: Side, *, times: bool) -> list[EntryChange]:
    """What has changed from one tape to the other.

    Args:
        old: before.
        new: after.
        times: durations and moments count, too.
    """
    changes = []
    for i, j in _pairs(old.tape.entries, new.tape.entries):
        if j is None:
            assert i is not None
            changes.append(EntryChange("removed", i, None, command_of(old.tape.entries[i])))
        elif i is None:
            changes.append(EntryChange("added", None, j, command_of(new.tape.entries[j])))
        else:
            a, b = old.tape.entries[i], new.tape.entries[j]
            # Payloads are named by their hash, so equal entries stand for equal bytes.
            fields = tuple(_field_changes(a, b, old.decode, new.decode, times))
            if fields:
                changes.append(EntryChange("changed", i, j, command_of(b), fields))
    return changes


def _pairs(
    old: Sequence[Entry], new: Sequence[Entry]
) -> Iterator[tuple[int, int] | tuple[int, None] | tuple[None, int]]:
    """Indexes of entries that belong together, in order."""
    if max(len(old), len(new)) > _MOST:
        yield from zip_longest(range(len(old)), range(len(new)))
        return
    keys = [[compact([one.program, one.args, one.cwd, one.phase]) for one in side] for side in (old, new)]
    matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(range(i1, i2), range(j1, j2), strict=True)
        else:
            yield from _pairs_of_programs(old, new, range(i1, i2), range(j1, j2))


def _pairs_of_programs(
    old: Sequence[Entry], new: Sequence[Entry], rows: range, columns: range
) -> Iterator[tuple[int, int] | tuple[int, None] | tuple[None, int]]:
    left = list(columns)
    for i in rows:
        partner = next((j for j in left if new[j].program == old[i].program), None)
        if partner is None:
            yield i, None
            continue
        while left[0] != partner:
            yield None, left.pop(0)
        left.pop(0)
        yield i, partner
    for j in left:
        yield None, j


def _field_changes(
    a: Entry, b: Entry, decode_a: Decode, decode_b: Decode, times: bool
) -> Iterator[FieldChange]:
    for name in type(a).model_fields:
        if name in _TIMES and not times:
            continue
        old, new = getattr(a, name), getattr(b, name)
        if old == new:
            continue
        lines = (_lines(name, a, old, decode_a, times), _lines(name, b, new, decode_b, times))
        if lines[0] != lines[1]:
            yield _change(name, *lines)


def _change(name: str, old: list[str], new: list[str]) -> FieldChange:
    """Cut off what both have at their beginning and at their end."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    by_line = len(old) > 1 or len(new) > 1
    return FieldChange(
        name,
        start + 1 if by_line else 0,
        tuple(old[start : len(old) - end]),
        tuple(new[start : len(new) - end]),
    )


def _lines(name: str, entry: Entry, value: object, decode: Decode, times: bool) -> list[str]:
    """A field's value as lines; two values with the same lines are the same to a reader."""
    if name in STREAM_FIELDS:
        told = input_about(entry, decode) if name == "stdin" else shown(getattr(entry, name), decode)
        if told.lines is None:
            return [told.about]
        tail = ["(no line end behind the last line)"] if told.unended else []
        return [*told.lines, *tail]
    if name == "timeline" and entry.timeline is not None:
        steps = []
        for event in entry.timeline:
            if event.effects is not None:
                steps += [f"* {line}" for line in effect_lines(event.effects, decode)]
                continue
            mark, text = step_of(event, decode)
            at = f"{event.at_ms} ms " if times else ""
            steps.append(f"{at}{mark} {text}")
        return steps
    if name == "effects" and entry.effects is not None:
        return effect_lines(entry.effects, decode)
    if name == "args":
        return [word_of(one) for one in entry.args]
    return _json_lines(value)


def _json_lines(value: object) -> list[str]:
    """Any other value: one line where it is plain, else as JSON is laid out."""
    if value is None or isinstance(value, str | int | float | bool | Anything) or is_stream(value):
        return [compact(value)]
    return json.dumps(plain(value), indent=1, ensure_ascii=False).split("\n")
