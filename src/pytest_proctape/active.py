"""A session in place: from its making to its end. Knows nothing of pytest.

:mod:`.run` makes one for each taped test and each fixture of wider scope, :mod:`.use` one for each block of
``use_tape``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from . import intercept
from .clock import REAL
from .errors import ProctapeError, TapeNotFound
from .session import (
    LiveSession,
    Phase,
    Recording,
    RecordSession,
    ReplaySession,
    Session,
    UpdateSession,
    VerifySession,
)
from .settings import Mode
from .summary import Result

SESSIONS: dict[Mode, type[Session]] = {
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

    def log_events(self, events: Iterable[dict[str, Any]]) -> None:
        """Write what crossed the process boundary during one tape."""


class ActiveTape:
    """A session, in place from its making to :meth:`end`."""

    kills_leaked = False
    """What still runs when the tape ends is ended with it."""
    fixture = False
    """The tape is one of a fixture of wider scope."""

    def __init__(self, run: Keeper, session: Session) -> None:
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
        result = Result(session.owner, session.mode, fixture=self.fixture)
        result.test_ns = REAL.monotonic_ns() - self._began_ns
        result.spawns = len(session.spawns)
        result.replayed = sum(spawn.replayed for spawn in session.spawns)
        result.process_ns = sum(round(s.duration_s * 1e9) for s in session.spawns if s.replayed)
        result.missing = any(isinstance(error, TapeNotFound) for error in session.errors)
        leaked = session.roll.alive()
        result.leaked = [str(child) for child in leaked]
        self._run.results.append(result)
        if isinstance(session, VerifySession):
            result.outcome = "verified"
            result.drift = [one.as_data() for one in session.verify(complete=self._complete)]
        elif isinstance(session, Recording):
            result.outcome = "failed"
            tape = session.finish()
            if not interrupted and (self._failed or session.errors):
                result.kept = session.save_attempt(tape)
            elif not interrupted:
                result.outcome = session.save(tape, complete=self._complete)
        else:
            session.close()
        if session.log is not None:
            self._run.log_events(session.log.events(session.owner, session.mode, session.errors))
        if self.kills_leaked:
            for child in leaked:
                child.end()
