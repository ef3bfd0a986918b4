"""One run of pytest, and the tape of one test in it. Called by the plugin, which pytest calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .active import SESSIONS, ActiveTape
from .errors import TapeError
from .handle import TapeHandle
from .limits import Limits
from .logfile import LogFile
from .portable import Places
from .session import ReplaySession, Session, TapeLog, VerifySession
from .settings import Settings
from .summary import Result
from .tape import TapeStore


class Run:
    """What the tapes of one run have in common: where they are, and the places of this machine.

    Attributes:
        active: the tapes that are in use, in the order in which they were begun.
        results: of tapes that have ended and are not reported yet.
        log: where events go, where somebody wants to know.
    """

    def __init__(self, *, root: Path, invoked_in: Path, tapes: Path) -> None:
        self.root = root
        self._invoked_in = invoked_in
        self.store = TapeStore(tapes)
        self.places = Places({"root": str(root), "home": str(Path.home()), "python": sys.executable})
        if not invoked_in.is_relative_to(root):
            self.places.add("cwd", str(invoked_in))
        self.active: list[ActiveTape] = []
        self.results: list[Result] = []
        self.log: LogFile | None = None

    def add_place(self, name: str, path: str) -> None:
        """``<name>`` stands for ``path`` from now on, also on the tapes that are in use."""
        self.places.add(name, path)
        for tape in self.active:
            tape.session.places.add(name, path)

    @property
    def item(self) -> ItemTape | None:
        """The tape of the test that is running."""
        return next((tape for tape in reversed(self.active) if isinstance(tape, ItemTape)), None)

    def abandon(self) -> None:
        """The run was interrupted, and nobody will end what is still active."""
        for tape in reversed(self.active):
            tape.end(interrupted=True)

    def start(self, item: pytest.Item, settings: Settings) -> ItemTape:
        """Activate the tape of ``item`` in this thread."""
        if settings.mode == "missing":
            settings = replace(settings, mode="replay" if self._has_tape(item.nodeid) else "record")
        tape = ItemTape(self, self._session(item.nodeid, settings, item))
        tape.kills_leaked = settings.kill_leaked
        return tape

    def start_fixture(self, owner: str, item: pytest.Item, settings: Settings) -> FixtureTape:
        """Activate the tape of a fixture of wider scope, which ``item`` is the first to use.

        Where some of the run is recorded, the fixture is recorded as well: its result is for all of it.
        """
        if settings.mode in {"missing", "new"}:
            settings = replace(settings, mode="record")
        tape = FixtureTape(self, self._session(owner, settings, item))
        tape.kills_leaked = settings.kill_leaked
        return tape

    def _has_tape(self, owner: str) -> bool:
        try:
            return self.store.path_for(owner).exists()
        except TapeError:
            # Replaying it tells what is wrong, and where.
            return True

    def _session(self, owner: str, settings: Settings, item: pytest.Item) -> Session:
        path, colons, name = item.nodeid.partition("::")
        target = os.path.relpath(self.root / path, self._invoked_in) + colons + name
        session = SESSIONS[settings.mode](
            self.store, owner, self.places.copy(), root=self.root, target=target
        )
        session.limits = Limits(
            settings.spawn_timeout, settings.test_timeout, settings.max_output, settings.max_children
        )
        if self.log is not None:
            session.log = TapeLog(session.places.conceal)
        if isinstance(session, VerifySession):
            session.volatile = settings.volatile
        return session

    def log_events(self, events: Iterable[dict[str, Any]]) -> None:
        """Write what crossed the process boundary during one tape."""
        if self.log is not None:
            self.log.write(events)

    def take_results(self) -> list[Result]:
        """The results since the last call."""
        taken, self.results = self.results, []
        return taken


class ItemTape(ActiveTape):
    """The tape of one test from its setup to its teardown."""

    def __init__(self, run: Run, session: Session) -> None:
        super().__init__(run, session)
        self.handle = TapeHandle(session)
        self._called = False

    def note(self, report: pytest.TestReport) -> None:
        """A phase of the test has ended."""
        self._failed = self._failed or report.failed
        expected = hasattr(report, "wasxfail")
        if report.when == "setup":
            # A test that is skipped has not said what it would ask for.
            self._complete = report.passed
        elif report.when == "call":
            self._complete = report.passed or (expected and not isinstance(self.session, ReplaySession))

    @contextmanager
    def call(self, item: pytest.Item) -> Iterator[None]:
        """Around the test's own code.

        Raises:
            ProctapeError: the test diverged from its tape and nobody told, or left entries over.
        """
        __tracebackhide__ = True
        self._called = True
        with self.bound("call"):
            yield
        # A unittest.TestCase does not raise; it leaves here what it would have raised.
        if not getattr(item, "_excinfo", None):
            self.refuse_leftover("setup", "call")

    @contextmanager
    def teardown(self) -> Iterator[None]:
        """Around the test's teardown; the tape ends with it.

        Raises:
            ProctapeError: the teardown diverged from the tape, or the tape could not be written.
        """
        __tracebackhide__ = True
        interrupted = False
        # With --setup-only and its kin nobody has asked the test what it would start.
        self._complete = self._complete and self._called
        try:
            with self.bound("teardown"):
                yield
            self.refuse_leftover("setup", "call", "teardown")
        except BaseException as error:
            self._failed, self._complete = True, False
            interrupted = not isinstance(error, Exception | pytest.fail.Exception)
            raise
        finally:
            self.end(interrupted=interrupted)


class FixtureTape(ActiveTape):
    """The tape of a fixture that more than one test uses: its setup, and its teardown later on."""

    fixture = True

    @contextmanager
    def setup(self) -> Iterator[None]:
        """Around the setup.

        Raises:
            ProctapeError: it diverged from the tape, or left entries over.
        """
        __tracebackhide__ = True
        try:
            with self.bound("setup"):
                yield
            self.refuse_leftover("setup")
        except BaseException:
            self._failed, self._complete = True, False
            raise

    def finalizers(self) -> tuple[Callable[[], None], Callable[[], None]]:
        """What is to be called before the fixture's own teardown, and after it."""
        stack = ExitStack()

        def before() -> None:
            stack.enter_context(self.bound("teardown"))

        def after() -> None:
            __tracebackhide__ = True
            try:
                stack.close()
                self.refuse_leftover("setup", "teardown")
            except BaseException:
                self._failed = True
                raise
            finally:
                self.end()

        return before, after
