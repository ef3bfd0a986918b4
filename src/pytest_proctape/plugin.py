"""The pytest plugin: options, marker, fixtures and hooks. It wires the rooms and decides nothing.

pytest imports this file at every start, taped or not, so it imports only what costs nothing. Where nobody
names tapes and there are none, what else the plugin does comes with the first taped test (:mod:`.heed`,
:mod:`.watch`), and the rooms come in with it; else they come before all that is the user's (:mod:`.lasting`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from .clock import TapeClock
    from .handle import TapeHandle
    from .tape_config import TapeConfig


# -- start -------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare options and ini keys."""
    # Asserts are rewritten in all of a plugin's package: for each import of ours two files would be looked
    # up, read and hashed, and nobody has to see what our own asserts compare. Pytest has no way to say so.
    getattr(pluginmanager.rewrite_hook, "_must_rewrite", set()).discard(__package__)
    from . import options

    options.declare(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Check what was asked for.

    Raises:
        pytest.UsageError: it contradicts itself or is not understood.
    """
    from .enclosing import RUNS, Enclosing
    from .kept import ENCLOSING
    from .keys import marker_help

    config.addinivalue_line("markers", marker_help())
    config.stash[ENCLOSING] = enclosing = Enclosing(lambda: _expect(config))
    RUNS.append(enclosing)
    if _matters(config):
        _heed(config)


def _heed(config: pytest.Config, *, late: bool = False) -> ModuleType:
    """Heed the run; who does it."""
    from .direct import directly

    with directly():
        from . import heed
    heed.heed(config, late=late)
    return heed


def _matters(config: pytest.Config) -> bool:
    """Whether there is anything to heed before a test is known to be taped."""
    return (
        _expects_tapes(config, config.option)
        or _implements(config)
        # The header tells of the settings.
        or config.get_verbosity() > 0
    )


def _expects_tapes(config: pytest.Config, options: argparse.Namespace) -> bool:
    """Whether somebody names tapes, or there are some."""
    from .keys import DIRECTORY
    from .options import are_used

    return are_used(config, options) or os.path.isdir(config.rootpath / DIRECTORY)


def _implements(config: pytest.Config) -> bool:
    """Whether anybody implements one of our hooks; only :mod:`.heed` declares them."""
    return any(name.startswith("pytest_proctape_") for name in vars(config.pluginmanager.hook))


def _expect(config: pytest.Config) -> None:
    """A session is about to be made."""
    from . import reporting
    from .heed import heed

    heed(config, late=True)
    reporting.engage(config)


def _heeds(config: pytest.Config) -> bool:
    """Whether tapes are a matter of this run."""
    from .kept import SETTINGS

    return SETTINGS in config.stash


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist's nodes are untyped
    """There are workers of xdist: only they know whether a test is taped."""
    from .counting import receive
    from .heed import heed

    heed(node.config)
    receive(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over, also for ``use_tape``."""
    from .enclosing import RUNS
    from .kept import ENCLOSING

    if ENCLOSING in config.stash:
        RUNS.remove(config.stash[ENCLOSING])


# -- fixtures ----------------------------------------------------------------------------------


@pytest.fixture
def tape(request: pytest.FixtureRequest) -> TapeHandle:
    """The tape of this test: its processes are replayed from it, or recorded onto it.

    Gives a ``pytest_proctape.TapeHandle`` with ``mode``, ``path``, ``entries`` and ``spawns``.
    """
    from .kept import ENCLOSING, TAPE

    active = request.node.stash.get(TAPE, None)
    if active is None:
        request.config.stash[ENCLOSING].expect()
        from .errors import UsageError

        raise UsageError(
            f"{request.node.nodeid} asks for the fixture `tape` while it runs, when processes could have "
            "been started already: name `tape` among its arguments, or mark it with @pytest.mark.tape"
        )
    handle: TapeHandle = active.handle
    return handle


@pytest.fixture
def tape_clock(request: pytest.FixtureRequest, tape: TapeHandle) -> TapeClock:  # noqa: ARG001 - it is taped
    """A frozen clock that starts where the recording did, and moves by what the test waits for.

    ``time`` and ``datetime`` show it. Waiting for a replayed command, ``time.sleep``, timers of threads and
    event loops take no time but move it. Gives a ``pytest_proctape.TapeClock`` with ``now``,
    ``advance(seconds)`` and ``sleeps``.
    """
    from .kept import ENCLOSING, TAPE

    clock: TapeClock | None = request.node.stash[TAPE].clock
    if clock is None:
        request.config.stash[ENCLOSING].expect()
        from .errors import UsageError

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


# -- collection: https://docs.pytest.org/en/stable/reference/reference.html#collection-hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Give what the first conftest files start while they are imported a tape, where every test is taped."""
    options = early_config.known_args_namespace
    if not options.collectonly and _expects_tapes(early_config, options):
        from .lasting import put_aside

        put_aside()
    with _collecting(early_config):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """The same for what is started while tests are collected."""
    if _implements(session.config):
        # Pytest is going to refuse hooks that nobody has declared.
        from .heed import heed

        heed(session.config)
    with _collecting(session.config):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, pytest.CollectReport]:
    """Fail a module whose import diverged from its tape, also where it swallowed the error."""
    from .kept import RUN

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
    from .kept import UNMARKED, run_of

    if not _heeds(config):
        from .options import are_used

        if not are_used(config, config.known_args_namespace):
            return nullcontext()
        from .direct import directly

        with directly():
            from .heed import understood
        if not understood(config):
            return nullcontext()
    settings = config.stash[UNMARKED]
    if not settings.auto or settings.mode == "live" or sys.platform == "win32":
        return nullcontext()
    from .direct import directly

    with directly():
        from .collecting import collecting

    return collecting(run_of(config), settings)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the markers, all of them before anything runs.

    Raises:
        pytest.UsageError: one is not understood.
    """
    from .kept import is_taped

    if _heeds(config) or any(map(is_taped, items)):
        _heed(config, late=True).check(items)


# -- the run -----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    """Have the hooks of a test's life, where one of the tests is taped."""
    from .watch import begin

    begin(session)
    return (yield)
