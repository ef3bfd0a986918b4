"""The pytest plugin: options, marker, fixture and hooks. It wires the rooms and decides nothing.

pytest imports this file at every start, taped or not, so it imports only what costs nothing; the rooms
come in with the first tape.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import config as config_of
from .census import Census
from .counting import CENSUS, ERROR_KEY, EXIT_DRIFT, Counter, attach_results, conclude, totals_of
from .enclosing import RUNS, Enclosing, rules_of
from .errors import ProctapeError, UsageError
from .fixture_names import owner_of
from .limits import parse_time_limit
from .logfile import LogFile
from .settings import (
    KEYS,
    ORPHANS,
    RECORD_CHOICES,
    Mode,
    Settings,
    TapeConfig,
    check_marker,
    for_test,
    marker_help,
)

if TYPE_CHECKING:
    from .clock import TapeClock
    from .handle import TapeHandle
    from .portable import Rules
    from .run import ItemTape, Run

_SETTINGS = pytest.StashKey[Settings]()
_MODE = pytest.StashKey[Mode | None]()
_ENCLOSING = pytest.StashKey[Enclosing]()
_RUN: pytest.StashKey[Run] = pytest.StashKey()
_LOG: pytest.StashKey[LogFile] = pytest.StashKey()
_TAPE: pytest.StashKey[ItemTape] = pytest.StashKey()
_CONFIG: pytest.StashKey[config_of.ItemConfig] = pytest.StashKey()
_BASETEMP: pytest.StashKey[str] = pytest.StashKey()


# -- options: https://docs.pytest.org/en/stable/reference/reference.html#pytest.hookspec.pytest_addoption


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("tapes", "record and replay of processes (pytest-proctape)")
    # Each spelling is an option of its own: an option with an optional value would swallow the file that
    # comes behind it, as in `pytest --record-tapes tests/test_git.py`.
    group.addoption(
        "--record-tapes",
        *(f"--record-tapes={which}" for which in RECORD_CHOICES),
        action=config_of.RecordTapes,
        help="run the real commands and record them: all (the default) records the selected tests anew; "
        "missing records tests that have no tape and replays the others; new replays what is on the tapes, "
        "and runs and records what is not, in its place",
    )
    group.addoption(
        "--replay-tapes",
        action="store_true",
        help="start no process, replay everything from the tapes (the default)",
    )
    group.addoption(
        "--live-tapes", action="store_true", help="use no tapes: real processes, nothing is written"
    )
    group.addoption(
        "--verify-tapes",
        action="store_true",
        help="run the real commands and hold what they do against the tapes, which stay as they are; where "
        f"that alone differs, the exit code is {EXIT_DRIFT}",
    )
    group.addoption(
        "--tapes-log",
        metavar="FILE",
        help="write a line of JSON for everything that crosses the process boundary; see `proctape compare`",
    )
    group.addoption(
        "--tapes-spawn-timeout",
        metavar="SECONDS",
        help="end a command that runs longer than this while it is recorded; a marker wins over it",
    )
    group.addoption(
        "--tapes-orphans",
        choices=ORPHANS,
        help="when the whole suite ran, what is done about tapes and payloads that no test owns: report "
        "counts them in the summary, fail also fails the run, delete removes them",
    )
    group.addoption(
        "--tapes-report",
        metavar="FILE",
        help="write what became of each tape to FILE, as JSON for tools",
    )
    for key in KEYS:
        if key.ini:
            parser.addini(key.ini_name, key.help, type=key.kind, default=None)


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
        _rules_of(config)
        _begin_log(config)
        if config.getoption("tapes_report"):
            from . import tapes_report

            tapes_report.register(config, totals_of)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_ENCLOSING] = enclosing = Enclosing(config.stash[_SETTINGS], config.stash[_MODE])
    enclosing.log = config.stash.get(_LOG, None)
    RUNS.append(enclosing)
    config.stash[CENSUS] = Census(config)
    config.pluginmanager.register(config.stash[CENSUS], "proctape-census")
    config.pluginmanager.register(Counter(config), "proctape-counter")
    config.pluginmanager.register(_Refuser(), "proctape-refuser")


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
    log = config.stash[_LOG] = LogFile(Path(path), worker)
    if not worker:
        log.begin()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Show progress while recording onto a terminal."""
    config = session.config
    if (config.stash[_MODE] or config.stash[_SETTINGS].mode) not in {"replay", "live"}:
        from . import progress

        progress.register(config, lambda: config.stash[_RUN].running() if _RUN in config.stash else None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over, also for ``use_tape``."""
    if _ENCLOSING in config.stash:
        RUNS.remove(config.stash[_ENCLOSING])


def pytest_report_header(config: pytest.Config) -> str | None:
    """With ``-v``: the settings that hold for the run, and where each comes from."""
    if config.get_verbosity() <= 0:
        return None
    return config_of.header(config, config.stash[_SETTINGS], config.stash[_MODE])


def _understand(config: pytest.Config, options: argparse.Namespace) -> None:
    """Keep what was asked for.

    Raises:
        UsageError: it is not understood.
    """
    settings, mode = config_of.ini_settings(config), config_of.flag_mode(options)
    if options.tapes_spawn_timeout is not None:
        # A marker wins over it.
        limit = parse_time_limit(options.tapes_spawn_timeout, "--tapes-spawn-timeout")
        settings = replace(settings, spawn_timeout=limit)
    settings = config_of.with_toolchain(config, settings)
    config.stash[_SETTINGS], config.stash[_MODE] = settings, mode


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
            settings = _settings_of(item)
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
    run = collector.config.stash.get(_RUN, None)
    told = 0 if run is None else run.collecting_errors()
    report: pytest.CollectReport = yield
    run = collector.config.stash.get(_RUN, None)
    if run is not None:
        from .collecting import conclude

        conclude(run, report, told)
    return report


def _collecting(config: pytest.Config) -> AbstractContextManager[None]:
    """Around everything that is imported or collected; nothing where tests are taped one by one."""
    if _SETTINGS not in config.stash and not _understood(config):
        return nullcontext()
    settings = for_test(config.stash[_SETTINGS], (), config.stash[_MODE])
    if not settings.auto or settings.mode == "live" or sys.platform == "win32":
        return nullcontext()
    from .collecting import collecting

    return collecting(_run_of(config), settings)


# -- fixture -----------------------------------------------------------------------------------


@pytest.fixture
def tape(request: pytest.FixtureRequest) -> TapeHandle:
    """The tape of this test: its processes are replayed from it, or recorded onto it.

    Gives a ``pytest_proctape.TapeHandle`` with ``mode``, ``path``, ``entries`` and ``spawns``.
    """
    active: ItemTape | None = request.node.stash.get(_TAPE, None)
    if active is None:
        raise UsageError(
            f"{request.node.nodeid} asks for the fixture `tape` while it runs, when processes could have "
            "been started already: name `tape` among its arguments, or mark it with @pytest.mark.tape"
        )
    return active.handle


@pytest.fixture
def tape_clock(request: pytest.FixtureRequest, tape: TapeHandle) -> TapeClock:  # noqa: ARG001 - it is taped
    """A frozen clock that starts where the recording did, and moves by what the test waits for.

    ``time`` and ``datetime`` show it. Waiting for a replayed command, ``time.sleep``, timers of threads and
    event loops take no time but move it. Gives a ``pytest_proctape.TapeClock`` with ``now``,
    ``advance(seconds)`` and ``sleeps``.
    """
    active: ItemTape = request.node.stash[_TAPE]
    clock = active.clock
    if clock is None:
        raise UsageError(
            f"{request.node.nodeid} asks for the fixture `tape_clock` while it runs, when it may have looked "
            "at the time already: name `tape_clock` among its arguments, or mark it with "
            "@pytest.mark.tape(clock=True)"
        )
    return clock


@pytest.fixture(scope="session")
def tape_config() -> TapeConfig:
    """Settings of the taped tests of a directory; define it in a conftest.py to give them.

    Gives a dict of what ``@pytest.mark.tape`` takes, as in ``return {"mode": "live"}``. The nearest
    definition counts; the marker and the command line win over it, and it wins over the ini file. It may be
    of any scope and is asked for before all other fixtures. What it starts is on a tape of its own, as for
    any fixture of wider scope.
    """
    return {}


# -- a test's life: https://docs.pytest.org/en/stable/reference/reference.html#test-running-runtest-hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Activate the test's tape before anything of the test runs."""
    if _settings_of(item) is None:
        run = item.config.stash.get(_RUN, None)
        if run is not None:
            run.release()
        return (yield)
    item.stash[_CONFIG] = config = config_of.ItemConfig(item)
    with config.setup:
        if config.known:
            try:
                _begin(item)
            except UsageError as error:
                # Other plugins have to see the setup begin, so it is raised inside of it.
                config.refused = error
        result = yield
        if _TAPE not in item.stash:
            raise UsageError(f"{item.nodeid}: another plugin has kept `tape_config` from being set up")
        return result


def _begin(item: pytest.Item) -> None:
    """Activate the test's tape, for the rest of its setup to begin with.

    Raises:
        UsageError: what ``tape_config`` gives is not understood.
    """
    config = item.stash[_CONFIG]
    settings = _settings_of(item, config.asked())
    assert settings is not None
    active = item.stash[_TAPE] = _run_of(item.config).start(item, settings)
    config.setup.enter_context(active.bound("setup"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that diverged from its tape, also when the code under test swallowed the error."""
    active = item.stash.get(_TAPE, None)
    if active is None:
        return (yield)
    with active.call(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """End the tape after everything of the test has run."""
    active = item.stash.get(_TAPE, None)
    if active is None:
        return (yield)
    with active.teardown():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Give a fixture of wider scope a tape of its own: it must not matter which test uses it first."""
    item = request._pyfuncitem
    # What `tape_config` starts, or a fixture that it asks for, comes before the test's tape begins.
    waits = _CONFIG in item.stash and _TAPE not in item.stash
    run = _run_of(request.config) if waits else request.config.stash.get(_RUN, None)
    if run is not None and (waits or run.item is not None) and fixturedef.scope != "function":
        settings = _settings_of(item) or item.config.stash[_SETTINGS]
        tape = run.start_fixture(owner_of(fixturedef, request), item, settings)
        before, after = tape.finalizers()
        # Finalizers run in the opposite order, so these two enclose the fixture's own.
        fixturedef.addfinalizer(after)
        try:
            with tape.setup():
                result = yield
        finally:
            fixturedef.addfinalizer(before)
    else:
        result = yield
    if waits and fixturedef is item.stash[_CONFIG].fixturedef:
        _begin(item)
    if fixturedef.argname == "tmp_path_factory":
        _watch_directories_of(result, request.config)
        request.config.stash[_BASETEMP] = str(result.getbasetemp())
        if run is not None:
            run.add_place("basetemp", request.config.stash[_BASETEMP])
    elif fixturedef.argname == "tmp_path" and run is not None and run.item is not None:
        run.item.session.places.add("tmp", str(result))
    return result


def _watch_directories_of(factory: pytest.TempPathFactory, config: pytest.Config) -> None:
    """Let the tapes in use know of every directory that ``factory`` makes; ``tmp_path`` is one of them."""
    make = factory.mktemp

    def mktemp(basename: str, numbered: bool = True) -> Path:
        path = make(basename, numbered=numbered)
        run = config.stash.get(_RUN, None)
        if run is not None:
            run.add_root(str(path))
        return path

    factory.mktemp = mktemp  # type: ignore[method-assign]


def _settings_of(item: pytest.Item, config: Mapping[str, object] | None = None) -> Settings | None:
    """The settings of a taped test, ``None`` for one that is not taped.

    Args:
        item: the test.
        config: what ``tape_config`` gives, once that is known.

    Raises:
        UsageError: a marker is not understood.
    """
    run = item.config.stash[_SETTINGS]
    markers = [check_marker(one.args, one.kwargs, item.nodeid) for one in item.iter_markers("tape")]
    if not markers and not run.auto and "tape" not in getattr(item, "fixturenames", ()):
        return None
    return for_test(run, [*markers, config or {}], item.config.stash[_MODE])


def _rules_of(config: pytest.Config) -> Rules | None:
    return rules_of(config.stash[_SETTINGS], str(config.inipath or "the ini file"))


def _run_of(config: pytest.Config) -> Run:
    run = config.stash.get(_RUN, None)
    if run is None:
        from .run import Run

        directory = config.stash[_SETTINGS].dir
        run = config.stash[_RUN] = Run(
            root=config.rootpath,
            invoked_in=config.invocation_params.dir,
            tapes=Path(config.rootpath, directory),
            rules=_rules_of(config),
            threshold=config.stash[_SETTINGS].payload_threshold,
        )
        run.log = config.stash.get(_LOG, None)
        if _BASETEMP in config.stash:
            run.add_place("basetemp", config.stash[_BASETEMP])
    return run


# -- reports: https://docs.pytest.org/en/stable/reference/reference.html#reporting-hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error of ours as one, and send the counts along."""
    active = item.stash.get(_TAPE, None)
    raised = call.excinfo
    report = yield
    # pytest's own unittest plugin puts another exception in its place.
    errors = (_ours(info.value) for info in (raised, call.excinfo) if info is not None)
    error = next((one for one in errors if one is not None), None)
    if error is not None:
        from .failure import shown

        # An expected failure is one of the code under test, not that its tape is wrong.
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)
        report.longrepr = shown(item, error)
        setattr(report, ERROR_KEY, True)
    if active is not None:
        active.note(report)
        if report.failed:
            from .failure import add_section

            add_section(report, active.session, error, raised.value if raised is not None else None)
            if error is None and raised is not None:
                from .gone import lead

                lead(report, active.session, raised.value)
    if report.when == "teardown":
        _send_results(item, report)
    return report


def _send_results(item: pytest.Item, report: pytest.TestReport) -> None:
    """Let the results of tapes that have ended travel with a test's last report."""
    results = item.config.stash[_ENCLOSING].take_results()
    run = item.config.stash.get(_RUN, None)
    if run is not None:
        # That of a fixture may come with a test that is not taped itself.
        results += run.take_results()
    if _TAPE in item.stash:
        del item.stash[_TAPE]
    if _CONFIG in item.stash:
        del item.stash[_CONFIG]
    attach_results(report, results, every=bool(item.config.getoption("tapes_report")))


def _ours(error: BaseException) -> ProctapeError | None:
    """The error of ours that ``error`` is, or a group of; pytest groups what finalizers raise, one twice."""
    leaves = [error]
    while any(isinstance(leaf, BaseExceptionGroup) for leaf in leaves):
        leaves = [one for leaf in leaves for one in getattr(leaf, "exceptions", (leaf,))]
    same = all(leaf is leaves[0] for leaf in leaves)
    return leaves[0] if same and isinstance(leaves[0], ProctapeError) else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Undo what an interrupt left in place, behind pytest's own finalizers."""
    run = session.config.stash.get(_RUN, None)
    if run is not None:
        run.abandon()
    results = session.config.stash[_ENCLOSING].take_results()
    if run is not None:
        results += run.take_results()
    conclude(session, results, session.config.stash[_SETTINGS])
    log = session.config.stash.get(_LOG, None)
    if log is not None and not hasattr(session.config, "workerinput"):
        log.merge()


class _Refuser:
    """Raises what was refused before a test's setup, inside of it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tell what is wrong with the configuration of a test, inside of its setup."""
        __tracebackhide__ = True
        config = item.stash.get(_CONFIG, None)
        if config is not None and config.refused is not None:
            raise config.refused
