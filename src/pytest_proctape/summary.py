"""The counts of a run and the lines that tell them. Pure: it knows neither pytest nor tapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Result:
    """What became of one taped test; it travels from a worker as plain data.

    Attributes:
        test: its node id.
        mode: ``"replay"``, ``"record"``, ``"update"`` or ``"live"``.
        outcome: of a recording: ``"recorded"``, ``"unchanged"``, ``"removed"``, ``"nothing"``, ``"failed"``.
        spawns: made by the test.
        replayed: how many of them came from a tape.
        process_ns: for how long their processes ran when they were recorded, nanoseconds.
        test_ns: for how long the test ran now, nanoseconds.
        missing: it had no tape and needed one.
        kept: where the attempt of a failed recording is.
        leaked: children that were still running at its end.
        drift: what --verify-tapes has found, as :class:`~.session.drift.Finding` tells it.
        fixture: the tape is one of a fixture of wider scope.
    """

    test: str
    mode: str
    outcome: str = ""
    spawns: int = 0
    replayed: int = 0
    process_ns: int = 0
    test_ns: int = 0
    missing: bool = False
    kept: str = ""
    leaked: list[str] = field(default_factory=list)
    drift: list[dict[str, Any]] = field(default_factory=list)
    fixture: bool = False

    def as_data(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Result:
        """The inverse of :meth:`as_data`."""
        return cls(**data)


@dataclass(slots=True)
class Totals:
    """Sums over the results of a run.

    Attributes:
        failed: recordings that were not kept: test, and where the attempt is.
        missing: tests that need a tape and have none.
        drift: test, and what --verify-tapes has found of it.
        leaked: test, and a child that was still running at its end.
    """

    tests: dict[str, int] = field(default_factory=dict)
    fixtures: dict[str, int] = field(default_factory=dict)
    spawns: dict[str, int] = field(default_factory=dict)
    process_ns: int = 0
    test_ns: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    leaked: list[tuple[str, str]] = field(default_factory=list)
    drift: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.missing:
            self.missing.append(result.test)
        self.drift += [(result.test, one) for one in result.drift]
        self.leaked += [(result.test, child) for child in result.leaked]
        if not result.spawns and result.outcome != "removed":
            return
        kind = "replayed" if result.mode == "replay" else result.outcome or result.mode
        if kind == "failed":
            self.failed.append((result.test, result.kept))
        counts = self.fixtures if result.fixture else self.tests
        counts[kind] = counts.get(kind, 0) + 1
        for name, count in (("replayed", result.replayed), ("real", result.spawns - result.replayed)):
            self.spawns[name] = self.spawns.get(name, 0) + count
        if result.mode == "replay":
            self.process_ns += result.process_ns
            self.test_ns += result.test_ns

    @property
    def drifted(self) -> bool:
        """A real tool no longer does what a tape says."""
        return any(one["kind"] != "skipped" for _, one in self.drift)

    def __bool__(self) -> bool:
        return bool(self.tests or self.fixtures or self.missing or self.drift)


_TOLD = ("replayed", "recorded", "unchanged", "removed", "failed", "live", "verified")


def lines(totals: Totals, *, record_command: str, verbose: bool) -> Iterable[str]:
    """The summary, a line each; nothing where no tape was used.

    Args:
        totals: of the run.
        record_command: what records missing tapes.
        verbose: name every test that has no tape, not just the first few.
    """
    if totals.tests or totals.fixtures:
        counted = [
            f"{what}: " + ", ".join(f"{counts[kind]} {_name(kind)}" for kind in _TOLD if counts.get(kind))
            for what, counts in (("tests", totals.tests), ("fixtures", totals.fixtures))
            if counts
        ]
        spawns = totals.spawns.get("replayed", 0), totals.spawns.get("real", 0)
        told = [f"{count} {name}" for count, name in zip(spawns, ("replayed", "real"), strict=True) if count]
        yield f"{'; '.join(counted)}; spawns: {', '.join(told) or '0'}"
    if totals.process_ns:
        yield f"replayed {seconds(totals.process_ns)} of processes in {seconds(totals.test_ns)} of tests"
    for test, kept in totals.failed:
        where = f"; this attempt is kept in {kept}" if kept else ""
        yield f"not recorded, as the test failed: {test}{where}"
    for test, finding in totals.drift:
        yield from _drift_lines(test, finding)
    if totals.drifted:
        yield "if the tools are right, record the tapes again: pytest --record-tapes"
    for test, child in totals.leaked:
        yield f"still running when {test} ended: {child}"
    if totals.missing:
        count = len(totals.missing)
        yield f"{count} {'test has' if count == 1 else 'tests have'} no tape; record with: {record_command}"
        shown = totals.missing if verbose else totals.missing[:3]
        yield from (f"  {test}" for test in shown)
        if len(shown) < count:
            yield f"  and {count - len(shown)} more (-v shows them)"


def _drift_lines(test: str, found: Mapping[str, Any]) -> Iterable[str]:
    entry = f", entry {found['entry']}" if found["entry"] else ""
    command = f" `{found['command']}`" if found["command"] else ""
    if found["kind"] == "skipped":
        yield f"skipped: {test}{entry}{command}: {found['now']}"
        return
    if found["kind"] == "length_mismatch":
        counts = f"the tape has {found['tape']} entries, the test made {found['now']} spawns"
        yield f"length_mismatch: {test}: {counts}"
        yield f"  {'only now' if int(found['now']) > int(found['tape']) else 'only on the tape'}:{command}"
        return
    line = f", line {found['line']}" if found["line"] else ""
    yield f"{found['kind']}: {test}{entry}{command}: {found['field']}{line}"
    yield f"  tape: {found['tape']}"
    yield f"  now:  {found['now']}"


def _name(kind: str) -> str:
    return "failed to record" if kind == "failed" else kind


def seconds(ns: int) -> str:
    """``"41.3 s"``, ``"8.2 ms"``: three digits that matter."""
    if ns >= 999_500_000:
        return f"{_three_digits(ns / 1e9)} s"
    return f"{_three_digits(ns / 1e6)} ms"


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"
