"""``--tapes-report=FILE``: what became of each tape, as JSON for tools.

The plugin registers a :class:`TapesReport` in the process that sees all reports, so under xdist in the
controller. Each tape is written as soon as its test is over, to a file beside ``FILE`` that takes its place
at the end: nothing is kept in memory, and ``FILE`` is old or new, never half. Its form is told in
docs/tapes-report.schema.json.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

import pytest

from .clock import REAL
from .errors import UsageError
from .summary import Result, Totals, results_of

VERSION = 1


TotalsOf = Callable[[pytest.Config], Totals]


def register(config: pytest.Config, totals_of: TotalsOf) -> None:
    """Write the report that the command line asks for, unless nothing is run, or not by this process.

    Raises:
        UsageError: it can't be written.
    """
    if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
        path = Path(config.invocation_params.dir, config.getoption("tapes_report"))
        config.pluginmanager.register(TapesReport(path, totals_of), "proctape-report")


class TapesReport:
    """The report of one run."""

    def __init__(self, path: Path, totals_of: TotalsOf) -> None:
        """Begin the file.

        Args:
            path: where it is to be at the end.
            totals_of: the sums of the run.

        Raises:
            UsageError: there can't be a file.
        """
        self.path = path
        self._totals_of = totals_of
        self._outcomes: dict[str, str] = {}
        self._count = 0
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = open(self._temporary, "w", encoding="utf-8")  # noqa: SIM115 - open for the run
        except OSError as error:
            raise UsageError(f"--tapes-report={path} can't be written: {error.strerror}") from None
        self._file.write(f'{{"version": {VERSION}, "created": {json.dumps(_now())}, "tapes": [')

    def add(self, result: Result, test_outcome: str) -> None:
        """Write what became of one tape."""
        self._file.write(",\n" if self._count else "\n")
        self._file.write(json.dumps(_told(result, test_outcome)))
        self._count += 1

    def finish(self, totals: Totals) -> None:
        """Put the file into its place."""
        self._file.write(f'\n], "orphans": {json.dumps(totals.orphans)}')
        self._file.write(f', "totals": {json.dumps(_sums(totals))}}}\n')
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self.path)

    def discard(self) -> None:
        """The run ended before its end: what was there before stays."""
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            self._temporary.unlink()

    # -- hooks ---------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a phase, and write the tapes of a test behind its last."""
        so_far = self._outcomes.get(report.nodeid, "passed")
        if so_far == "passed":
            self._outcomes[report.nodeid] = so_far = _outcome(report)
        if report.when == "teardown":
            del self._outcomes[report.nodeid]
            for result in results_of(report):
                self.add(result, so_far)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the sums, when everybody has counted."""
        yield
        self.finish(self._totals_of(session.config))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the file is, as pytest does of its own."""
        terminalreporter.write_sep("-", f"tapes report: {self.path}")

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind where the run was broken off."""
        if not self._file.closed:
            self.discard()


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    return "error" if report.failed and report.when != "call" else report.outcome


def _told(result: Result, test_outcome: str) -> dict[str, Any]:
    return {
        "kind": "use_tape" if result.block else "fixture" if result.fixture else "test",
        "test": result.test,
        "test_outcome": test_outcome if not (result.block or result.fixture) else None,
        "tape": result.path or None,
        "mode": result.mode,
        "outcome": result.kind,
        "entries": result.entries,
        "spawns": {"replayed": result.replayed, "virtual": result.virtual, "real": result.real},
        "process_ms": _ms(result.process_ns),
        "test_ms": _ms(result.test_ns),
        "errors": result.errors,
        "drift": result.drift,
        "leaked": result.leaked,
        "strays": result.strays,
    }


def _sums(totals: Totals) -> dict[str, Any]:
    return {
        "tests": totals.tests,
        "fixtures": totals.fixtures,
        "use_tape": totals.blocks,
        "spawns": totals.spawns,
        "missing": len(totals.missing),
        "drift": sum(one["kind"] != "skipped" for _, one in totals.drift),
        "orphaned": len(totals.orphans),
        "orphaned_payloads": totals.orphaned_payloads,
        "process_ms": _ms(totals.process_ns),
        "test_ms": _ms(totals.test_ns),
        "saved_ms": _ms(totals.saved_ns),
    }


def _ms(ns: int) -> float:
    return ns / 1e6


def _now() -> str:
    # Where no tape has been active, that room is not loaded yet.
    from .tape import second_of

    return second_of(REAL.time_ns())
