"""The pytest plugin: options, marker, fixture and hooks. It wires the rooms and decides nothing.

pytest imports this file at every start, taped or not, so it imports only what costs nothing; the rooms
come in with the first tape.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import ProctapeError, UsageError
from .limits import parse_time_limit
from .logfile import LogFile
from .settings import (
    KEYS,
    RECORD_CHOICES,
    Mode,
    Settings,
    check_marker,
    command_line_mode,
    for_test,
    from_ini,
    marker_help,
)

if TYPE_CHECKING:
    from .handle import TapeHandle
    from .run import ItemTape, Run
    from .summary import Totals

EXIT_DRIFT = 8
"""Pytest ends with it where every test has passed and a tool no longer does what its tape says."""
_SETTINGS = pytest.StashKey[Settings]()
_MODE = pytest.StashKey[Mode | None]()
_RUN: pytest.StashKey[Run] = pytest.StashKey()
_LOG: pytest.StashKey[LogFile] = pytest.StashKey()
_TOTALS: pytest.StashKey[Totals] = pytest.StashKey()
_TAPE: pytest.StashKey[ItemTape] = pytest.StashKey()
_BASETEMP: pytest.StashKey[str] = pytest.StashKey()
_REPORT_KEY = "_proctape"


class _RecordTapes(argparse.Action):
    """Collects what ``--record-tapes`` asked for, be it said twice."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:  # noqa: ANN401
        # What argparse itself passes to an action is untyped.
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        _values: object,
        option_string: str | None = None,
    ) -> None:
        said = [*(getattr(namespace, self.dest) or ()), (option_string or "").partition("=")[2] or "all"]
        setattr(namespace, self.dest, said)


# -- options: https://docs.pytest.org/en/stable/reference/reference.html#pytest.hookspec.pytest_addoption


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("tapes", "record and replay of processes (pytest-proctape)")
    # Each spelling is an option of its own: an option with an optional value would swallow the file that
    # comes behind it, as in `pytest --record-tapes tests/test_git.py`.
    group.addoption(
        "--record-tapes",
        *(f"--record-tapes={which}" for which in RECORD_CHOICES),
        action=_RecordTapes,
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
    for key in KEYS:
        if key.ini:
            parser.addini(key.ini_name, key.help, type=key.kind, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Check what was asked for.

    Raises:
        pytest.UsageError: it contradicts itself or is not understood.
    """
    config.addinivalue_line("markers", marker_help())
    ini_file = config.inipath or "the ini file"
    try:
        config.stash[_SETTINGS] = from_ini(_written(config), ini_file)
        _limit_from_command_line(config)
        config.stash[_MODE] = command_line_mode(
            config.getoption("record_tapes") or (),
            config.getoption("replay_tapes"),
            config.getoption("live_tapes"),
            config.getoption("verify_tapes"),
        )
        _begin_log(config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(_Counter(config), "proctape-counter")


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


def _limit_from_command_line(config: pytest.Config) -> None:
    """What a marker is to win over."""
    given = config.getoption("tapes_spawn_timeout")
    if given is not None:
        limit = parse_time_limit(given, "--tapes-spawn-timeout")
        config.stash[_SETTINGS] = replace(config.stash[_SETTINGS], spawn_timeout=limit)


def _written(config: pytest.Config) -> dict[str, object]:
    """The ini file's keys that are ours.

    Raises:
        UsageError: one is not of the type that it must be.
    """
    written = {}
    for key in KEYS:
        try:
            written[key.ini_name] = config.getini(key.ini_name) if key.ini else None
        except (ValueError, pytest.UsageError) as error:
            # It is a UsageError from pytest 9 on.
            told = "; say true or false" if key.kind == "bool" else ""
            file = config.inipath or "the ini file"
            raise UsageError(f"{key.ini_name} in {file}: {error}{told}") from None
    return written


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


# -- a test's life: https://docs.pytest.org/en/stable/reference/reference.html#test-running-runtest-hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Activate the test's tape before anything of the test runs."""
    settings = _settings_of(item)
    if settings is None:
        return (yield)
    active = item.stash[_TAPE] = _run_of(item.config).start(item, settings)
    with active.bound("setup"):
        return (yield)


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
    run = request.config.stash.get(_RUN, None)
    if run is not None and run.item is not None and fixturedef.scope != "function":
        item = request._pyfuncitem
        settings = _settings_of(item) or item.config.stash[_SETTINGS]
        tape = run.start_fixture(_owner_of(fixturedef, request), item, settings)
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
    if fixturedef.argname == "tmp_path_factory":
        request.config.stash[_BASETEMP] = str(result.getbasetemp())
        if run is not None:
            run.add_place("basetemp", request.config.stash[_BASETEMP])
    elif fixturedef.argname == "tmp_path" and run is not None and run.item is not None:
        run.item.session.places.add("tmp", str(result))
    return result


def _owner_of(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> str:
    """What a fixture's tape is named by: where it is set up, its name, its parameter."""
    place = request.node.nodeid
    if len(fixturedef.baseid) > len(place):
        place = fixturedef.baseid
    if "::" not in place and not place.endswith(".py"):
        place = f"{place}/conftest.py" if place else "conftest.py"
    name = f"@{fixturedef.argname}"
    if fixturedef.params is not None:
        value = request.param
        plain = value is None or isinstance(value, str | int | float | bool)
        name += f"[{value if plain else request.param_index}]"  # type: ignore[attr-defined]
    same_name = request._arg2fixturedefs.get(fixturedef.argname) or [fixturedef]
    if same_name[-1] is not fixturedef:
        # Another of its name is nearer to the test, and may ask for this one.
        name += f"@{fixturedef.baseid}"
    return f"{place}::{name}"


def _settings_of(item: pytest.Item) -> Settings | None:
    """The settings of a taped test, ``None`` for one that is not taped.

    Raises:
        UsageError: a marker is not understood.
    """
    run = item.config.stash[_SETTINGS]
    markers = [check_marker(one.args, one.kwargs, item.nodeid) for one in item.iter_markers("tape")]
    if not markers and not run.auto and "tape" not in getattr(item, "fixturenames", ()):
        return None
    return for_test(run, markers, item.config.stash[_MODE])


def _run_of(config: pytest.Config) -> Run:
    run = config.stash.get(_RUN, None)
    if run is None:
        from .run import Run

        directory = config.stash[_SETTINGS].dir
        run = config.stash[_RUN] = Run(
            root=config.rootpath,
            invoked_in=config.invocation_params.dir,
            tapes=Path(config.rootpath, directory),
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
    if active is not None:
        active.note(report)
        if report.when == "teardown":
            results = _run_of(item.config).take_results()
            setattr(report, _REPORT_KEY, [result.as_data() for result in results])
            del item.stash[_TAPE]
    return report


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


class _Counter:
    """Adds up the results, in the process that shows the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the result that came with a report."""
        data = getattr(report, _REPORT_KEY, None)
        if data is None:
            return
        from .summary import Result, Totals

        totals = self._config.stash.setdefault(_TOTALS, Totals())
        for one in data:
            totals.add(Result.from_data(one))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Drift has an exit code of its own, where nothing else went wrong."""
        log = self._config.stash.get(_LOG, None)
        if log is not None and not hasattr(self._config, "workerinput"):
            log.merge()
        totals = self._config.stash.get(_TOTALS, None)
        if totals is not None and totals.drifted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = EXIT_DRIFT

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was replayed and recorded; nothing when no tape was used."""
        totals = self._config.stash.get(_TOTALS, None)
        if not totals or self._config.get_verbosity() < -1 or self._config.getoption("no_summary", False):
            return
        from .summary import lines

        command = shlex.join(["pytest", "--record-tapes=missing"])
        told = list(lines(totals, record_command=command, verbose=self._config.get_verbosity() > 0))
        if self._config.get_verbosity() >= 0:
            terminalreporter.section("tapes", sep="-")
        for line in told:
            terminalreporter.line(line)
