"""A session in place: from its making to its end. Knows nothing of pytest.

:mod:`.run` makes one for each taped test and each fixture of wider scope, :mod:`.use` one for each block of
``use_tape``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from . import effects, intercept
from .child import GUARDIAN, KIN
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
from .undo import Undo, to_its_end

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

    __slots__ = ("_bound", "_tape", "_told")

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
        # First, and until the tape's end: an interrupt may come anywhere.
        self._tape.phases.append(self)
        self._bound.__enter__()
        self._tape.log_clock()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            __tracebackhide__ = True
            self._tape.hear_forked()
            self.leave()
        except BaseException:
            self.leave()
            raise
        self._tape.phase_ended(self._told, error)

    def leave(self) -> None:
        """What was before is so again; nothing the second time."""
        self._tape.log_clock_no_more()
        self._bound.leave()
        if self in self._tape.phases:
            self._tape.phases.remove(self)


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
        self._undo = Undo()
        self.phases: list[_InPhase] = []
        """Those that have begun, and were not left."""
        self.clock: TapeClock | None = None
        """Where a mock clock was asked for; it starts where the recording began."""
        try:
            self._put_in_place(clock)
        except BaseException:
            # Nobody is going to end it.
            self.drop()
            raise
        self.strays: list[str] = []
        """The processes that C code has started meanwhile, as far as they were looked for."""
        self.since = KIN.mark()
        """When nobody had looked for any yet."""

    def hear_forked(self) -> None:
        """Take in what forked processes and workers have told so far."""
        for refused in intercept.guard.collect():
            self.session.latch(refused)
        if intercept.guard.take_started():
            self.session.by_workers = True

    def _look_in_the_end(self) -> None:
        self.look_for_strays()

    def look_for_strays(self) -> None:
        """Look whether anything was started that no tape has. Who has no tape has no such thing."""
        found = KIN.strays(self.since)
        if self.session.mode != "live":
            self.strays += found

    def _put_in_place(self, clock: bool) -> None:
        self._undo.callback(intercept.uninstall, self)
        intercept.install(self)
        self._run.active.append(self)
        self._look_out(clock)
        files = self.session.files
        if files is not None and files.rules.on:
            self._undo.callback(effects.follow_no_more, self._made_temporary)
            effects.follow(self._made_temporary)

    def take_out(self) -> None:
        """Nothing of it is in place any more; it goes on with what is left where it is called again."""
        for phase in reversed(self.phases):
            phase.leave()
        self._undo.close()
        if self in self._run.active:
            self._run.active.remove(self)

    def drop(self) -> None:
        """It was interrupted, or can't begin: nothing of it is in place any more, and nothing is stored."""
        try:
            to_its_end(self.session.abort)
        finally:
            to_its_end(self.take_out)

    def _look_out(self, clock: bool) -> None:
        session = self.session
        if isinstance(session, RecordSession) and intercept.current() is None:
            # Now, so that a test which counts descriptors finds as many at its end as at its beginning.
            GUARDIAN.engage()
        if isinstance(session, ReplaySession) or session.live:
            intercept.guard.install()
        intercept.notice()
        if clock:
            try:
                session.began_ns = session.clock_start_ns
            except ProctapeError as error:
                # Told at the end of the setup: other plugins count on a setup that has begun.
                session.latch(error)
            self.clock = TapeClock(session.began_ns, lambda: session.sleeps)

    def freeze(self, undo: Undo) -> None:
        """Let time stand until ``undo`` is closed, and move by what is waited for, if that was asked for."""
        if self.clock is not None:
            intercept.freeze(self.clock, undo)
            undo.callback(intercept.tell_waits_no_more, self)
            intercept.tell_waits(self)

    def log_clock(self) -> None:
        """Tell the log how the clock moves, until :meth:`log_clock_no_more`."""
        if self.session.log is not None:
            CLOCK.tell(self.session.log.look)

    @property
    def watches(self) -> bool:
        """Whether temporary directories that are made now are for its commands."""
        return True

    def log_clock_no_more(self) -> None:
        """What follows is not what the test does."""
        if self.session.log is not None:
            CLOCK.tell_no_more(self.session.log.look)

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
        if self.session.files is not None and self.watches:
            self.session.files.roots.add(path)

    def _made_temporary(self, path: str, is_file: bool) -> None:
        """A directory or a file of :mod:`tempfile` is about to be made, somewhere."""
        if self.session.files is not None and self.watches:
            self.session.files.add_made(path, is_file)

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
        result.strays, result.by_workers = self.strays, session.by_workers
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
        try:
            self._end(interrupted=interrupted)
        except BaseException:
            self.drop()
            raise

    def _end(self, *, interrupted: bool) -> None:
        __tracebackhide__ = True
        session = self.session
        self._look_in_the_end()
        told = len(session.errors)
        leaked = session.alive()
        result = self._result()
        result.leaked = [str(child) for child in leaked]
        result.held = [child.words(session.places.redact_text) for child in leaked if child.is_held]
        if interrupted:
            result.left_by = KeyboardInterrupt.__name__
        self._run.results.append(result)
        try:
            self._conclude(result, told, interrupted=interrupted)
        except ProctapeError as error:
            if result.outcome == "failed" and not self._failed:
                result.unwritten = as_data(error)["told"]
            raise
        if session.log is not None:
            session.log.tell(session.owner or session.shown_path, session.mode, session.errors)
        if self.kills_leaked:
            for child in leaked:
                child.end()

    def _conclude(self, result: Result, told: int, *, interrupted: bool) -> None:
        """Hold the real commands against the tape, or store what was recorded.

        Args:
            result: that it is told in.
            told: how many errors have been.
            interrupted: nothing is to be stored.
        """
        __tracebackhide__ = True
        session = self.session
        tape = None
        # Before its clock is taken away.
        if isinstance(session, VerifySession):
            result.outcome = "verified"
            result.drift = [one.as_data() for one in session.verify(complete=self._complete)]
            result.entries = session.entry_count
        elif isinstance(session, Recording):
            # Until it is stored; the disk may not take its payloads.
            result.outcome = "failed"
            tape = session.finish()
        self.take_out()
        if isinstance(session, Recording) and tape is not None:
            if not interrupted and (self._failed or session.errors):
                result.kept = session.save_attempt(tape)
            elif not interrupted:
                result.outcome = session.save(tape, complete=self._complete)
            self._raise_latched(told, None)
        else:
            session.close()
