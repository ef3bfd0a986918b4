"""What a row of the table is: contenders, how they are measured beside each other, and the target.

Contenders take turns within one run, round after round, so that a busy machine is busy for all of them.
A ratio is the median of the ratios of the rounds, not the ratio of two medians. Every module of rows
uses this one.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Figures = Mapping[str, list[float]]
"""A contender's value in each round, in the unit of the row. Every contender has as many."""

MS = 1_000_000
US = 1_000
MIB = 1 << 20


@dataclass(frozen=True)
class Setting:
    """How a row is to be measured.

    Attributes:
        scratch: a fresh directory, the working directory of the measurement.
        full: the long form: longer curves, more rounds.
        rounds: how many, where the user says so.
    """

    scratch: Path
    full: bool = False
    rounds: int | None = None

    def times(self, quick: int, full: int | None = None) -> int:
        """The rounds of a row that wants ``quick`` of them, or ``full`` in the long form."""
        return self.rounds or ((full or 2 * quick) if self.full else quick)

    def pick(self, quick: Iterable[int], full: Iterable[int]) -> list[int]:
        """The points of a curve."""
        return list(full if self.full else quick)

    def folder(self, name: str) -> Path:
        """A directory of its own in the scratch."""
        path = self.scratch / name
        path.mkdir(parents=True)
        return path


@dataclass(frozen=True)
class Target:
    """One promise of the table.

    Attributes:
        words: as the table has it.
        limit: the most that ``value`` may be.
        value: of the figures.
        needs: the contenders without which it can't be told.
        unit: of the limit; empty for a ratio.
    """

    words: str
    limit: float
    value: Callable[[Figures], float]
    needs: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the table, or a curve.

    Attributes:
        name: as the command line has it.
        title: what is measured.
        unit: of the figures: ``ns``, ``B`` or ``n``.
        measure: does it.
        targets: what is promised.
        curve: what the numbers in the contenders' names count (``replayed 100``), where the row is one.
    """

    name: str
    title: str
    unit: str
    measure: Callable[[Setting], Figures]
    targets: tuple[Target, ...] = ()
    curve: str = ""


@dataclass
class Turns:
    """Contenders that take turns.

    Attributes:
        contenders: what gives one value, by name.
    """

    contenders: dict[str, Callable[[], float]] = field(default_factory=dict)

    def add(self, name: str, once: Callable[[], float]) -> None:
        """One more."""
        self.contenders[name] = once

    def run(self, rounds: int, *, warm: bool = True) -> dict[str, list[float]]:
        """Every contender once a round, another one first each time; one round before that doesn't count."""
        names = list(self.contenders)
        found: dict[str, list[float]] = {name: [] for name in names}
        if warm:
            for name in names:
                self.contenders[name]()
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                gc.collect()
                found[name].append(self.contenders[name]())
        return found


def timed(call: Callable[[], object], times: int = 1) -> float:
    """Nanoseconds of one call, on average of so many."""
    before = time.perf_counter_ns()
    for _ in range(times):
        call()
    return (time.perf_counter_ns() - before) / times


def ratio(mine: Iterable[float], other: Iterable[float]) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(one / two for one, two in zip(mine, other, strict=True))


def at_most(times: float, of: str, mine: str = "proctape", words: str = "") -> Target:
    """``mine`` takes at most so many times what ``of`` does."""
    shown = f"1/{1 / times:g}" if times < 1 else f"{times:g} x"
    return Target(
        words or f"{mine} at most {shown} {of}",
        times,
        lambda figures: ratio(figures[mine], figures[of]),
        (mine, of),
    )


def at_most_fastest(times: float, others: tuple[str, ...], mine: str = "proctape") -> Target:
    """``mine`` takes at most so many times what the fastest of the others does, of those that are here."""

    def value(figures: Figures) -> float:
        return max(ratio(figures[mine], figures[one]) for one in others if one in figures)

    return Target(f"{mine} at most {times:g} x the fastest fake", times, value, (mine,))


def more_by(limit: float, of: str, mine: str, unit: str, words: str) -> Target:
    """``mine`` is at most ``limit`` above ``of``."""

    def value(figures: Figures) -> float:
        return statistics.median(one - two for one, two in zip(figures[mine], figures[of], strict=True))

    return Target(words, limit, value, (mine, of), unit)


def below(limit: float, mine: str, unit: str, words: str) -> Target:
    """``mine`` is at most ``limit``."""
    return Target(words, limit, lambda figures: statistics.median(figures[mine]), (mine,), unit)
