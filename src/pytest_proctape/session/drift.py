"""Drift: holds what the real tools do now against what the tape says. Pure; the verify session calls it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

from ..match import Asked, asked_by
from ..tape import STDERR, STDIN, STDOUT, Content, End, Entry, Script, Stream, script_of, signal_name

Kind = Literal[
    "spawn_mismatch", "output_mismatch", "end_mismatch", "length_mismatch", "effect_mismatch", "skipped"
]

_NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}
_VOLATILE = b"<volatile>"
_SHOWN = 200
_NO_LINE = "(nothing)"

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a tool is not what the tape says.

    Attributes:
        kind: see :data:`Kind`; ``skipped`` is no drift: nothing could be said.
        entry: its number on the tape, from 1; 0 where the tape has none.
        command: as one would type it.
        field: what differs: a stream, ``"exit"``, ``"entries"``, ``"command"``.
        line: of the stream, from 1; 0 where it is no stream.
        tape, now: the two sides.
    """

    kind: Kind
    entry: int
    command: str
    field: str
    tape: str
    now: str
    line: int = 0

    def as_data(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Heard:
    """A spawn of the verifying run, in the terms of the tape.

    Attributes:
        script: what the real child did, with placeholders in its streams.
        limit: why we ended it ourselves, or ``""``.
    """

    asked: Asked
    script: Script
    limit: str = ""


class Normaliser:
    """Puts one word in the place of what differs in every run: dates, hashes, pids."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [re.compile(one.encode()) for one in patterns]

    def data(self, data: bytes) -> bytes:
        """A stream."""
        for pattern in self._patterns:
            data = pattern.sub(_VOLATILE, data)
        return data

    def word(self, word: str) -> str:
        """A word of a command line."""
        return self.data(word.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def key(self, asked: Asked) -> Key:
        """What makes a spawn the same one."""
        return (*map(self.word, asked.argv), "\0", asked.argv0 or "")


def find_drift(
    entries: Sequence[Entry],
    heard: Sequence[Heard],
    decode: Callable[[Stream], Content],
    normaliser: Normaliser,
    *,
    complete: bool,
) -> list[Finding]:
    """What differs, in the order of the tape.

    Args:
        entries: of the tape.
        heard: the spawns of this run, in their order.
        decode: reads a stream of the tape; placeholders stay.
        normaliser: applied to both sides.
        complete: the test ran to its end, so it has asked for all that it asks for.
    """
    asked = [asked_by(entry) for entry in entries]
    pairs, lonely, strangers = _pairs(
        [normaliser.key(one) for one in asked], [normaliser.key(one.asked) for one in heard]
    )
    found: list[tuple[int, Finding]] = []
    for index, other in pairs:
        pair = _of_pair(index, entries[index], asked[index], heard[other], decode, normaliser)
        found += [(index, one) for one in pair]
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


def _of_pair(
    index: int,
    entry: Entry,
    asked: Asked,
    heard: Heard,
    decode: Callable[[Stream], Content],
    normaliser: Normaliser,
) -> Iterator[Finding]:
    """One entry and the spawn that it is of."""
    line = _line(asked)
    recorded = script_of(entry, decode, strict_input=True)
    error = heard.script.end.error
    if error is not None and error.errno == "ENOENT" and recorded.end.error is None and not error.message:
        yield Finding("skipped", index + 1, line, "command", "", f"{asked.program} is not installed here")
        return
    if asked.cwd is not None and asked.cwd != heard.asked.cwd:
        here = heard.asked.cwd or "(the test's own)"
        yield Finding("spawn_mismatch", index + 1, line, "cwd", asked.cwd, here)
    for fd in sorted({STDIN} | (recorded.captured & heard.script.captured)):
        old, new = recorded.stream(fd), heard.script.stream(fd)
        if old is None or new is None:
            continue
        at = _first_difference(normaliser.data(old), normaliser.data(new))
        if at is not None:
            number, left, right = at
            field = _NAMES.get(fd, f"descriptor {fd}")
            yield Finding("output_mismatch", index + 1, line, field, left, right, number)
    end = end_words(recorded.end, entry.timed_out or entry.output_limit or "")
    end_now = end_words(heard.script.end, heard.limit)
    if end != end_now:
        yield Finding("end_mismatch", index + 1, line, "end", end, end_now)


def _first_difference(old: bytes, new: bytes) -> tuple[int, str, str] | None:
    """Number and both sides of the first line that differs."""
    if old == new:
        return None
    lines = zip_longest(old.splitlines(keepends=True), new.splitlines(keepends=True))
    for number, (left, right) in enumerate(lines, 1):
        if left != right:
            return number, _shown(left), _shown(right)
    raise AssertionError("what differs has a line in which it does")


def _shown(line: bytes | None) -> str:
    if line is None:
        return _NO_LINE
    text = line.decode("utf-8", "backslashreplace")
    text = text[:_SHOWN] + "..." if len(text) > _SHOWN else text
    plain = text.removesuffix("\n")
    return plain if plain.isprintable() and plain and plain != text else repr(text)


def end_words(end: End, limit: str = "") -> str:
    """How a child ended, without how long it took."""
    if limit:
        return limit
    if end.error is not None:
        return f"could not be started ({end.error.errno or end.error.type})"
    code = end.exit_code
    if code is None:
        return "still running"
    return f"exit code {code}" if code >= 0 else f"ended by {signal_name(-code)}"


def _line(asked: Asked) -> str:
    return shlex.join(asked.argv)
