"""The mock clocks that there are: ours, one that the test froze with freezegun, one of time-machine.

A reading is the topmost clock that stands in for the real one at the moment. :mod:`.timeline` asks for it
and moves it. Neither library is imported here: one that is not loaded has frozen nothing.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
NS_PER_US = 1000


class Reading(Protocol):
    """One mock clock.

    Attributes:
        flows: it moves along with real time by itself.
        monotonic: the monotonic clocks show it, too.
    """

    flows: bool
    monotonic: bool

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""

    def add(self, ns: int) -> None:
        """Move it forward, by whole microseconds."""


class OwnReading:
    """The clock of ``tape_clock``; an instance is a factory of freezegun's, so that its fakes read it.

    See ``FrozenDateTimeFactory`` in ``freezegun/api.py`` for what a factory has.
    """

    flows = False
    monotonic = True

    def __init__(self, start_ns: int) -> None:
        self.ns = start_ns

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.ns

    def add(self, ns: int) -> None:
        """Move it forward."""
        self.ns += ns

    def __call__(self) -> datetime:
        """What freezegun's fakes show: UTC, without a time zone."""
        return _EPOCH + timedelta(microseconds=self.ns // NS_PER_US)

    @property
    def time_to_freeze(self) -> datetime:
        """The same under the name that freezegun's own factories have for it."""
        return self()

    def tick(self, delta: timedelta | float = 1) -> datetime:
        """Move it forward by ``delta``, seconds where it is a number."""
        self.add(ns_of(delta))
        return self()

    def move_to(self, target: datetime) -> None:
        """Set it."""
        self.ns = _since_epoch_ns(target)


class _FreezegunReading:
    """A clock that the test froze with freezegun."""

    monotonic = True

    def __init__(self, factory: Any) -> None:  # noqa: ANN401 - freezegun has three kinds, related by shape only
        self._factory = factory
        self.flows = hasattr(factory, "start")

    def now_ns(self) -> int:
        """Nanoseconds since 1970, without the tick that a reading of its own may cost."""
        shown = self._factory() if self.flows else self._factory.time_to_freeze
        return _since_epoch_ns(shown)

    def add(self, ns: int) -> None:
        """Move it forward. Not by its ``tick``, which forgets what a flowing clock has flowed."""
        self._factory.time_to_freeze += timedelta(microseconds=ns // NS_PER_US)


class _TimeMachineReading:
    """A clock that the test moved with time-machine."""

    monotonic = False

    def __init__(self, traveller: Any) -> None:  # noqa: ANN401 - the library may be missing
        self._traveller = traveller
        self.flows = bool(traveller._tick)
        self._last_ns = 0

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        try:
            self._last_ns = self._traveller.time_ns()
        except ValueError:
            # The test has travelled back, and this one can't be asked any more.
            return self._last_ns
        return self._last_ns

    def add(self, ns: int) -> None:
        """Move it forward."""
        self._traveller.shift(timedelta(microseconds=ns // NS_PER_US))


def topmost() -> tuple[object, Reading] | None:
    """The clock that holds now, behind what it is told apart by; ``None`` where time is real."""
    freezegun, machine = sys.modules.get("freezegun.api"), sys.modules.get("time_machine")
    if freezegun is not None and (factories := getattr(freezegun, "freeze_factories", None)):
        factory = factories[-1]
        return factory, factory if isinstance(factory, OwnReading) else _FreezegunReading(factory)
    if machine is not None:
        # It had another name before version 3.
        travellers = getattr(machine, "traveller_stack", None) or getattr(machine, "coordinates_stack", None)
        if travellers:
            return travellers[-1], _TimeMachineReading(travellers[-1])
    return None


def ns_of(delta: timedelta | float) -> int:
    """Whole microseconds, in nanoseconds, of a difference or a number of seconds."""
    if isinstance(delta, timedelta):
        return delta // _MICROSECOND * NS_PER_US
    return round(delta * 1_000_000) * NS_PER_US


def _since_epoch_ns(shown: datetime) -> int:
    if shown.tzinfo is not None:
        shown = shown.astimezone(UTC).replace(tzinfo=None)
    return (datetime(*shown.timetuple()[:6], shown.microsecond) - _EPOCH) // _MICROSECOND * NS_PER_US
