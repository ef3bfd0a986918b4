"""A session in place: from its making to its end. Knows nothing of pytest.

:mod:`.run` makes one for each taped test and each fixture of wider scope, :mod:`.use` one for each block of
``use_tape``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Protocol

from . import intercept
from .child import GUARDIAN
from .clock import CLOCK, REAL, TapeClock
from .errors import Leftover, ProctapeError, TapeNotFound
from .keys import Mode
from .session import (
    LiveSession,
    Phase,
    Player,
    Recording,
    RecordSession,
    ReplaySession,
    UpdateSession,
    VerifySession,
    as_data,
)
from .summary import Result

SESSIONS: dict[Mode, type[Player]] = {
    "replay": ReplaySession,
    "record": RecordSession,
    "new": UpdateSession,
    "live": LiveSession,
    "verify": VerifySession,
}
"""``missing`` is one of the first two, by whether there is a tape."""


class Keeper(Protocol):
    """Who has to know of the tapes in use.

    Attributes:
        active: the tapes that are in use, in the order in which they were begun.
        results: of tapes that have ended and are not reported yet.
    """

    active: list[ActiveTape]
    results: list[Result]


class _InPhase:
    """Around one phase; see :meth:`ActiveTape.bound`."""

    __slots__ = ("_bound", "_logged", "_tape", "_told")

    def __init__(self, tape: ActiveTape, phase: Phase) -> None:
        session = tape.session
        session.phase = phase
        self._tape = tape
        self._told = 0 if phase == "setup" else len(session.errors)
        self._bound = intercept.bound(
            tape.handler,  # type: ignore[arg-type]
            lasting=tape.fixture,
            runs_commands=session.runs_commands,
        )

    def __enter__(self) -> None:
        self._bound.__enter__()
        self._logged = self._tape.logged_clock()
        self._logged.__enter__()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        __tracebackhide__ = True
        for refused in intercept.guard.collect():
            self._tape.session.latch(refused)
        self._logged.__exit__(None, None, None)
        self._bound.leave()
        self._tape.phase_ended(self._told, error)


class ActiveTape:
    """A session, in place from its making to :meth:`end`."""

    kills_leaked = False
    """What still runs when the tape ends is ended with it."""
    fixture = False
    """The tape is one of a fixture of wider scope."""

    def __init__(self, run: Keeper, session: Player, *, clock: bool = False) -> None:
        self._run = run
        self.session = session
        self.handler: object = session
        """Who is asked while the tape is that of this thread."""
        self._failed = False
        self._complete = True
        """What was run is all there is to run, and it did not fail."""
        self._began_ns = REAL.monotonic_ns()
        self._undo = ExitStack()
        intercept.install()
        run.active.append(self)
        self.clock: TapeClock | None = None
        """Where a mock clock was asked for; it starts where the recording began."""
        try:
            self._look_out(clock)
        except BaseException:
            # Nobody is going to end it.
            run.active.remove(self)
            intercept.uninstall()
            raise

    def _look_out(self, clock: bool) -> None:
        session = self.session
        if isinstance(session, RecordSession) and intercept.current() is None:
            # Now, so that a test which counts descriptors finds as many at its end as at its beginning.
            GUARDIAN.engage()
        if isinstance(session, ReplaySession):
            intercept.guard.install()
        intercept.notice()
        if clock:
            try:
                session.began_ns = session.clock_start_ns
            except ProctapeError as error:
                # Told at the end of the setup: other plugins count on a setup that has begun.
                session.latch(error)
            self.clock = TapeClock(session.began_ns, lambda: session.sleeps)

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        """For a while, let time stand, and move by what is waited for."""
        if self.clock is None:
            yield
            return
        with intercept.frozen(self.clock), intercept.waits_told():
            yield

    def logged_clock(self) -> AbstractContextManager[None]:
        """Around what the test does, for the log: its clock moves."""
        log = self.session.log
        return nullcontext() if log is None else CLOCK.told_to(log.look)

    def bound(self, phase: Phase) -> AbstractContextManager[None]:
        """Make the session that of this thread for one phase.

        Raises:
            ProctapeError: something went wrong with the tape, whoever swallowed it.
        """
        return _InPhase(self, phase)

    def phase_ended(self, told: int, error: BaseException | None) -> None:
        """Raise what has gone wrong with the tape in a phase, unless ``error`` tells it.

        Args:
            told: how many errors there were before.
            error: what the phase has ended with.

        Raises:
            ProctapeError: something went wrong, whoever swallowed it.
        """
        __tracebackhide__ = True
        if not isinstance(error, ProctapeError):
            self._raise_latched(told, error)

    def watch(self, path: str) -> None:
        """A temporary directory was made: the commands of the test may write there."""
        if self.session.files is not None:
            self.session.files.roots.add(path)

    def add_place(self, name: str, path: str) -> None:
        """``<name>`` stands for ``path`` from now on."""
        self.session.places.add(name, path)

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
        if self._complete and not session.errors:
            leftover = session.leftover(*phases)
            if leftover is not None and not self.explains(leftover):
                raise session.latch(leftover)
            self._raise_latched(0, None)

    def explains(self, _leftover: Leftover) -> bool:
        """Whether there is a reason why these entries were not asked for."""
        return False

    def _result(self) -> Result:
        """What came of the tape, but for a recording's outcome."""
        session = self.session
        result = Result(session.owner, session.mode, fixture=self.fixture)
        result.test_ns = REAL.monotonic_ns() - self._began_ns
        result.spawns, result.replayed, result.virtual, result.process_ns = session.tally()
        result.missing = any(isinstance(error, TapeNotFound) for error in session.errors)
        result.errors = [as_data(error) for error in session.errors]
        if result.spawns or session.errors:
            result.path = session.shown_path
            result.entries = session.entry_count
        return result

    def end(self, *, interrupted: bool = False) -> None:
        """Take the session out of place, and store what it recorded.

        Raises:
            TapeWriteError: the tape could not be stored.
            HookError: a hook that was told of it failed.
        """
        __tracebackhide__ = True
        session = self.session
        self._run.active.remove(self)
        leaked = session.alive()
        result = self._result()
        result.leaked = [str(child) for child in leaked]
        self._run.results.append(result)
        told = len(session.errors)
        tape = None
        try:
            # Before its clock is taken away.
            if isinstance(session, VerifySession):
                result.outcome = "verified"
                result.drift = [one.as_data() for one in session.verify(complete=self._complete)]
                result.entries = session.entry_count
            elif isinstance(session, Recording):
                # Until it is stored; the disk may not take its payloads.
                result.outcome = "failed"
                tape = session.finish()
        finally:
            self._undo.close()
            intercept.uninstall()
        if isinstance(session, Recording) and tape is not None:
            if not interrupted and (self._failed or session.errors):
                result.kept = session.save_attempt(tape)
            elif not interrupted:
                result.outcome = session.save(tape, complete=self._complete)
            self._raise_latched(told, None)
        else:
            session.close()
        if session.log is not None:
            session.log.tell(session.owner or session.shown_path, session.mode, session.errors)
        if self.kills_leaked:
            for child in leaked:
                child.end()
