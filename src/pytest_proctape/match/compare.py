"""Holds a spawn against an entry, field by field. Pure: it knows no session and moves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq

from ..tape import Entry, decode_argument

FIELDS = ("program", "args", "argv0", "cwd", "env")
"""What is compared, in the order in which differences are told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A spawn in the terms of the tape: with placeholders for what belongs to this machine.

    Attributes:
        env: the variables that are kept, ``None`` for one that is unset.
        is_kept: whether a variable is among those that are kept.
        alike: whether a text of the tape means a text of this spawn.
    """

    program: str
    args: tuple[str, ...]
    argv0: str | None
    cwd: str | None
    env: Mapping[str, str | None] = field(default_factory=dict)
    is_kept: Callable[[str], bool] = field(default=bool, compare=False, repr=False)
    alike: Callable[[str, str], bool] = field(default=eq, compare=False, repr=False)

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line as one would type it."""
        return (self.program, *self.args)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which a spawn is not what the tape has.

    Attributes:
        field: ``"program"``, ``"args[2]"``, ``"cwd"``, ``"stdin"``.
        expected: the tape's value, ``None`` where it has none.
        actual: the test's value, ``None`` where it has none.
    """

    field: str
    expected: str | None
    actual: str | None


@dataclass(frozen=True, slots=True)
class Near:
    """An entry that is close to what was asked for.

    Attributes:
        index: its place on the tape, from 0.
        differences: what keeps it from matching; empty for an entry that would match elsewhere.
        consumed: it has been replayed already.
    """

    index: int
    entry: Entry
    differences: tuple[Difference, ...]
    consumed: bool


def asked_by(entry: Entry) -> Asked:
    """What the spawn of ``entry`` asked for."""
    return Asked(
        decode_argument(entry.program),
        tuple(decode_argument(one) for one in entry.args),
        None if entry.argv0 is None else decode_argument(entry.argv0),
        None if entry.cwd is None else decode_argument(entry.cwd),
        entry.env or {},
    )


def differences(asked: Asked, entry: Entry) -> tuple[Difference, ...]:
    """What keeps ``asked`` from being ``entry``; nothing when it matches."""
    plain = (entry.program, entry.args, entry.argv0, entry.cwd)
    if plain == (asked.program, asked.args, asked.argv0, asked.cwd) and not entry.env:
        return ()
    expected = asked_by(entry)
    found: list[Difference] = []
    if not asked.alike(expected.program, asked.program):
        found.append(Difference("program", expected.program, asked.program))
    found.extend(_argument_differences(expected.args, asked.args, asked.alike))
    if not _same(expected.argv0, asked.argv0, asked.alike):
        found.append(Difference("argv0", expected.argv0, asked.argv0))
    if expected.cwd is not None and not _same(expected.cwd, asked.cwd, asked.alike):
        found.append(Difference("cwd", expected.cwd, asked.cwd))
    found.extend(_variable_differences(expected.env, asked))
    return tuple(found)


def _same(expected: str | None, actual: str | None, alike: Callable[[str, str], bool]) -> bool:
    return expected == actual or (expected is not None and actual is not None and alike(expected, actual))


def _variable_differences(expected: Mapping[str, str | None], asked: Asked) -> Iterator[Difference]:
    """Only among the variables that are kept; an entry that has none says nothing about any."""
    for name in sorted({*expected, *asked.env} if expected else ()):
        taped, actual = expected.get(name), asked.env.get(name)
        if asked.is_kept(name) and not _same(taped, actual, asked.alike):
            yield Difference(f"env[{name}]", taped, actual)


def _argument_differences(
    expected: tuple[str, ...], actual: tuple[str, ...], alike: Callable[[str, str], bool]
) -> list[Difference]:
    found = []
    for index in range(max(len(expected), len(actual))):
        left = expected[index] if index < len(expected) else None
        right = actual[index] if index < len(actual) else None
        if not _same(left, right, alike):
            found.append(Difference(f"args[{index}]", left, right))
    return found


def first_match(asked: Asked, entries: Sequence[Entry], start: int) -> int | None:
    """The first entry from ``start`` on that matches."""
    return next((i for i in range(start, len(entries)) if not differences(asked, entries[i])), None)


def nearest(asked: Asked, entries: Sequence[Entry], cursor: int, *, limit: int = 3) -> list[Near]:
    """Entries worth showing beside the expected one, most alike first.

    Only entries of the same program count, or those that would match as they are.
    """
    rated = []
    for index, entry in enumerate(entries):
        if index == cursor:
            continue
        found = differences(asked, entry)
        if not found or asked.alike(decode_argument(entry.program), asked.program):
            rated.append((len(found), abs(index - cursor), Near(index, entry, found, index < cursor)))
    rated.sort(key=lambda item: item[:2])
    return [near for _, _, near in rated[:limit]]
