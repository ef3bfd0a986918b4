"""The pytest plugin: options, marker, fixture and hooks. It wires the rooms and decides nothing.

pytest imports this file at every start, taped or not, so it imports only what costs nothing; the rooms
come in with the first tape.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from . import config as config_of
from . import watch
from .census import Census
from .counting import CENSUS, Counter, conclude, totals_of
from .enclosing import RUNS, Enclosing
from .errors import UsageError
from .fixtures import tape, tape_clock, tape_config
from .kept import (
    ENCLOSING,
    LOG,
    MODE,
    RUN,
    SETTINGS,
    UNMARKED,
    inform,
    keep,
    rules_of_run,
    run_of,
    settings_of,
)
from .limits import parse_time_limit
from .options import pytest_addoption
from .settings import marker_help

__all__ = [
    "pytest_addoption",
    "tape",
    "tape_clock",
    "tape_config",
]
"""What pytest finds here and others have written; the rest of the hooks follows."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others can implement."""
    from . import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Check what was asked for.

    Raises:
        pytest.UsageError: it contradicts itself or is not understood.
    """
    config.addinivalue_line("markers", marker_help())
    try:
        _understand(config, config.option)
        rules_of_run(config)
        _begin_log(config)
        if config.getoption("tapes_report"):
            from . import tapes_report

            tapes_report.register(config, totals_of)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[ENCLOSING] = enclosing = Enclosing(config.stash[SETTINGS], config.stash[MODE])
    enclosing.log = config.stash.get(LOG, None)
    enclosing.expect = lambda: _expect(config)
    inform(config, config.stash.get(RUN, None))
    RUNS.append(enclosing)
    config.stash[CENSUS] = Census(config)
    config.pluginmanager.register(config.stash[CENSUS], "proctape-census")
    config.pluginmanager.register(Counter(config), "proctape-counter")
    watch.begin(config)


def _expect(config: pytest.Config) -> None:
    """A session is about to be made."""
    from . import reporting

    reporting.engage(config)


def _begin_log(config: pytest.Config) -> None:
    """Open the file of ``--tapes-log``.

    Raises:
        UsageError: it can't be written.
    """
    given = config.getoption("tapes_log")
    if not given:
        return
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    # The workers are told the path as it stands here, and may be somewhere else.
    path = config.option.tapes_log = str(config.invocation_params.dir / given)
    from .logfile import LogFile

    log = config.stash[LOG] = LogFile(Path(path), worker)
    if not worker:
        log.begin()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Show progress while recording onto a terminal."""
    config = session.config
    if (config.stash[MODE] or config.stash[SETTINGS].mode) not in {"replay", "live"}:
        from . import progress

        progress.register(config, lambda: config.stash[RUN].running() if RUN in config.stash else None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over, also for ``use_tape``."""
    if ENCLOSING in config.stash:
        RUNS.remove(config.stash[ENCLOSING])


def pytest_report_header(config: pytest.Config) -> str | None:
    """With ``-v``: the settings that hold for the run, and where each comes from."""
    if config.get_verbosity() <= 0:
        return None
    return config_of.header(config, config.stash[SETTINGS], config.stash[MODE])


def _understand(config: pytest.Config, options: argparse.Namespace) -> None:
    """Keep what was asked for.

    Raises:
        UsageError: it is not understood.
    """
    settings, mode = config_of.ini_settings(config), config_of.flag_mode(options)
    if options.tapes_spawn_timeout is not None:
        # A marker wins over it.
        limit = parse_time_limit(options.tapes_spawn_timeout, "--tapes-spawn-timeout")
        settings = settings.but(spawn_timeout=limit)
    keep(config, config_of.with_toolchain(config, settings), mode)


def _understood(config: pytest.Config) -> bool:
    """The same before pytest is configured; what is wrong is told then."""
    try:
        _understand(config, config.known_args_namespace)
    except (UsageError, AttributeError):
        return False
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check the markers, all of them before anything runs.

    Raises:
        pytest.UsageError: one is not understood.
    """
    for item in items:
        try:
            settings = settings_of(item)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        if settings is not None and sys.platform == "win32":
            raise pytest.UsageError(
                f"{item.nodeid} is taped; pytest-proctape needs POSIX and is not for Windows"
            )


# -- collection: https://docs.pytest.org/en/stable/reference/reference.html#collection-hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Give what the first conftest files start while they are imported a tape, where every test is taped."""
    with _collecting(early_config):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """The same for what is started while tests are collected."""
    with _collecting(session.config):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, pytest.CollectReport]:
    """Fail a module whose import diverged from its tape, also where it swallowed the error."""
    run = collector.config.stash.get(RUN, None)
    told = 0 if run is None else run.collecting_errors()
    report: pytest.CollectReport = yield
    run = collector.config.stash.get(RUN, None)
    if run is not None:
        from .collecting import conclude

        conclude(run, report, told)
    return report


def _collecting(config: pytest.Config) -> AbstractContextManager[None]:
    """Around everything that is imported or collected; nothing where tests are taped one by one."""
    if SETTINGS not in config.stash and not _understood(config):
        return nullcontext()
    settings = config.stash[UNMARKED]
    if not settings.auto or settings.mode == "live" or sys.platform == "win32":
        return nullcontext()
    from .collecting import collecting

    return collecting(run_of(config), settings)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Undo what an interrupt left in place, behind pytest's own finalizers."""
    run = session.config.stash.get(RUN, None)
    if run is not None:
        run.abandon()
    results = session.config.stash[ENCLOSING].take_results()
    if run is not None:
        results += run.take_results()
    conclude(session, results, session.config.stash[SETTINGS])
    log = session.config.stash.get(LOG, None)
    if log is not None and not hasattr(session.config, "workerinput"):
        log.merge()
