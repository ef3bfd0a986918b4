"""One run of pytest, and the tape of one test in it. Called by the plugin, which pytest calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pytest

from . import intercept
from .clock import REAL
from .errors import ProctapeError, TapeNotFound
from .handle import TapeHandle
from .portable import Places
from .session import (
    LiveSession,
    Recording,
    RecordSession,
    ReplaySession,
    Session,
    UpdateSession,
    is_ours,
    is_stdlib,
)
from .settings import Mode
from .summary import Result
from .tape import TapeStore

_SESSIONS: dict[Mode, type[Session]] = {
    "replay": ReplaySession,
    "record": RecordSession,
    "new": UpdateSession,
    "live": LiveSession,
}


class Run:
    """What the tapes of one run have in common: where they are, and the places of this machine."""

    def __init__(self, *, root: Path, invoked_in: Path, tapes: Path) -> None:
        self.root = root
        self.store = TapeStore(tapes)
        self.places = Places({"root": str(root), "home": str(Path.home()), "python": sys.executable})
        if not invoked_in.is_relative_to(root):
            self.places.add("cwd", str(invoked_in))

    def add_place(self, name: str, path: str) -> None:
        """``<name>`` stands for ``path`` in the tapes of all tests that start from now on."""
        self.places.add(name, path)

    def start(self, item: pytest.Item, mode: Mode) -> ItemTape:
        """Activate the tape of ``item`` in this thread."""
        owner = item.nodeid
        if mode == "missing":
            mode = "replay" if self.store.path_for(owner).exists() else "record"
        session = _SESSIONS[mode](self.store, owner, self.places.copy(), root=self.root)
        return ItemTape(session)


class ItemTape:
    """The tape of one test from its setup to its teardown.

    Attributes:
        handle: what the test sees of it.
        result: for the summary.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._failed = False
        self._began_ns = REAL.monotonic_ns()
        self.handle = TapeHandle(session)
        self.result = Result(session.owner, session.mode)
        intercept.install()
        if isinstance(session, ReplaySession):
            intercept.guard.install()
        self._outer = intercept.bind(session)  # type: ignore[arg-type]

    def add_place(self, name: str, path: str) -> None:
        """``<name>`` stands for ``path`` on this tape."""
        self._session.places.add(name, path)

    def note(self, report: pytest.TestReport) -> None:
        """A phase of the test has ended."""
        self._failed = self._failed or report.failed

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around the test's own code.

        Raises:
            ProctapeError: the test diverged from its tape and nobody told, or left entries over.
        """
        __tracebackhide__ = True
        session = self._session
        session.phase = "call"
        told = len(session.errors)
        try:
            yield
        except ProctapeError:
            raise
        except BaseException as error:
            self._raise_latched(told, error)
            raise
        self._raise_latched(told, None)
        if isinstance(session, ReplaySession) and not self._failed:
            leftover = session.leftover("setup", "call")
            if leftover is not None:
                raise session.latch(leftover)
            self._raise_latched(told, None)

    @contextmanager
    def teardown(self) -> Iterator[None]:
        """Around the test's teardown; the tape ends with it.

        Raises:
            ProctapeError: the teardown diverged from the tape, or the tape could not be written.
        """
        __tracebackhide__ = True
        session = self._session
        session.phase = "teardown"
        told = len(session.errors)
        try:
            try:
                yield
            finally:
                self._deactivate()
            self._raise_latched(told, None)
            if isinstance(session, ReplaySession) and not self._failed and not session.errors:
                leftover = session.leftover("setup", "call", "teardown")
                if leftover is not None:
                    raise session.latch(leftover)
        except BaseException as error:
            self._close(failed=True, interrupted=not isinstance(error, Exception | pytest.fail.Exception))
            raise
        self._close(failed=self._failed, interrupted=False)

    def _deactivate(self) -> None:
        intercept.bind(self._outer)
        for error in intercept.guard.collect():
            self._session.latch(error)
        intercept.uninstall()

    def _raise_latched(self, told: int, cause: BaseException | None) -> None:
        __tracebackhide__ = True
        if len(self._session.errors) > told:
            raise self._session.errors[told] from cause

    def _close(self, *, failed: bool, interrupted: bool) -> None:
        __tracebackhide__ = True
        session, result = self._session, self.result
        result.test_ns = REAL.monotonic_ns() - self._began_ns
        result.spawns = len(session.spawns)
        result.replayed = sum(spawn.replayed for spawn in session.spawns)
        result.process_ns = sum(round(s.duration_s * 1e9) for s in session.spawns if s.replayed)
        result.missing = any(isinstance(error, TapeNotFound) for error in session.errors)
        if isinstance(session, Recording):
            tape = session.finish()
            if interrupted:
                result.outcome = "failed"
            elif failed or session.errors:
                result.outcome = "failed"
                result.kept = session.save_attempt(tape)
            else:
                result.outcome = session.save(tape)
        elif isinstance(session, ReplaySession | LiveSession):
            session.close()


def show_users_frames(error: BaseException) -> pytest.ExceptionInfo[BaseException]:
    """``error`` without the frames of this package and of the standard library, unless it has no others.

    The traceback itself is made anew: pytest cuts it by following its raw entries.
    """
    entries = []
    entry = error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    kept: TracebackType | None = None
    for entry in reversed(entries):
        filename = entry.tb_frame.f_code.co_filename
        if not is_ours(filename) and not is_stdlib(filename):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return pytest.ExceptionInfo.from_exception(error.with_traceback(kept or error.__traceback__))
