"""One run of pytest, and the tape of one test in it. Called by the plugin, which pytest calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import _pytest
import pluggy
import pytest
from _pytest._code.code import (
    ReprEntry,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
    TerminalRepr,
)

from . import intercept
from .clock import REAL
from .errors import ProctapeError, TapeError, TapeNotFound
from .handle import TapeHandle
from .portable import Places
from .session import (
    LiveSession,
    Phase,
    Recording,
    RecordSession,
    ReplaySession,
    Session,
    UpdateSession,
    is_ours,
    is_stdlib,
)
from .settings import Mode, Settings
from .summary import Result
from .tape import TapeStore

_SESSIONS: dict[Mode, type[Session]] = {
    "replay": ReplaySession,
    "record": RecordSession,
    "new": UpdateSession,
    "live": LiveSession,
}


class Run:
    """What the tapes of one run have in common: where they are, and the places of this machine.

    Attributes:
        active: the tapes that are in use, in the order in which they were begun.
        results: of tapes that have ended and are not reported yet.
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
        return ItemTape(self, self._session(item.nodeid, settings, item))

    def start_fixture(self, owner: str, item: pytest.Item, settings: Settings) -> FixtureTape:
        """Activate the tape of a fixture of wider scope, which ``item`` is the first to use.

        Where some of the run is recorded, the fixture is recorded as well: its result is for all of it.
        """
        if settings.mode in {"missing", "new"}:
            settings = replace(settings, mode="record")
        return FixtureTape(self, self._session(owner, settings, item))

    def _has_tape(self, owner: str) -> bool:
        try:
            return self.store.path_for(owner).exists()
        except TapeError:
            # Replaying it tells what is wrong, and where.
            return True

    def _session(self, owner: str, settings: Settings, item: pytest.Item) -> Session:
        path, colons, name = item.nodeid.partition("::")
        target = os.path.relpath(self.root / path, self._invoked_in) + colons + name
        return _SESSIONS[settings.mode](self.store, owner, self.places.copy(), root=self.root, target=target)

    def take_results(self) -> list[Result]:
        """The results since the last call."""
        taken, self.results = self.results, []
        return taken


class ActiveTape:
    """A session, in place from its making to :meth:`end`."""

    def __init__(self, run: Run, session: Session) -> None:
        self._run = run
        self.session = session
        self._failed = False
        self._complete = True
        """What was run is all there is to run, and it did not fail."""
        self._began_ns = REAL.monotonic_ns()
        run.active.append(self)
        intercept.install()
        if isinstance(session, ReplaySession):
            intercept.guard.install()

    @contextmanager
    def bound(self, phase: Phase) -> Iterator[None]:
        """Make the session that of this thread for one phase.

        Raises:
            ProctapeError: something went wrong with the tape, whoever swallowed it.
        """
        __tracebackhide__ = True
        session = self.session
        session.phase = phase
        told = len(session.errors)
        with intercept.bound(session):  # type: ignore[arg-type]
            try:
                yield
            except ProctapeError:
                raise
            except BaseException as error:
                self._raise_latched(told, error)
                raise
            finally:
                for refused in intercept.guard.collect():
                    session.latch(refused)
        self._raise_latched(told, None)

    def _raise_latched(self, told: int, cause: BaseException | None) -> None:
        __tracebackhide__ = True
        if len(self.session.errors) > told:
            raise self.session.errors[told] from cause

    def refuse_leftover(self, *phases: Phase) -> None:
        """After these phases all of their entries must have been replayed.

        Raises:
            Leftover: some were not, and nothing else explains it.
        """
        __tracebackhide__ = True
        session = self.session
        if isinstance(session, ReplaySession) and self._complete and not session.errors:
            leftover = session.leftover(*phases)
            if leftover is not None:
                raise session.latch(leftover)
            self._raise_latched(0, None)

    def end(self, *, interrupted: bool = False) -> None:
        """Take the session out of place, and store what it recorded.

        Raises:
            TapeWriteError: the tape could not be stored.
        """
        __tracebackhide__ = True
        session = self.session
        self._run.active.remove(self)
        intercept.uninstall()
        result = Result(session.owner, session.mode, fixture=isinstance(self, FixtureTape))
        result.test_ns = REAL.monotonic_ns() - self._began_ns
        result.spawns = len(session.spawns)
        result.replayed = sum(spawn.replayed for spawn in session.spawns)
        result.process_ns = sum(round(s.duration_s * 1e9) for s in session.spawns if s.replayed)
        result.missing = any(isinstance(error, TapeNotFound) for error in session.errors)
        self._run.results.append(result)
        if isinstance(session, Recording):
            result.outcome = "failed"
            tape = session.finish()
            if not interrupted and (self._failed or session.errors):
                result.kept = session.save_attempt(tape)
            elif not interrupted:
                result.outcome = session.save(tape, complete=self._complete)
        else:
            session.close()


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


def shown(item: pytest.Item, error: ProctapeError) -> TerminalRepr | str:
    """``error`` as a failure report shows it: the user's frames, and the message.

    Frames of this package, of the standard library and of pytest are left out. The traceback itself is
    made anew, as pytest cuts it by following its raw entries.
    """
    if isinstance(error, TapeError):
        # The system's own error is in the message.
        error.__cause__, error.__suppress_context__ = None, True
    entries = []
    entry = error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    kept: TracebackType | None = None
    for entry in reversed(entries):
        filename = entry.tb_frame.f_code.co_filename
        if not is_ours(filename) and not is_stdlib(filename) and not filename.startswith(_RUNNER):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    if kept is None and error.__cause__ is None:
        return _message_only(item, error)
    return item.repr_failure(
        pytest.ExceptionInfo.from_exception(error.with_traceback(kept or error.__traceback__))
    )


_RUNNER = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (_pytest, pluggy))


def _message_only(item: pytest.Item, error: ProctapeError) -> TerminalRepr:
    path, line, _ = item.location
    place = ReprFileLocation(path, (line or 0) + 1, type(error).__name__)
    text = f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    lines = [f"E   {one}".rstrip() for one in text.splitlines()]
    crash = ReprFileLocation(place.path, place.lineno, text)
    return ReprExceptionInfo(
        ReprTraceback([ReprEntry(lines, None, None, place, "long")], None, "long"), crash
    )
