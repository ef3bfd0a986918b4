"""The hooks of a test's life: its tape begins with its setup and ends with its teardown.

:mod:`.watch` brings them in where there is a taped test. They run three times for each test of a suite, so
what is known to be nothing is not done.

https://docs.pytest.org/en/stable/reference/reference.html#test-running-runtest-hooks
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import reporting
from .config import ItemConfig, has_config
from .errors import UsageError
from .kept import (
    BASETEMP,
    CONFIG,
    RUN,
    SETTINGS,
    TAPE,
    UNMARKED,
    HasHooks,
    marks_of,
    run_of,
    settings_of,
)

if TYPE_CHECKING:
    from .item_tape import ItemTape
    from .quiet import QuietTape
    from .run import Run


class Life(HasHooks):
    """The hooks of one run.

    What pytest keeps for us is asked for once a test, or once for all the tests of one parent: it is kept
    here, too.
    """

    def __init__(self, config: pytest.Config) -> None:
        unmarked = config.stash[UNMARKED]
        self._unmarked = unmarked if unmarked.auto else None
        self._run: Run | None = None
        self._item: pytest.Item | None = None
        self._tape: ItemTape | QuietTape | None = None
        self._parent: pytest.Item | pytest.Collector | None = None
        self._plain = self._configured = False

    def _look_at(self, item: pytest.Item) -> None:
        """A test of another parent than the last one's."""
        parent = self._parent = item.parent
        # Only a marker at a test itself makes it other than that.
        self._plain = self._unmarked is not None and not marks_of(parent)
        self._configured = has_config(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Activate the test's tape before anything of the test runs."""
        if item.parent is not self._parent:
            self._look_at(item)
        try:
            settings = self._unmarked if self._plain and not item.own_markers else settings_of(item)
        except UsageError:
            reporting.engage(item.config)
            raise
        if settings is None:
            run = item.config.stash.get(RUN, None)
            if run is not None:
                run.release()
            return (yield)
        if self._configured:
            return (yield from _configured_setup(item))
        run = self._run
        if run is None:
            run = self._run = run_of(item.config)
        tape = item.stash[TAPE] = run.start(item, settings)
        self._item, self._tape = item, tape
        with tape.bound("setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that diverged from its tape, also when the code under test swallowed the error."""
        # Another plugin may run several tests at once.
        tape = self._tape if item is self._item else item.stash.get(TAPE, None)
        if tape is None:
            return (yield)
        with tape.call(item):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """End the tape after everything of the test has run."""
        tape = self._tape if item is self._item else item.stash.get(TAPE, None)
        self._item = self._tape = None
        if tape is None:
            return (yield)
        try:
            with tape.teardown():
                return (yield)
        finally:
            if tape.awake is None:
                # Nobody else is going to ask for it.
                del item.stash[TAPE]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Give a fixture of wider scope a tape of its own: it must not matter which test uses it first."""
        item = request._pyfuncitem
        # What `tape_config` starts, or a fixture that it asks for, comes before the test's tape begins.
        waits = CONFIG in item.stash and TAPE not in item.stash
        run = run_of(request.config) if waits else request.config.stash.get(RUN, None)
        if run is not None and (waits or run.item is not None) and fixturedef.scope != "function":
            from .fixture_names import owner_of

            settings = settings_of(item) or item.config.stash[SETTINGS]
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
        if waits and fixturedef is item.stash[CONFIG].fixturedef:
            _begin(item)
        if fixturedef.argname == "tmp_path_factory":
            _watch_directories_of(result, request.config)
            request.config.stash[BASETEMP] = str(result.getbasetemp())
            if run is not None:
                run.add_place("basetemp", request.config.stash[BASETEMP])
        elif fixturedef.argname == "tmp_path" and run is not None and run.item is not None:
            run.item.add_place("tmp", str(result))
        return result


def _configured_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """The setup of a test for which somebody defines the fixture ``tape_config``."""
    # It may be refused, and is forgotten with the report of the teardown.
    reporting.engage(item.config)
    item.stash[CONFIG] = config = ItemConfig(item)
    with config.setup:
        if config.known:
            try:
                _begin(item)
            except UsageError as error:
                # Other plugins have to see the setup begin, so it is raised inside of it.
                config.refused = error
        result = yield
        if TAPE not in item.stash:
            raise UsageError(f"{item.nodeid}: another plugin has kept `tape_config` from being set up")
        return result


def _begin(item: pytest.Item) -> None:
    """Activate the test's tape, for the rest of its setup to begin with.

    Raises:
        UsageError: what ``tape_config`` gives is not understood.
    """
    config = item.stash[CONFIG]
    settings = settings_of(item, config.asked())
    assert settings is not None
    active = item.stash[TAPE] = run_of(item.config).start(item, settings)
    config.setup.enter_context(active.bound("setup"))


def _watch_directories_of(factory: pytest.TempPathFactory, config: pytest.Config) -> None:
    """Let the tapes in use know of every directory that ``factory`` makes; ``tmp_path`` is one of them."""
    make = factory.mktemp

    def mktemp(basename: str, numbered: bool = True) -> Path:
        path = make(basename, numbered=numbered)
        run = config.stash.get(RUN, None)
        if run is not None:
            run.add_root(str(path))
        return path

    factory.mktemp = mktemp  # type: ignore[method-assign]


class Refuser(HasHooks):
    """Raises what was refused before a test's setup, inside of it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tell what is wrong with the configuration of a test, inside of its setup."""
        __tracebackhide__ = True
        config = item.stash.get(CONFIG, None)
        if config is not None and config.refused is not None:
            raise config.refused
