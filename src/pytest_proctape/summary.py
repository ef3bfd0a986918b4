"""The counts of a run and the lines that tell them. Pure: it knows neither pytest nor tapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .report_keys import RESULTS


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
        held: those of them that can still be talked to, and where they were started.
        drift: what --verify-tapes has found, as :class:`~.session.drift.Finding` tells it.
        fixture: the tape is one of a fixture of wider scope.
        shared: the tape is one that all tests share: of an import, or of the standard library.
        block: the tape is one of ``use_tape``; ``test`` is its path.
        strays: processes that C code has started meanwhile: the name of one that still ran, else empty.
        by_workers: forked processes or workers have started commands, for real and on no tape.
        outside: how many commands threads from outside of all tests have started.
        unwritten: why the tape could not be written, though nothing else was wrong.
        left_by: the exception by which the run or a block was ended from outside; empty for any other end.
        path: of the tape, where it was needed.
        entries: on the tape before.
        errors: what was wrong with the tape; see :func:`~.session.as_data`.
        virtual: how many of the spawns were modules of the virtual toolchain.
    """

    def __init__(
        self,
        test: str,
        mode: str,
        outcome: str = "",
        spawns: int = 0,
        replayed: int = 0,
        process_ns: int = 0,
        *,
        test_ns: int = 0,
        missing: bool = False,
        fixture: bool = False,
        shared: bool = False,
        kept: str = "",
    ) -> None:
        """Of a tape that is over."""
        self.test = test
        self.mode = mode
        self.outcome = outcome
        self.spawns, self.replayed, self.virtual = spawns, replayed, 0
        self.process_ns, self.test_ns = process_ns, test_ns
        self.missing, self.fixture, self.shared, self.block = missing, fixture, shared, False
        self.kept, self.left_by = kept, ""
        self.path, self.entries = "", 0
        self.leaked: list[str] = []
        self.held: list[str] = []
        self.strays: list[str] = []
        self.by_workers, self.outside = False, 0
        self.unwritten = ""
        self.drift: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []

    @property
    def counts(self) -> bool:
        """Whether there is anything to tell of it."""
        asked = self.spawns or self.missing or self.errors or self.drift or self.outcome == "removed"
        return bool(asked or self.strays or self.by_workers or self.outside)

    @property
    def real(self) -> int:
        """How many spawns were real processes."""
        return self.spawns - self.replayed - self.virtual

    @property
    def has_waited(self) -> bool:
        """Whether what was replayed took much longer than it had."""
        return bool(self.replayed) and self.test_ns > self.process_ns + _WAITED_NS

    @property
    def kind(self) -> str:
        """What became of the tape, in one word."""
        if self.missing:
            return "missing"
        no_tape = self.outcome in {"", "nothing"} and not self.errors
        if no_tape and self.virtual and self.virtual == self.spawns:
            return "virtual"
        if self.mode != "replay":
            return self.outcome or self.mode
        kinds = [error["kind"] for error in self.errors]
        if "Divergence" in kinds or "Exhaustion" in kinds:
            return "diverged"
        return "leftover" if "Leftover" in kinds else "replayed"

    def as_data(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return dict(vars(self))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Result:
        """The inverse of :meth:`as_data`."""
        result = cls.__new__(cls)
        vars(result).update(data)
        return result


def strayed(test: str, strays: list[str]) -> Result:
    """Of a test that has asked for nothing, and in which C code has started something all the same."""
    result = Result(test, "replay")
    result.strays = strays
    return result


def attach(report: object, results: Iterable[Result]) -> None:
    """Let ``results`` travel with a test's last report."""
    setattr(report, RESULTS, [result.as_data() for result in results])


def results_of(report: object) -> list[Result]:
    """What has come with ``report``."""
    return [Result.from_data(one) for one in getattr(report, RESULTS, ())]


class Totals:
    """Sums over the results of a run.

    Attributes:
        failed: the results of recordings that were not kept.
        waited: those of replayed tests that were interrupted while they took longer than their commands.
        missing: tests that need a tape and have none.
        drift: test, and what --verify-tapes has found of it.
        leaked: test, and a child that was still running at its end.
        held: one of them can still be talked to, by other tests.
        strays: test, and the processes that C code has started meanwhile.
        by_workers: tests whose workers have started commands.
        outside: how many commands threads from outside of all tests have started.
        orphans: tapes that no test owns.
        orphaned_payloads: how many payload files no tape names.
        orphans_deleted: they are gone now.
        orphans_fail: the run fails for them.
    """

    def __init__(self) -> None:
        """Nothing so far."""
        self.tests: dict[str, int] = {}
        self.fixtures: dict[str, int] = {}
        self.shared: dict[str, int] = {}
        self.blocks: dict[str, int] = {}
        self.spawns: dict[str, int] = {}
        self.process_ns = self.test_ns = 0
        self.failed: list[Result] = []
        self.waited: list[Result] = []
        self.missing: list[str] = []
        self.leaked: list[tuple[str, str]] = []
        self.held = False
        self.strays: list[tuple[str, list[str]]] = []
        self.by_workers: list[str] = []
        self.outside = 0
        self.drift: list[tuple[str, Mapping[str, Any]]] = []
        self.orphans: list[str] = []
        self.orphaned_payloads = 0
        self.orphans_deleted = False
        self.orphans_fail = False

    def add(self, result: Result, *, again: bool = False) -> None:
        """Count one result.

        Args:
            result: it.
            again: the test is run once more, and what becomes of its tape is told then.
        """
        again = again and not (result.fixture or result.shared)
        if not again:
            self.drift += [(result.test, one) for one in result.drift]
            if result.missing:
                self.missing.append(result.test)
        self.leaked += [(result.test, child) for child in result.leaked]
        self.held = self.held or bool(result.held)
        self.outside += result.outside
        if result.strays:
            self.strays.append((result.test, result.strays))
        if result.left_by == KeyboardInterrupt.__name__ and result.has_waited:
            self.waited.append(result)
        if result.by_workers:
            self.by_workers.append(result.test)
        kind = result.kind
        if not result.spawns and kind not in {"removed", "diverged", "leftover"}:
            return
        if not again:
            if kind == "failed":
                self.failed.append(result)
            counts = self._counts_of(result)
            counts[kind] = counts.get(kind, 0) + 1
        for name, count in (
            ("replayed", result.replayed),
            ("virtual", result.virtual),
            ("real", result.real),
        ):
            self.spawns[name] = self.spawns.get(name, 0) + count
        if result.mode == "replay" and not result.shared:
            self.process_ns += result.process_ns
            self.test_ns += result.test_ns

    @property
    def drifted(self) -> bool:
        """A real tool no longer does what a tape says."""
        return any(one["kind"] != "skipped" for _, one in self.drift)

    def _counts_of(self, result: Result) -> dict[str, int]:
        if result.shared:
            return self.shared
        if result.block:
            return self.blocks
        return self.fixtures if result.fixture else self.tests

    @property
    def saved_ns(self) -> int:
        """How much less the tests took than their processes had."""
        return max(0, self.process_ns - self.test_ns)

    def __bool__(self) -> bool:
        used = self.tests or self.fixtures or self.shared or self.blocks or self.missing or self.drift
        past_tapes = self.strays or self.by_workers or self.outside
        return bool(used or past_tapes or self.orphans or self.orphaned_payloads)


_FEW = 3
"""So many of a kind are named without -v."""

_TOLD = (
    "replayed",
    "diverged",
    "leftover",
    "virtual",
    "recorded",
    "unchanged",
    "removed",
    "failed",
    "live",
    "verified",
)


def lines(totals: Totals, *, record_command: str, verbose: bool) -> Iterable[str]:
    """The summary, a line each; nothing where no tape was used.

    Args:
        totals: of the run.
        record_command: what records missing tapes.
        verbose: name every test that has no tape, not just the first few.
    """
    if totals.tests or totals.fixtures or totals.shared or totals.blocks or totals.outside:
        counted = [
            f"{what}: " + ", ".join(f"{counts[kind]} {_name(kind)}" for kind in _TOLD if counts.get(kind))
            for what, counts in (
                ("tests", totals.tests),
                ("fixtures", totals.fixtures),
                ("shared", totals.shared),
                ("use_tape", totals.blocks),
            )
            if counts
        ]
        told = [
            f"{count} {name}"
            for name in ("replayed", "virtual", "real")
            if (count := totals.spawns.get(name, 0))
        ]
        if totals.outside:
            told.append(f"{totals.outside} real outside of tests")
        yield "; ".join([*counted, f"spawns: {', '.join(told) or '0'}"])
    if totals.process_ns:
        saved = f": {seconds(totals.saved_ns)} saved" if totals.saved_ns else ""
        processes, tests = seconds(totals.process_ns), seconds(totals.test_ns)
        yield f"replayed {processes} of processes in {tests} of tests{saved}"
    for one in totals.waited:
        yield f"interrupted after {seconds(one.test_ns)}: {one.test}; {_NOBODY}, {_LIVE}"
    yield from _few([_failure_line(failed) for failed in totals.failed], verbose, "not kept")
    for test, finding in totals.drift:
        yield from drift_lines(test, finding)
    if totals.drifted:
        yield "if the tools are right, record the tapes again: pytest --record-tapes"
    leaked = [f"still running when {test} ended: {child}" for test, child in totals.leaked]
    yield from _few(leaked, verbose, "still running")
    if totals.held:
        yield "what another test says to one of these is on no tape: let a fixture of wider scope start it"
    yield from _past_tapes_lines(totals, verbose)
    if totals.missing:
        count = len(totals.missing)
        yield f"{count} {'test has' if count == 1 else 'tests have'} no tape; record with: {record_command}"
        yield from _first(totals.missing, verbose)
    yield from _orphan_lines(totals, verbose)


def _failure_line(result: Result) -> str:
    """Why a recording was not kept."""
    test, kept = result.test, result.kept
    if kept and not kept.endswith(".failed"):
        return f"recorded though the test failed, of a limit, as it had no tape: {test}: {kept}"
    if result.left_by:
        why = f"the block was left by {result.left_by} and has a tape"
    else:
        why = result.unwritten or "the test did not pass"
    where = f"; this attempt is kept in {kept}" if kept else ""
    return f"not recorded, as {why}: {test}{where}"


_WAITED_NS = 10**9
_NOBODY = "a command that is replayed listens nowhere and connects to nobody: where a test waits for that"
_LIVE = 'let it run for real, with @pytest.mark.tape(mode="live")'


def _past_tapes_lines(totals: Totals, verbose: bool) -> Iterable[str]:
    if totals.strays:
        yield f"started in C, as by an extension, so on no tape, and real on replay, too: {_LIVE}"
        yield from _first([f"{test}: {stray_names(strays)}" for test, strays in totals.strays], verbose)
    if totals.by_workers:
        yield f"started by workers and forked processes, so on no tape, and refused on replay: {_LIVE}"
        yield from _first(totals.by_workers, verbose)


def _first(told: Sequence[str], verbose: bool) -> Iterable[str]:
    """All of them, indented, or the first few."""
    shown = told if verbose else told[:_FEW]
    yield from (f"  {one}" for one in shown)
    if len(shown) < len(told):
        yield f"  and {len(told) - len(shown)} more (-v shows them)"


def _few(told: Sequence[str], verbose: bool, what: str) -> Iterable[str]:
    """All of them, or the first few, and how many more there are of ``what``."""
    shown = told if verbose else told[:_FEW]
    yield from shown
    if len(shown) < len(told):
        yield f"and {len(told) - len(shown)} more {what} (-v shows them)"


def stray_names(strays: list[str]) -> str:
    """What can be said of processes that C code has started: see :attr:`Result.strays`."""
    names = sorted({one for one in strays if one})
    return ", ".join([*names, "one or more that have ended"] if "" in strays else names)


def _orphan_lines(totals: Totals, verbose: bool) -> Iterable[str]:
    told = [
        f"{count} {what if count == 1 else what + 's'}"
        for count, what in ((len(totals.orphans), "tape"), (totals.orphaned_payloads, "payload"))
        if count
    ]
    if told:
        next_step = "; deleted" if totals.orphans_deleted else "; delete with: pytest --tapes-orphans=delete"
        if totals.orphans_fail:
            next_step = f"; the run fails for them{next_step}"
        yield f"orphaned, no test owns them: {' and '.join(told)}{next_step}"
        yield from _first(totals.orphans, verbose)


def drift_lines(test: str, found: Mapping[str, Any]) -> Iterable[str]:
    """What one finding of --verify-tapes says."""
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
    what = f"{found['file']}: {found['field']}" if found["file"] else found["field"]
    yield f"{found['kind']}: {test}{entry}{command}: {what}{line}"
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
