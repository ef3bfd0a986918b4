"""Drift: holds what the real tools do now against what the tape says. Pure; the verify session calls it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from ..match import FIELDS, Asked, asked_by, differences, has_patterns
from ..tape import (
    STDERR,
    STDIN,
    STDOUT,
    Content,
    Effect,
    Entry,
    FileEffect,
    Script,
    Stream,
    file_effect_of,
    script_of,
)
from .children import end_words
from .drift_files import FileChange, file_changes, made_by, without_shared
from .files import SHARED
from .sides import Key, Normaliser, first_difference

Kind = Literal[
    "spawn_mismatch", "output_mismatch", "end_mismatch", "length_mismatch", "effect_mismatch", "skipped"
]

_NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}
_COMMAND = ("program", "args")


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a tool is not what the tape says.

    Attributes:
        kind: see :data:`Kind`; ``skipped`` is no drift: nothing could be said.
        entry: its number on the tape, from 1; 0 where the tape has none.
        command: as one would type it.
        field: what differs: a stream, ``"end"``, ``"entries"``, ``"command"``, ``"cwd"``; of a file, see
            :class:`.FileChange`.
        line: of the stream or file, from 1; 0 where it has none.
        tape, now: the two sides.
        file: its path as on the tape, where the command made something else of it.
    """

    kind: Kind
    entry: int
    command: str
    field: str
    tape: str
    now: str
    line: int = 0
    file: str = ""

    def as_data(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Heard:
    """A spawn of the verifying run, in the terms of the tape.

    Attributes:
        script: what the real child did, with placeholders in its streams and files.
        limit: why we ended it ourselves, or ``""``.
        watched: its files were looked at.
        shared: others ran at the same time, so some of its files may be theirs.
    """

    asked: Asked
    script: Script
    limit: str = ""
    watched: bool = False
    shared: bool = False


def find_drift(
    entries: Sequence[Entry],
    heard: Sequence[Heard],
    decode: Callable[[Stream], Content],
    normaliser: Normaliser,
    *,
    complete: bool,
    on: Collection[str] = (*FIELDS, "stdin"),
    overridden: Sequence[Asked] = (),
) -> list[Finding]:
    """What differs, in the order of the tape.

    Args:
        entries: of the tape.
        heard: the spawns of this run, in their order.
        decode: reads a stream of the tape; placeholders stay.
        normaliser: applied to both sides.
        complete: the test ran to its end, so it has asked for all that it asks for.
        on: what of a spawn counts.
        overridden: spawns that the test answered itself, in the place of an entry.
    """
    asked = [asked_by(entry) for entry in entries]
    pairs, lonely, strangers = _pairs(
        [normaliser.key(one) for one in asked], [normaliser.key(one.asked) for one in heard]
    )
    pairs += _by_patterns(entries, heard, lonely, strangers)
    lonely = _not_overridden(lonely, asked, overridden, normaliser)
    complete = complete and not overridden
    found: list[tuple[int, Finding]] = []
    changes: list[tuple[int, FileChange, bool]] = []
    for index, other in pairs:
        pair = _Pair(index, entries[index], asked[index], heard[other], decode, normaliser, on)
        found += [(index, one) for one in pair.findings()]
        changes += [(index, one, pair.shared) for one in pair.files()]
    for index, change in without_shared(changes):
        found.append((index, _of_file(index, asked[index], change)))
    while lonely and strangers:
        index, other = lonely.pop(0), strangers.pop(0)
        now = _line(heard[other].asked)
        line = _line(asked[index])
        found.append((index, Finding("spawn_mismatch", index + 1, line, "command", line, now)))
    found.sort(key=lambda one: one[0])
    told = [one for _, one in found]
    if strangers or (lonely and complete):
        told.append(_lengths(entries, heard, [asked[one] for one in lonely], [heard[i] for i in strangers]))
    return told


def _pairs(old: list[Key], new: list[Key]) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Which are the same spawn, and who has no partner on either side; the order is kept where it can be."""
    pairs = [
        (block.a + i, block.b + i)
        for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        for i in range(block.size)
    ]
    left = [i for i in range(len(old)) if i not in {a for a, _ in pairs}]
    right = [i for i in range(len(new)) if i not in {b for _, b in pairs}]
    for index in list(left):
        other = next((i for i in right if new[i] == old[index]), None)
        if other is not None:
            pairs.append((index, other))
            left.remove(index)
            right.remove(other)
    return pairs, left, right


def _by_patterns(
    entries: Sequence[Entry], heard: Sequence[Heard], lonely: list[int], strangers: list[int]
) -> list[tuple[int, int]]:
    """The entries that stand for more than one spawn, and theirs; both are taken from the lists."""
    pairs = []
    for index in [one for one in lonely if has_patterns(entries[one])]:
        entry = entries[index]
        other = next((i for i in strangers if not differences(heard[i].asked, entry, _COMMAND)), None)
        if other is not None:
            pairs.append((index, other))
            lonely.remove(index)
            strangers.remove(other)
    return pairs


def _not_overridden(
    lonely: list[int], asked: Sequence[Asked], overridden: Sequence[Asked], normaliser: Normaliser
) -> list[int]:
    """Without the entries in whose place the test answered itself."""
    answered = [normaliser.key(one) for one in overridden]
    left = []
    for index in lonely:
        key = normaliser.key(asked[index])
        if key in answered:
            answered.remove(key)
        else:
            left.append(index)
    return left


def _lengths(
    entries: Sequence[Entry], heard: Sequence[Heard], lonely: Sequence[Asked], strangers: Sequence[Heard]
) -> Finding:
    more = [one.asked for one in strangers] or list(lonely)
    return Finding(
        "length_mismatch",
        0,
        "; ".join(_line(one) for one in more),
        "entries",
        f"{len(entries)}",
        f"{len(heard)}",
    )


def _of_file(index: int, asked: Asked, change: FileChange) -> Finding:
    sides = change.tape, change.now
    return Finding(
        "effect_mismatch", index + 1, _line(asked), change.field, *sides, change.line, file=change.path
    )


class _Pair:
    """One entry and the spawn that it is of."""

    def __init__(
        self,
        index: int,
        entry: Entry,
        asked: Asked,
        heard: Heard,
        decode: Callable[[Stream], Content],
        normaliser: Normaliser,
        on: Collection[str],
    ) -> None:
        def decode_file(effect: Effect, began_ns: int | None) -> FileEffect:
            return file_effect_of(effect, began_ns, lambda one: decode(one.file or ""), str)

        self._number = index + 1
        self._entry = entry
        self._asked = asked
        self._heard = heard
        self._normaliser = normaliser
        self._on = on
        self._recorded = script_of(entry, decode, strict_input=True, decode_file=decode_file)
        self.shared = heard.shared or SHARED in (entry.note or "")

    def findings(self) -> Iterator[Finding]:
        """What differs in all but files."""
        number, line, heard = self._number, _line(self._asked), self._heard
        if self._is_not_installed():
            told = f"{self._asked.program} is not installed here"
            yield Finding("skipped", number, line, "command", "", told)
            return
        if "cwd" in self._on and self._is_elsewhere():
            here = heard.asked.cwd or "(the test's own)"
            yield Finding("spawn_mismatch", number, line, "cwd", self._asked.cwd or "", here)
        yield from self._streams()
        end = end_words(self._recorded.end, self._entry.timed_out or self._entry.output_limit or "")
        end_now = end_words(heard.script.end, heard.limit)
        if end != end_now:
            yield Finding("end_mismatch", number, line, "end", end, end_now)

    def _is_elsewhere(self) -> bool:
        old, new = self._asked.cwd, self._heard.asked.cwd
        if old is None or not differences(self._heard.asked, self._entry, ("cwd",)):
            return False
        word = self._normaliser.word
        return new is None or word(old, "cwd") != word(new, "cwd")

    def _is_not_installed(self) -> bool:
        error = self._heard.script.end.error
        was_there = self._recorded.end.error is None
        return error is not None and error.errno == "ENOENT" and was_there and not error.message

    def _streams(self) -> Iterator[Finding]:
        recorded, made = self._recorded, self._heard.script
        inputs = {STDIN} if "stdin" in self._on else set()
        for fd in sorted(inputs | (recorded.captured & made.captured)):
            old, new = recorded.stream(fd), made.stream(fd)
            if old is None or new is None:
                continue
            field = _NAMES.get(fd, f"descriptor {fd}")
            at = first_difference(self._normaliser.data(old, field), self._normaliser.data(new, field))
            if at is not None:
                number, left, right = at
                line = _line(self._asked)
                yield Finding("output_mismatch", self._number, line, field, left, right, number)

    def files(self) -> Iterator[FileChange]:
        """What differs in the files that the command made."""
        if self._heard.watched and not self._is_not_installed():
            old, new = (made_by(one, self._normaliser) for one in (self._recorded, self._heard.script))
            yield from file_changes(old, new, self._normaliser)


def _line(asked: Asked) -> str:
    return shlex.join(asked.argv)
