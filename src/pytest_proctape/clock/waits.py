"""Who waits for what, and so how far time may go: the scheduler of a mock clock.

A mock clock moves when everybody who takes part waits: the test's thread, the threads it started, the
jobs it gave to pools. On replay it jumps to whatever comes first, the end of somebody's wait or the next
step of a child. While commands run for real, a stopwatch moves it instead, and for as long.

The last one to begin a wait lets the time pass for all; nobody watches over it. Those whose time has come
are woken one at a time, the one that waited for the earliest moment first, so that the same things happen
in the same order every time.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..genuine import threading
from .ranks import outer_lock
from .real import REAL
from .timeline import Timeline
from .waiting import Participant, Source, Ticket, Wait, never

_LOOK_S = 0.005
"""Real seconds between looks at others who are busy, or who wait in a way that tells nobody."""

_IDLE_LOOKS = 20
"""So many looks at the same moment mean nothing yet."""


def _time_of(due: tuple[int, object]) -> int:
    return due[0]


def _first_to_go(wait: Wait) -> tuple[int, int]:
    return wait.deadline_ns or 0, wait.turn


def _passed_by_a_look_ns(number: int) -> int:
    """How much time passes by one more look in vain, on replay.

    An event loop looks as well when it is busy, and has nothing to look for: a few hundred looks cost no more
    than they do on a real machine. Who goes on waits for something that may be hours away.
    """
    return 1000 << min(max(number, 0), 6) + min(max(0, number - 1000) // 100, 14)


class Waits:
    """The waits of all who take part in one test's time."""

    def __init__(self, timeline: Timeline, is_real: Callable[[], bool]) -> None:
        """Begin with nobody.

        Args:
            timeline: what is moved.
            is_real: whether commands run for real, so that real time is what passes.
        """
        self.timeline = timeline
        self._is_real = is_real
        self._deciding = outer_lock(timeline.ranks)
        self._lock = timeline.members
        self.ranks = timeline.ranks
        self._turns = itertools.count()
        self._participants: dict[int, Participant] = {}
        self._tickets: set[Ticket] = set()
        self._sources: weakref.WeakKeyDictionary[Source, None] = weakref.WeakKeyDictionary()
        self._was_running = False
        self._notes = 0
        self._noted = 0
        """How often something has begun to be noted."""
        self._noting: dict[int, int] = {}
        """How many of those are each thread's. A handler of signals may wait in the middle of its own."""

    # -- taking part -----------------------------------------------------------------------------

    def expect(self, can_begin: Callable[[], bool] = lambda: True, *, passing: bool = False) -> Ticket:
        """Somebody is about to take part, or to begin something: time does not jump meanwhile.

        Nor does it while the thread that expects that is busy: it takes part from now on.
        """
        self._own()
        ticket = Ticket(can_begin, passing)
        with self._lock:
            self._tickets.add(ticket)
        return ticket

    def forget(self, ticket: Ticket) -> None:
        """What was expected has begun, or never will."""
        with self._lock:
            self._tickets.discard(ticket)

    @contextmanager
    def taking_part(self, ticket: Ticket | None = None) -> Iterator[None]:
        """Around what a thread does for the test.

        Args:
            ticket: of a thread that begins. It may have the number of one that has ended, and told nobody.
        """
        if ticket is None and self.takes_part(threading.get_ident()):
            yield
            return
        self.enter(ticket)
        try:
            yield
        finally:
            self.leave()

    def enter(self, ticket: Ticket | None = None) -> None:
        """This thread does something for the test, until it leaves."""
        if ticket is None:
            self._own()
            return
        with self._lock:
            self._participants[threading.get_ident()] = Participant()
        self.forget(ticket)

    def leave(self) -> None:
        """What this thread did for the test is done."""
        self._participants.pop(threading.get_ident(), None)
        self.changed()

    def add(self, source: Source) -> None:
        """``source`` does things in this time from now on."""
        with self._lock:
            self._sources[source] = None

    def discard(self, source: Source) -> None:
        """It will do nothing more."""
        with self._lock:
            self._sources.pop(source, None)

    def _own(self) -> Participant:
        ident = threading.get_ident()
        with self._lock:
            own = self._participants.get(ident)
            if own is None:
                own = self._participants[ident] = Participant()
            return own

    def takes_part(self, ident: int) -> bool:
        """Whether that thread takes part."""
        return ident in self._participants

    # -- waiting ---------------------------------------------------------------------------------

    def block(self, wait: Wait, patience_ns: int | None = None) -> bool:
        """Wait until ``wait`` is over; whether it got what it waited for.

        Args:
            wait: of this thread.
            patience_ns: real nanoseconds after which it is given up, if nothing can happen any more.
        """
        own = self._own()
        stuck_ns = 0
        with self._waiting(own, wait):
            while True:
                # Nobody goes on while somebody else decides by who waits.
                with self._deciding:
                    noted = self._noted
                    ready = wait.ready()
                    if ready or self._gives_up(own, wait, noted):
                        own.looks = 0 if ready else own.looks
                        self._leave(own)
                        return ready
                    limit_s = self._let_time_pass(own, wait)
                if limit_s == 0:
                    stuck_ns = 0
                    continue
                if limit_s is None and patience_ns is not None:
                    stuck_ns = stuck_ns or REAL.monotonic_ns()
                    left_ns = stuck_ns + patience_ns - REAL.monotonic_ns()
                    if left_ns <= 0:
                        return False
                    limit_s = left_ns / 1e9
                with self.ranks.let_go(self._deciding):
                    wait.sleep(limit_s)

    @contextmanager
    def _waiting(self, own: Participant, wait: Wait) -> Iterator[None]:
        # The handler of a signal may wait within a wait.
        outer = own.wait
        own.entering = True
        with self._deciding:
            wait.turn = next(self._turns)
            own.wait, own.entering = wait, False
        try:
            yield
        finally:
            # Something was raised, or there is a wait to go back to.
            if own.wait is wait or outer is not None:
                with self._deciding:
                    self._leave(own)
                    own.wait = outer

    def _leave(self, own: Participant) -> None:
        own.wait = None
        self.timeline.stop()

    def _gives_up(self, own: Participant, wait: Wait, noted: int) -> bool:
        """Whether its time has come, and it has not got what it waits for.

        Args:
            own: of this thread.
            wait: its own, which was not ready.
            noted: how much had been noted when it was looked at.
        """
        if wait.deadline_ns is None or self.timeline.now_ns() < wait.deadline_ns:
            return False
        if self._is_anybody_busy(own) or self._next_to_go(own):
            return False
        with self._lock:
            # What was noted since has come in time, so it has to be seen; what is noted from now on is later.
            if self._do_others_note() or self._noted != noted:
                return False
            self.timeline.part()
            return True

    def _is_anybody_busy(self, own: Participant) -> bool:
        """Whether another one runs, or is about to; or something is noted, and others may wait for that."""
        if self._do_others_note():
            return True
        others = [one for one in list(self._participants.values()) if one is not own]
        return any(one.busy() for one in others) or self._expects_somebody()

    def _do_others_note(self) -> bool:
        return self._notes > self._noting.get(threading.get_ident(), 0)

    def changed(self) -> None:
        """Something has happened that others may have waited for: let them look."""
        for one in list(self._participants.values()):
            wait = one.wait
            if wait is not None:
                wait.wake()

    def hold(self) -> None:
        """Something happens now, whose time is to be noted: the stopwatch stands meanwhile."""
        ident = threading.get_ident()
        with self._lock:
            self._was_running = self.timeline.running or (self._notes > 0 and self._was_running)
            self._notes += 1
            self._noted += 1
            self._noting[ident] = self._noting.get(ident, 0) + 1
        self.timeline.stop()

    def go_on(self) -> None:
        """It has happened. Unless somebody runs because of it, the stopwatch goes on."""
        with self._lock:
            self._notes -= 1
            ident = threading.get_ident()
            self._noting[ident] -= 1
            if not self._noting[ident]:
                del self._noting[ident]
            goes_on = self._was_running and not self._notes
        # Where somebody decides just now, that decides this as well; and nobody begins to run meanwhile.
        if not goes_on or not self._deciding.acquire(blocking=False):
            return
        try:
            if not any(
                one.busy() or (one.wait is not None and one.wait.ready())
                for one in list(self._participants.values())
            ):
                self.timeline.run(self.timeline.limit_ns)
        finally:
            self._deciding.release()

    def polled(self, ready: Callable[[], bool] = never) -> None:
        """This thread has looked for something, and it was not there.

        Who looks again and again without a pause lets time pass by that: hardly any at first, then more
        and more, as the number of looks is up to the machine.
        """
        own = self._own()
        self.timeline.give_up()
        now_ns, real_ns = self.timeline.now_ns(), REAL.monotonic_ns()
        if own.looked_at_ns != now_ns:
            own.looks = 0
        own.looks += 1
        extra = own.looks - _IDLE_LOOKS
        if extra > 0:
            if self._is_real():
                self.timeline.add(real_ns - own.looked_real_ns)
                self._step_due()
            else:
                self.block(Wait(now_ns + _passed_by_a_look_ns(extra), ready))
        own.looked_at_ns, own.looked_real_ns = self.timeline.now_ns(), real_ns

    def is_polling(self) -> bool:
        """Whether this thread has looked in vain again and again, so that its looks let time pass."""
        return self._own().looks > _IDLE_LOOKS

    def found(self) -> None:
        """This thread has looked for something, and it was there."""
        self._own().looks = 0

    # -- the passing of time -----------------------------------------------------------------------

    def _let_time_pass(self, own: Participant, wait: Wait) -> float | None:
        """Move on as far as it goes at once.

        Returns:
            real seconds to sleep: 0 to look again at once, ``None`` until woken, as nothing is due.
        """
        if self._is_anybody_busy(own):
            return _LOOK_S
        if not self.timeline.running:
            self.settle()
        if wait.ready():
            return 0.0
        ahead = self._next_to_go(own)
        if ahead is not None:
            ahead.wake()
            return _LOOK_S
        others = (one.wait for one in list(self._participants.values()) if one is not own)
        return self._pass([wait, *(one for one in others if one is not None)])

    def _expects_somebody(self) -> bool:
        for ticket in list(self._tickets):
            if ticket.can_begin():
                return True
            if ticket.passing:
                self.forget(ticket)
        return False

    def _next_to_go(self, own: Participant) -> Wait | None:
        """Who else should run before time goes on: who got something, then who waits for the earliest."""
        now_ns = self.timeline.now_ns()
        over: list[Wait] = []
        for one in list(self._participants.values()):
            wait = one.wait
            if one is own or wait is None:
                continue
            if wait.ready():
                return wait
            if wait.deadline_ns is not None and wait.deadline_ns <= now_ns:
                over.append(wait)
        if own.wait is not None and own.wait.deadline_ns is not None:
            over.append(own.wait)
        first = min(over, key=_first_to_go, default=None)
        return None if first is own.wait else first

    def settle(self) -> None:
        """What was sent before is received before time goes on, be it from child to child."""
        sources = list(self._sources)
        while sum(source.step() for source in sources):
            pass

    def _pass(self, waits: list[Wait]) -> float | None:
        due = [(at_ns, source) for source in list(self._sources) if (at_ns := source.due_ns()) is not None]
        times = [at_ns for at_ns, _ in due]
        times += [wait.deadline_ns for wait in waits if wait.deadline_ns is not None]
        first_ns = min(times, default=None)
        if (self._is_real() and not self._leaps(due, first_ns)) or any(wait.real for wait in waits):
            return self._pass_for_real(waits, due, first_ns)
        if first_ns is None:
            return None
        due.sort(key=_time_of)
        self.timeline.add(first_ns - self.timeline.now_ns())
        self._step(due, first_ns)
        return 0.0

    def _leaps(self, due: list[tuple[int, Source]], first_ns: int | None) -> bool:
        """Whether no real command runs, and one that is not real is the first to do something."""
        leapers = all(getattr(one, "leaps", False) for one in list(self._sources))
        return leapers and any(at_ns == first_ns for at_ns, _ in due)

    def _pass_for_real(
        self, waits: list[Wait], due: list[tuple[int, Source]], first_ns: int | None
    ) -> float | None:
        was_running = self.timeline.running
        self.timeline.run(first_ns)
        if not was_running:
            if self._notes or any(wait.ready() for wait in waits):
                # It came while this was decided.
                self.timeline.stop()
                return 0.0
            # The others sleep by what they knew when it stood.
            for wait in waits[1:]:
                wait.wake()
        if first_ns is None:
            return None
        left_ns = first_ns - self.timeline.now_ns()
        if left_ns > 0:
            return left_ns / 1e9
        self._step(due, first_ns)
        return 0.0

    def _step_due(self) -> None:
        """Time has passed at once while commands run for real: what was held back until then is seen now."""
        now_ns = self.timeline.now_ns()
        for source in list(self._sources):
            at_ns = source.due_ns()
            if at_ns is not None and at_ns <= now_ns:
                source.step()

    @staticmethod
    def _step(due: list[tuple[int, Source]], at_ns: int) -> None:
        for source_ns, source in due:
            if source_ns <= at_ns:
                source.step()
