"""When what a recorded child has said can be seen, under a mock clock: never in a moment that is over.

On replay a word is there from its recorded moment on, for every look. So it must be noted in a moment in
which nobody has looked in vain, and be seen in that moment and not before. Once somebody has looked in vain,
what the child says waits for the next moment, that is, until somebody waits. A recording child makes one for
its taps.
"""

from __future__ import annotations

from collections.abc import Callable

from ..clock import REAL, Timeline
from .pump import PUMP, Stepper

PATIENCE_NS = 200_000_000
"""Real nanoseconds after which it is passed on all the same: the test may wait in a way that nobody sees."""


class TooSoon(BlockingIOError):
    """It can't be passed on in this moment."""


class Moments:
    """For all outputs of one child; its lock guards it.

    Attributes:
        due_ns: when what was held back can be passed on, by the timeline; ``None`` where nothing was.
        at_once: nobody can look at the child any more without knowing of its end.
    """

    def __init__(self, timeline: Timeline, recall: Callable[[int], None]) -> None:
        """Begin with nothing.

        Args:
            timeline: by which the test lives.
            recall: told the moment of what is about to be passed on, before that is noted.
        """
        self.due_ns: int | None = None
        self.at_once = False
        self._timeline = timeline
        self._recall = recall
        self._since_ns = 0

    def pass_on(self, write: Callable[[], int]) -> int:
        """Do what others can see, and return what it returns.

        Raises:
            TooSoon: this moment is over, and nothing was done.
            OSError: as ``write`` does.
        """
        with self._timeline.passing_on(self) as now_ns:
            if now_ns is None and not self._is_late_enough():
                raise TooSoon
            count = write()
            at_ns = self._timeline.noted_ns() if now_ns is None and not self.at_once else now_ns
        self._recall(self._timeline.known_ns() if at_ns is None else at_ns)
        return count

    def _is_late_enough(self) -> bool:
        if self.at_once:
            return True
        real_ns = REAL.monotonic_ns()
        if self.due_ns is None:
            self._since_ns = real_ns
        self.due_ns = self._timeline.noted_ns()
        return real_ns - self._since_ns >= PATIENCE_NS

    def stepped(self, owner: Stepper, *, waits: bool) -> None:
        """The outputs were stepped; see to it that ``owner`` steps them again if one still ``waits``."""
        if self.due_ns is not None:
            if not waits:
                self.due_ns = None
            PUMP.call_at(self._since_ns + PATIENCE_NS if waits else None, owner)
