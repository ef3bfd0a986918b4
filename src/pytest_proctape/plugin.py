"""The pytest plugin: options, marker, fixture and hooks. It wires the rooms and decides nothing.

pytest imports this file at every start, taped or not, so it imports only what costs nothing; the rooms
come in with the first tape.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .census import Census
from .errors import ProctapeError, UsageError
from .settings import (
    KEYS,
    ORPHANS,
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
    from .clock import TapeClock
    from .handle import TapeHandle
    from .portable import Rules
    from .run import ItemTape, Run
    from .summary import Totals

_SETTINGS = pytest.StashKey[Settings]()
_MODE = pytest.StashKey[Mode | None]()
_RUN: pytest.StashKey[Run] = pytest.StashKey()
_TOTALS: pytest.StashKey[Totals] = pytest.StashKey()
_TAPE: pytest.StashKey[ItemTape] = pytest.StashKey()
_CENSUS = pytest.StashKey[Census]()
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
        "--tapes-orphans",
        choices=ORPHANS,
        help="when the whole suite ran, what is done about tapes and payloads that no test owns: report "
        "counts them in the summary, fail also fails the run, delete removes them",
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
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_CENSUS] = Census(config)
    config.pluginmanager.register(config.stash[_CENSUS], "proctape-census")
    config.pluginmanager.register(_Counter(config), "proctape-counter")


def _rules_of(config: pytest.Config) -> Rules | None:
    """The user's rules for what gets onto tapes, ``None`` if there are none.

    Raises:
        UsageError: a line is not understood.
    """
    settings = config.stash[_SETTINGS]
    if not (settings.places or settings.redact or settings.env or settings.keep_unscanned):
        return None
    from .portable import rules_from

    return rules_from(
        settings.places,
        settings.redact,
        settings.env,
        keep_unscanned=settings.keep_unscanned,
        source=str(config.inipath or "the ini file"),
    )


def _understand(config: pytest.Config, options: argparse.Namespace) -> None:
    """Keep what was asked for.

    Raises:
        UsageError: it is not understood.
    """
    settings = from_ini(_written(config), config.inipath or "the ini file")
    mode = command_line_mode(options.record_tapes or (), options.replay_tapes, options.live_tapes)
    config.stash[_SETTINGS], config.stash[_MODE] = settings, mode


def _understood(config: pytest.Config) -> bool:
    """The same before pytest is configured; what is wrong is told then."""
    try:
        _understand(config, config.known_args_namespace)
    except (UsageError, AttributeError):
        return False
    return True


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


# -- a test's life: https://docs.pytest.org/en/stable/reference/reference.html#test-running-runtest-hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Activate the test's tape before anything of the test runs."""
    settings = _settings_of(item)
    if settings is None:
        run = item.config.stash.get(_RUN, None)
        if run is not None:
            run.release()
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


def _owner_of(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> str:
    """What a fixture's tape is named by: where it is set up, its name, its parameter."""
    place = request.node.nodeid
    if len(fixturedef.baseid) > len(place):
        place = fixturedef.baseid
    if "::" not in place and not place.endswith(".py"):
        place = f"{place}/conftest.py" if place else "conftest.py"
    name = f"@{fixturedef.argname}"
    told = []
    if fixturedef.params is not None:
        told = [_told(request.param, request.param_index)]  # type: ignore[attr-defined]
    told += _params_below(fixturedef, request)
    if told:
        name += f"[{'-'.join(told)}]"
    same_name = request._arg2fixturedefs.get(fixturedef.argname) or [fixturedef]
    if same_name[-1] is not fixturedef:
        # Another of its name is nearer to the test, and may ask for this one.
        name += f"@{fixturedef.baseid}"
    return f"{place}::{name}"


def _told(value: object, index: int) -> str:
    plain = value is None or isinstance(value, str | int | float | bool)
    return str(value if plain else index)


def _params_below(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> list[str]:
    """The parameters of fixtures that this one asks for: it is set up anew for each of them."""
    call = getattr(request._pyfuncitem, "callspec", None)
    if call is None:
        return []
    names: list[str] = []
    waiting = list(fixturedef.argnames)
    while waiting:
        name = waiting.pop(0)
        if name not in names and name != fixturedef.argname:
            names.append(name)
            waiting += [
                one for found in request._arg2fixturedefs.get(name, ())[-1:] for one in found.argnames
            ]
    return [_told(call.params[name], call.indices[name]) for name in names if name in call.params]


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
            rules=_rules_of(config),
        )
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
            # pytest keeps every report to its end, so those that tell nothing carry nothing.
            told = [one.as_data() for one in _run_of(item.config).take_results() if one.counts]
            if told:
                setattr(report, _REPORT_KEY, told)
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
        _send_results(session.config, [one.as_data() for one in run.take_results() if one.counts])
    census = session.config.stash[_CENSUS]
    census.conclude(session)
    if not hasattr(session.config, "workeroutput"):
        _look_for_orphans(session, census)


def _send_results(config: pytest.Config, results: list[dict[str, Any]]) -> None:
    """Count what no report of a test has carried; a worker leaves it to the controller."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_REPORT_KEY] = results
    else:
        _count(config, results)


def _count(config: pytest.Config, results: Sequence[Mapping[str, Any]]) -> None:
    if results:
        from .summary import Result, Totals

        totals = config.stash.setdefault(_TOTALS, Totals())
        for one in results:
            totals.add(Result.from_data(one))
            config.stash[_CENSUS].seen.add(one["test"])


def _look_for_orphans(session: pytest.Session, census: Census) -> None:
    """Count the tapes that no test owns, and do with them what was asked for."""
    from .census import take

    config = session.config
    settings = config.stash[_SETTINGS]
    action = config.getoption("tapes_orphans") or settings.orphans
    orphans = take(
        census, session, config.rootpath / settings.dir, action, paths_from=config.invocation_params.dir
    )
    if orphans is not None:
        from .summary import Totals

        totals = config.stash.setdefault(_TOTALS, Totals())
        totals.orphans, totals.orphaned_payloads = orphans.tapes, orphans.payloads
        totals.orphans_deleted = orphans.deleted
        if action == "fail" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


class _Counter:
    """Adds up the results, in the process that shows the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the result that came with a report."""
        _count(self._config, getattr(report, _REPORT_KEY, ()))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401
        """Count what a worker of xdist, whose nodes are untyped, sent along with its end."""
        _count(self._config, (getattr(node, "workeroutput", None) or {}).get(_REPORT_KEY, ()))

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
