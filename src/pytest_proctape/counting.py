"""The results of a run, added up where the summary is shown, and the tapes that nobody owns looked for.

Results travel with a test's last report, as workers' do; what no report has carried goes with a worker's
end. The plugin registers :class:`Counter`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pytest

from . import report_keys
from .kept import MODE, SETTINGS, HasHooks
from .keys import EXIT_DRIFT

if TYPE_CHECKING:
    from .census import Census
    from .settings import Settings
    from .summary import Result, Totals

_OUTPUT_KEY = report_keys.RESULTS
_TOTALS: pytest.StashKey[Totals] = pytest.StashKey()
CENSUS: pytest.StashKey[Census] = pytest.StashKey()


_RECORDS = frozenset({"record", "missing", "new"})
_NOTHING = "nothing was recorded: no taped test has started a process"
_UNTAPED = (
    "tests are taped that ask for the fixture `tape` or are marked with @pytest.mark.tape;",
    "tapes_auto = true in the ini file, or `-o tapes_auto=true`, tapes all of them",
)


def totals_of(config: pytest.Config) -> Totals:
    """The sums of the run so far."""
    if _TOTALS not in config.stash:
        from .summary import Totals

        config.stash[_TOTALS] = Totals()
    return config.stash[_TOTALS]


def attach_results(report: pytest.TestReport, results: Iterable[Result], *, every: bool) -> None:
    """Let ``results`` travel with ``report``.

    pytest keeps every report to its end, so one that tells nothing carries nothing.

    Args:
        report: the last of a test.
        results: of the tapes that have ended with it.
        every: also those that tell nothing: ``--tapes-report`` lists them.
    """
    told = [one for one in results if every or one.counts]
    if told:
        from .summary import attach

        attach(report, told)


def conclude(session: pytest.Session, results: Iterable[Result], settings: Settings) -> None:
    """The session is over: count what no report of a test has carried, and look for orphans."""
    config = session.config
    left = [one for one in results if one.counts]
    census = config.stash[CENSUS]
    census.conclude(session)
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT_KEY] = [one.as_data() for one in left]
        return
    _count(config, left)
    _look_for_orphans(session, census, settings)
    if _TOTALS in config.stash and totals_of(config).drifted and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = EXIT_DRIFT


def _count(config: pytest.Config, results: Iterable[Result], *, again: bool = False) -> None:
    for one in results:
        totals_of(config).add(one, again=again)
        config.stash[CENSUS].seen.add(one.test)


def _look_for_orphans(session: pytest.Session, census: Census, settings: Settings) -> None:
    """Count the tapes that no test owns, and do with them what was asked for."""
    from .census import take

    config = session.config
    action = config.getoption("tapes_orphans") or settings.orphans
    orphans = take(
        census, session, config.rootpath / settings.dir, action, paths_from=config.invocation_params.dir
    )
    if orphans is not None:
        totals = totals_of(config)
        totals.orphans, totals.orphaned_payloads = orphans.tapes, orphans.payloads
        totals.orphans_deleted = orphans.deleted
        totals.orphans_fail = action == "fail"
        if action == "fail" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


_RECEIVER = "proctape-receiver"
_FROM_FORKS: WeakSet[pytest.Config] = WeakSet()


def receive(config: pytest.Config) -> None:
    """From now on reports may carry something; does nothing the second time."""
    _FROM_FORKS.discard(config)
    if not config.pluginmanager.hasplugin(_RECEIVER):
        config.pluginmanager.register(Receiver(config), _RECEIVER)


def receive_from_forks(config: pytest.Config) -> None:
    """The same once this process forks: where tests run in forked ones, nothing else happens here."""
    _FROM_FORKS.add(config)


def _before_fork() -> None:
    for config in tuple(_FROM_FORKS):
        receive(config)


os.register_at_fork(before=_before_fork)


class Receiver(HasHooks):
    """Takes what comes with reports, in the process that shows the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._again: set[str] = set()
        """Tests whose attempt is not their last: so say plugins that run a failed test anew."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the results that came with a report, and give it its colours."""
        if hasattr(report, report_keys.ERROR) and not hasattr(self._config, "workerinput"):
            from .markup import mark_up

            mark_up(report)
        # A plugin's outcome, which pytest itself does not have.
        outcome: str = report.outcome
        if outcome == "rerun":
            self._again.add(report.nodeid)
        if hasattr(report, report_keys.RESULTS):
            from .summary import results_of

            _count(self._config, results_of(report), again=report.nodeid in self._again)
        if report.when == "teardown":
            self._again.discard(report.nodeid)


class Counter(HasHooks):
    """Adds up the results, in the process that shows the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401
        """Count what a worker of xdist, whose nodes are untyped, sent along with its end."""
        from .summary import Result

        sent = (getattr(node, "workeroutput", None) or {}).get(_OUTPUT_KEY, ())
        _count(self._config, map(Result.from_data, sent))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was replayed and recorded; nothing when no tape was used, unless one was to be made."""
        totals = self._config.stash.get(_TOTALS, None)
        if self._config.get_verbosity() < -1 or self._config.getoption("no_summary", False):
            return
        if totals:
            from .summary import lines

            command = shlex.join(["pytest", "--record-tapes=missing"])
            told = list(lines(totals, record_command=command, verbose=self._config.get_verbosity() > 0))
        elif self._config.stash[MODE] in _RECORDS and terminalreporter.stats.get("passed"):
            told = [_NOTHING] if self._config.stash[SETTINGS].auto else [_NOTHING, *_UNTAPED]
        else:
            return
        if self._config.get_verbosity() >= 0:
            terminalreporter.section("tapes", sep="-")
        for line in told:
            terminalreporter.line(line)
