"""What a run found: kept as JSON, printed as a table, held against another. The command uses it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .measure import MIB, MS, US, Figures, Row


@dataclass
class Verdict:
    """What became of one target.

    Attributes:
        words: as the table has it.
        limit: the most that ``value`` may be.
        value: what was measured.
        unit: of both; empty for a ratio.
    """

    words: str
    limit: float
    value: float
    unit: str = ""

    @property
    def held(self) -> bool:
        """It is within the limit."""
        return self.value <= self.limit

    def __str__(self) -> str:
        sign = "held  " if self.held else "MISSED"
        return f"{sign} {self.words}: {_value(self.value, self.unit)} (limit {_value(self.limit, self.unit)})"


@dataclass
class Result:
    """What one row found.

    Attributes:
        name: of the row.
        title: what was measured.
        unit: of the figures.
        curve: what the points count, where it is a curve.
        figures: a contender's value in each round.
        targets: what became of them.
        problem: why there is nothing, where it failed.
    """

    name: str
    title: str
    unit: str
    curve: str = ""
    figures: dict[str, list[float]] = field(default_factory=dict)
    targets: list[Verdict] = field(default_factory=list)
    problem: str = ""

    @classmethod
    def of(cls, row: Row, figures: Figures) -> Result:
        """What the figures say of the row's targets."""
        targets = [
            Verdict(one.words, one.limit, one.value(figures), one.unit)
            for one in row.targets
            if all(name in figures for name in one.needs)
        ]
        return cls(
            row.name, row.title, row.unit, row.curve, {k: list(v) for k, v in figures.items()}, targets
        )

    @classmethod
    def failed(cls, row: Row, problem: str) -> Result:
        """There is nothing but a reason."""
        return cls(row.name, row.title, row.unit, row.curve, problem=problem)

    def lines(self) -> Iterator[str]:
        """The row, as the table prints it: median, minimum and ratio of each contender."""
        yield f"{self.name}: {self.title}"
        if self.problem:
            yield f"    FAILED: {self.problem}"
            return
        wide = max(map(len, self.figures))
        (first, base), *_ = self.figures.items()
        yield f"    {'':{wide}}  {'median':>10}  {'minimum':>10}  of {first}"
        for name, values in self.figures.items():
            middle, least = statistics.median(values), min(values)
            of_first = statistics.median(one / two for one, two in zip(values, base, strict=True) if two)
            shown = f"{shown_value(middle, self.unit):>10}  {shown_value(least, self.unit):>10}"
            yield f"    {name:{wide}}  {shown}  {of_first:.3g}"
        for verdict in self.targets:
            yield f"    {verdict}"


@dataclass
class Run:
    """One run of the benchmark.

    Attributes:
        machine: what it ran on.
        results: of its rows.
    """

    machine: dict[str, str]
    results: list[Result]

    def save(self, path: Path) -> None:
        """Keep it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Run:
        """One that was kept."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(kept["machine"], [result_of(one) for one in kept["results"]])


def result_of(kept: dict[str, object]) -> Result:
    """A result as JSON has it."""
    result = Result(**kept)  # type: ignore[arg-type] # of our own making
    result.targets = [Verdict(**one) for one in result.targets]  # type: ignore[arg-type]
    return result


def compared(before: Run, after: Run) -> Iterator[str]:
    """Two runs, contender by contender: medians, and the second in parts of the first."""
    for what, value in before.machine.items():
        other = after.machine.get(what, "")
        yield f"{what}: {value}" + ("" if other == value else f" | {other}")
    known = {one.name: one for one in before.results}
    for result in after.results:
        earlier = known.get(result.name)
        shared = [name for name in result.figures if earlier is not None and name in earlier.figures]
        if earlier is None or not shared:
            continue
        yield f"{result.name}: {result.title}"
        wide = max(map(len, shared))
        for name in shared:
            one, two = statistics.median(earlier.figures[name]), statistics.median(result.figures[name])
            change = f"{two / one:.3f}" if one else "-"
            medians = "  ".join(f"{shown_value(value, result.unit):>10}" for value in (one, two))
            yield f"    {name:{wide}}  {medians}  {change}"


def missed(results: Iterable[Result]) -> Iterator[str]:
    """The targets that were not reached, and the rows that failed."""
    for result in results:
        if result.problem:
            yield f"{result.name}: failed"
        for verdict in result.targets:
            if not verdict.held:
                yield f"{result.name}: {verdict}"


def shown_value(value: float, unit: str) -> str:
    """``12.3 us``, ``1.5 MiB``, ``17``."""
    if unit == "ns":
        for size, name in ((1_000 * MS, "s"), (MS, "ms"), (US, "us")):
            if abs(value) >= size:
                return (
                    f"{value / size:.3g} {name}"
                    if abs(value) < 1_000 * size
                    else f"{value / size:.0f} {name}"
                )
        return f"{value:.0f} ns"
    if unit == "B":
        return f"{value / MIB:.1f} MiB"
    return f"{value:.4g}"


def _value(value: float, unit: str) -> str:
    if unit:
        return shown_value(value, unit)
    return f"{value:.3g}" + (f" (1/{1 / value:.1f})" if 0 < value < 0.9 else "")
