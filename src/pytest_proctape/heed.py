"""What a run does once tapes are its matter: somebody names them, there are some, or a test is taped.

:mod:`.plugin` and :mod:`.watch` call it. No other run imports it, and what it takes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from . import config as config_of
from . import hooks
from .census import Census
from .counting import CENSUS, Counter, conclude, totals_of
from .errors import UsageError
from .kept import (
    ENCLOSING,
    LOG,
    MODE,
    RUN,
    SETTINGS,
    HasHooks,
    inform,
    is_taped,
    keep,
    marks_of,
    rules_of_run,
    settings_of,
)
from .limits import parse_time_limit
from .tapes_only import is_only_tapes


def heed(config: pytest.Config, *, late: bool = False) -> None:
    """Check what is said, and count tests and results from now on; does nothing the second time.

    Args:
        config: of the run.
        late: some of the tests may have been collected already.

    Raises:
        pytest.UsageError: what is said contradicts itself or is not understood.
    """
    if CENSUS in config.stash:
        return
    try:
        understand(config, config.option)
        rules_of_run(config)
        _begin_log(config)
        if config.getoption("tapes_report"):
            from . import tapes_report

            tapes_report.register(config, totals_of)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    enclosing = config.stash[ENCLOSING]
    enclosing.settings, enclosing.mode = config.stash[SETTINGS], config.stash[MODE]
    enclosing.log = config.stash.get(LOG, None)
    inform(config, config.stash.get(RUN, None))
    config.stash[CENSUS] = Census(config, partial=late)
    config.pluginmanager.register(config.stash[CENSUS], "proctape-census")
    config.pluginmanager.register(Counter(config), "proctape-counter")
    config.pluginmanager.register(Heeding(config), "proctape-heeding")


def understand(config: pytest.Config, options: argparse.Namespace) -> None:
    """Keep what was asked for, and declare the hooks that others can implement.

    Raises:
        UsageError: it is not understood.
    """
    _declare_hooks(config.pluginmanager)
    settings, mode = config_of.ini_settings(config), config_of.flag_mode(options)
    if options.tapes_spawn_timeout is not None:
        # A marker wins over it.
        limit = parse_time_limit(options.tapes_spawn_timeout, "--tapes-spawn-timeout")
        settings = settings.but(spawn_timeout=limit)
    keep(config, config_of.with_toolchain(config, settings), mode)


def _declare_hooks(manager: pytest.PytestPluginManager) -> None:
    hook = getattr(manager.hook, hooks.pytest_proctape_loaded.__name__, None)
    # A conftest file that implements it has made one that is not declared.
    if hook is None or not hook.has_spec():
        manager.add_hookspecs(hooks)


def understood(config: pytest.Config) -> bool:
    """The same before pytest is configured; what is wrong is told then."""
    try:
        understand(config, config.known_args_namespace)
    except (UsageError, AttributeError):
        return False
    return True


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


def check(items: Iterable[pytest.Item]) -> None:
    """Check the markers, all of them before anything runs.

    Raises:
        pytest.UsageError: one is not understood.
    """
    for item in items:
        if marks_of(item):
            try:
                settings_of(item)
            except UsageError as error:
                raise pytest.UsageError(str(error)) from None
        if sys.platform == "win32" and is_taped(item):
            raise pytest.UsageError(
                f"{item.nodeid} is taped; pytest-proctape needs POSIX and is not for Windows"
            )


class Heeding(HasHooks):
    """The hooks of a run that is heeded, besides those that count."""

    def __init__(self, config: pytest.Config) -> None:
        """Know where the tapes are."""
        self._tapes = f"{os.path.join(config.rootpath, config.stash[SETTINGS].dir)}{os.sep}"

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Do not look at each tape whether it is a test."""
        path = str(collection_path)
        return True if path.startswith(self._tapes) and is_only_tapes(path) else None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Show progress while recording onto a terminal."""
        config = session.config
        if (config.stash[MODE] or config.stash[SETTINGS].mode) not in {"replay", "live"}:
            from . import progress

            progress.register(config, lambda: config.stash[RUN].running() if RUN in config.stash else None)

    def pytest_report_header(self, config: pytest.Config) -> str | None:
        """With ``-v``: the settings that hold for the run, and where each comes from."""
        if config.get_verbosity() <= 0:
            return None
        return config_of.header(config, config.stash[SETTINGS], config.stash[MODE])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Undo what an interrupt left in place, behind pytest's own finalizers."""
        config = session.config
        run = config.stash.get(RUN, None)
        if run is not None:
            from .undo import to_its_end

            # A second Ctrl-C may come in the middle of it.
            to_its_end(run.abandon)
        results = config.stash[ENCLOSING].take_results()
        if run is not None:
            results += run.take_results() + run.take_outside()
        conclude(session, results, config.stash[SETTINGS])
        log = config.stash.get(LOG, None)
        if log is not None and not hasattr(config, "workerinput"):
            log.merge()
