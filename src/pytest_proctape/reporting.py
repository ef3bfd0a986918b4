"""The hooks of a test's reports: an error of ours is shown as one, and the counts travel along.

They run three times for each test and have nothing to do before a session is made, so :func:`engage` brings
them in with the first one.

https://docs.pytest.org/en/stable/reference/reference.html#reporting-hooks
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import pytest

from . import parted, report_keys
from .counting import attach_results, receive
from .errors import ProctapeError
from .kept import CONFIG, ENCLOSING, RUN, TAPE, HasHooks, is_meant_to_be_live

_NAME = "proctape-reporter"
_ENGAGING = threading.RLock()
"""The first session may be made by a thread of the test."""


def engage(config: pytest.Config) -> None:
    """From now on there may be something to tell of a test; does nothing the second time."""
    if not config.pluginmanager.hasplugin(_NAME):
        with _ENGAGING:
            if not config.pluginmanager.hasplugin(_NAME):
                receive(config)
                config.pluginmanager.register(Reporter(), _NAME)


class Reporter(HasHooks):
    """The hooks of one run."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show an error of ours as one, and send the counts along."""
        active = item.stash.get(TAPE, None)
        raised = call.excinfo
        if raised is not None and isinstance(raised.value, ProctapeError):
            from .failure import told_by_pytest

            with told_by_pytest(raised):
                report = yield
        else:
            report = yield
        if raised is call.excinfo is None and not report.failed:
            if active is not None:
                active.note(report)
            if report.when == "teardown":
                _send_results(item, report)
            return report
        # pytest's own unittest plugin puts another exception in its place.
        errors = (_ours(info.value) for info in (raised, call.excinfo) if info is not None)
        error = next((one for one in errors if one is not None), None)
        if error is not None:
            from .failure import shown

            # An expected failure is one of the code under test, not that its tape is wrong.
            report.outcome = "failed"
            vars(report).pop("wasxfail", None)
            report.longrepr = shown(item, error)
            setattr(report, report_keys.ERROR, True)
        if active is not None:
            active.note(report)
            if report.failed and active.awake is not None:
                from .failure import add_section

                add_section(report, active.awake, error, raised.value if raised is not None else None)
                if error is None and raised is not None:
                    from .gone import lead

                    lead(report, active.awake.session, raised.value)
            if report.failed and error is None:
                parted.tell(report, item.config)
        if report.when == "teardown":
            _send_results(item, report)
        return report


def _send_results(item: pytest.Item, report: pytest.TestReport) -> None:
    """Let the results of tapes that have ended travel with a test's last report."""
    results = item.config.stash[ENCLOSING].take_results()
    run = item.config.stash.get(RUN, None)
    if run is not None and run.results:
        # That of a fixture may come with a test that is not taped itself.
        results += run.take_results()
    if TAPE in item.stash:
        del item.stash[TAPE]
    if CONFIG in item.stash:
        del item.stash[CONFIG]
    if any(one.strays or one.by_workers for one in results) and is_meant_to_be_live(item):
        # Whoever records it all the same knows what it does.
        for one in results:
            one.strays, one.by_workers = [], False
    if results:
        parted.note(item.config, results)
        attach_results(report, results, every=bool(item.config.getoption("tapes_report")))


def _ours(error: BaseException) -> ProctapeError | None:
    """The error of ours that ``error`` is, or a group of; pytest groups what finalizers raise, one twice."""
    leaves = [error]
    while any(isinstance(leaf, BaseExceptionGroup) for leaf in leaves):
        leaves = [one for leaf in leaves for one in getattr(leaf, "exceptions", (leaf,))]
    same = all(leaf is leaves[0] for leaf in leaves)
    return leaves[0] if same and isinstance(leaves[0], ProctapeError) else None
