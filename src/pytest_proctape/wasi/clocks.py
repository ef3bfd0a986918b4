"""What time a module is told, and how long it has slept. Nothing here reads the real clock."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import EPOCH_NS, Waits

_ZERO_NS = 10**9
"""Where the monotonic clock begins; some take 0 for a clock that was never read."""


class ToolTime:
    """The time of the modules of one tape where the test has no mock clock; it moves by what they sleep.

    Attributes:
        passed_ns: since 2000-01-01, where it starts.
    """

    def __init__(self) -> None:
        self.passed_ns = 0

    def reach(self, passed_ns: int) -> None:
        """A module has seen this much pass."""
        self.passed_ns = max(self.passed_ns, passed_ns)


class ModuleClock:
    """The clocks of one module.

    Under a mock clock they show it. Under asyncio they go with the loop's time, and else a sleep is over at
    once, and counts.
    """

    def __init__(self, time: ToolTime, waits: Waits | None, elapsed_ns: Callable[[], int]) -> None:
        """Start now.

        Args:
            time: of the tape's modules.
            waits: those of the test's mock clock.
            elapsed_ns: nanoseconds since the module was started.
        """
        self._time = time
        self._waits = waits
        self._elapsed_ns = elapsed_ns
        self._began_ns = time.passed_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never less than before."""
        return _ZERO_NS + self._passed_ns() if self._waits is None else self._waits.timeline.now_ns()

    def wall_ns(self) -> int:
        """Nanoseconds since 1970."""
        if self._waits is not None:
            shown_ns = self._waits.timeline.shown_ns()
            if shown_ns is not None:
                return shown_ns
        return EPOCH_NS + self._passed_ns()

    def _passed_ns(self) -> int:
        passed_ns = self._began_ns + self._elapsed_ns()
        self._time.reach(passed_ns)
        return passed_ns
