"""One time for a test and its children, whichever mock clock stands in for the real one.

Nested clocks show other dates; what passes on the topmost one passes here. While commands run for real,
their real duration has to move the mock clock: a stopwatch runs while everybody waits, and stands while
the test computes. So the test reads the same times when the waits end at once on replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..genuine import threading
from . import readings
from .ranks import Ranks
from .readings import NS_PER_US, Reading
from .real import REAL

FOREVER_NS = 1 << 80
"""Later than everything: what the timeline says when no mock clock holds any more."""

_PASSING_S = 1.0
"""Real seconds that something takes at most to be passed on; a pipe is only written to when it has room."""


class Timeline:
    """Time in nanoseconds. Its zero means nothing; it never goes back."""

    def __init__(self, on_passed: Callable[[int], None] = lambda _ns: None) -> None:
        """Begin.

        Args:
            on_passed: told how much has passed by a wait, whenever that is added to the mock clock.
        """
        self._on_passed = on_passed
        self.ranks = Ranks()
        self.members = self.ranks.new_inner()
        """That of what :mod:`.waits` knows of those who wait."""
        self._lock = self.ranks.new_inner()
        self._passing = threading.RLock()
        """Held while something is passed on. Nobody waits for it without a limit: finalizers run anywhere."""
        self._passed_on: tuple[int, object] = (0, None)
        """When somebody passed on something last, and who it was."""
        self._key: object = None
        self._reading: Reading | None = None
        self._offset_ns = 0
        # No moment is 0: that stands for what has not happened.
        self._last_ns = 10**9
        self._given_ns = self._late_ns = 0
        self._since_ns: int | None = None
        self.limit_ns: int | None = None
        """Up to where the stopwatch counts."""
        self.parted_ns = 0
        """What was noted before that somebody has seen without what came after it."""
        self.skipped_ns = 0
        """How much was let pass at once."""

    @property
    def holds(self) -> bool:
        """A mock clock stands in for the real one now."""
        return readings.topmost() is not None

    @property
    def leaves_monotonic(self) -> bool:
        """The mock clock that stands in for the real one leaves the monotonic clocks alone."""
        found = readings.topmost()
        return found is not None and not found[1].monotonic

    def now_ns(self) -> int:
        """What has passed until now."""
        with self._lock:
            self._find()
            if self._reading is None:
                return self._last_ns + FOREVER_NS
            return self._still_ns() + self._passed_ns()

    def known_ns(self) -> int:
        """What has passed until now, or until the last mock clock was taken away."""
        with self._lock:
            self._find()
            return self._last_ns if self._reading is None else self.now_ns()

    def shown_ns(self) -> int | None:
        """What the topmost mock clock shows, nanoseconds since 1970; ``None`` where there is none."""
        with self._lock:
            self._find()
            return None if self._reading is None else self._reading.now_ns() + self._passed_ns()

    def moment_ns(self) -> int:
        """Now; or, where that has been given out, a little later: so an order of two is not lost."""
        with self._lock:
            self._given_ns = max(self.noted_ns(), self._given_ns + NS_PER_US)
            return self._given_ns

    def noted_ns(self) -> int:
        """When something happened that is noted now: a microsecond after somebody gave up, at least.

        It is the first moment of which nobody knows yet that nothing has happened in it.
        """
        return max(self.known_ns(), self._late_ns)

    def give_up(self) -> None:
        """Somebody waits no longer, or looked in vain: what is noted from now on came too late for that.

        What was noted before can be seen when this returns, so who looks once more knows what was in time.
        """
        with self._lock:
            self._late_ns = self.known_ns() + NS_PER_US
        if self._passing.acquire(timeout=_PASSING_S):
            self._passing.release()

    def part(self) -> None:
        """Somebody knows what there is by now: what is noted from now on is to be told apart from that."""
        self.give_up()
        self.parted_ns = self._late_ns

    @contextmanager
    def passing_on(self, whose: object) -> Iterator[int | None]:
        """Around what others can see from then on; yields its moment.

        ``None`` where somebody has looked in vain already, or another one has passed on something in this
        moment: it is to be seen by :meth:`noted_ns`, not before. Nothing may be done meanwhile but that.

        Args:
            whose: who passes it on. What comes from two is told apart by its time, or its order were lost.
        """
        held = self._passing.acquire(timeout=_PASSING_S)
        try:
            with self._lock:
                now_ns = self.known_ns()
                at_ns, by = self._passed_on
                if at_ns == now_ns and by is not whose:
                    self._late_ns = max(self._late_ns, now_ns + NS_PER_US)
                is_over = self._late_ns > now_ns and self._reading is not None
                if held and not is_over:
                    self._passed_on = now_ns, whose
            yield None if is_over or not held else now_ns
        finally:
            if held:
                self._passing.release()

    def add(self, ns: int) -> None:
        """Let time pass at once, by whole microseconds, rounded up."""
        with self._lock:
            self._find()
            if self._reading is not None and ns > 0:
                whole_ns = -(-ns // NS_PER_US) * NS_PER_US
                self._reading.add(whole_ns)
                self.skipped_ns += whole_ns
                self._on_passed(whole_ns)

    def _find(self) -> None:
        """Go on from the same time when another clock has become the topmost one."""
        found = readings.topmost()
        key, reading = found or (None, None)
        if key is self._key:
            return
        if self._reading is not None:
            self._last_ns = self._still_ns()
        self._key, self._reading = key, reading
        if reading is not None:
            self._offset_ns = self._last_ns - reading.now_ns()

    def _still_ns(self) -> int:
        assert self._reading is not None
        # A clock that the test has set back has not undone what happened.
        now_ns = self._reading.now_ns() + self._offset_ns
        if now_ns < self._last_ns:
            self._offset_ns += self._last_ns - now_ns
        self._last_ns = max(self._last_ns, now_ns)
        return self._last_ns

    # -- the stopwatch ---------------------------------------------------------------------------

    def run(self, limit_ns: int | None) -> None:
        """Let real time count from now on, until the timeline reaches ``limit_ns``."""
        with self._lock:
            self.limit_ns = limit_ns
            if self._since_ns is None:
                self._since_ns = REAL.monotonic_ns()

    def stop(self) -> int:
        """Real time counts no longer. Returns where the timeline stands now."""
        with self._lock:
            self._find()
            passed_ns = self._passed_ns()
            self._since_ns = None
            if self._reading is not None and passed_ns:
                self._reading.add(passed_ns)
                self._on_passed(passed_ns)
            return self.now_ns()

    @property
    def running(self) -> bool:
        """Whether real time counts."""
        return self._since_ns is not None

    def _passed_ns(self) -> int:
        if self._since_ns is None or self._reading is None or self._reading.flows:
            return 0
        passed_ns = REAL.monotonic_ns() - self._since_ns
        if self.limit_ns is not None:
            passed_ns = min(passed_ns, self.limit_ns - self._still_ns())
        return max(0, passed_ns // NS_PER_US * NS_PER_US)
