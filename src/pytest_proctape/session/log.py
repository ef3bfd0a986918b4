"""What crossed the process boundary during one tape, event by event, for ``--tapes-log``.

The events of one child follow each other, and the children come in the order of their spawns: how children
that run at the same time take turns is chance, and two replays have to give the same log. All values are in
the terms of the tape. ``monotonic_ns`` is the real clock's where real commands run. A replay reads no
clock: there it counts from the beginning of the tape, by the mock clock, and without one as if each child
had been started when the one before it had ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from ..child import RecordingChild, VirtualChild
from ..clock import REAL, Shown
from ..errors import ProctapeError
from ..frozen import Value
from ..match import Asked
from ..tape import Script, SpawnError
from .children import TapedChild
from .events import Event, Eventful

_LIMITS = ("timed out", "output limit")
"""Ends that are no tool's own."""


class Spawned(Value):
    """One spawn.

    Attributes:
        asked: in the terms of the tape.
        place: where in the user's code.
        phase: of the test.
        child: what came of it.
        at_ns: when, by the real monotonic clock; ``None`` on replay.
        taped: the child as the test can look at it.
        order: of those that came in an order which is chance, its place on the tape.
    """

    asked: Asked
    place: str
    phase: str
    child: RecordingChild | VirtualChild | SpawnError
    at_ns: int | None
    taped: TapedChild
    order: int | None = None

    def heard(self) -> Script | None:
        """What the child has done; ``None`` where there was none."""
        if isinstance(self.child, SpawnError):
            return None
        return self.child.script() if isinstance(self.child, RecordingChild) else self.child.so_far()


class _Advance(Value):
    """The mock clock went on, or the test has set it.

    Attributes:
        by: whose doing it is.
        real_ns: when, by the real monotonic clock.
    """

    by: Literal["wait", "test"]
    ns: int
    real_ns: int


class TapeLog:
    """Remembers the spawns of one tape and what its mock clock did, and tells the events when it has ended.

    Args:
        conceal: puts placeholders in a stream.
        write: where the events go.
    """

    def __init__(self, conceal: Callable[[bytes], bytes], write: Callable[[Iterable[Event]], None]) -> None:
        self._conceal = conceal
        self._write = write
        self._passed: list[Spawned | _Advance] = []
        self._shown: Shown | None = None

    def add(self, spawned: Spawned) -> None:
        """One more spawn."""
        self._passed.append(spawned)

    def look(self, shown: Shown | None, passed_ns: int = 0) -> None:
        """See how the mock clock has gone on.

        Args:
            shown: which it is, and what it shows now.
            passed_ns: what a wait has just added; the rest is the test's own doing.
        """
        before, self._shown = self._shown, shown
        # A clock that the test has put on top of another one has not moved by that.
        moved_ns = 0
        if shown is not None and before is not None and shown[0] is before[0]:
            moved_ns = shown[1] - before[1]
        for by, ns in (("test", moved_ns - passed_ns), ("wait", passed_ns)):
            if ns and (by == "wait" or moved_ns):
                self._passed.append(_Advance("wait" if by == "wait" else "test", ns, REAL.monotonic_ns()))

    def tell(self, test: str, mode: str, errors: Iterable[ProctapeError]) -> None:
        """Write all events: the tape has ended.

        Args:
            test: who owns the tape.
            mode: of the session.
            errors: what went wrong.
        """
        head = {"test": test, "mode": mode}
        eventful = Eventful(self._conceal)
        told = self._all(eventful, replayed=mode == "replay")
        wrong = (eventful.of_error(error) for error in errors)
        self._write({**head, **event} for events in (told, wrong) for event in events)

    def _all(self, eventful: Eventful, *, replayed: bool) -> Iterator[Event]:
        clock_ns = at_ns = number = 0
        for one in self._in_order():
            if isinstance(one, _Advance):
                clock_ns += one.ns
                at_ns = max(at_ns, clock_ns)
                real_ns = at_ns if replayed else one.real_ns
                advance = {"event": "clock", "by": one.by, "advance_ns": one.ns, "clock_ns": clock_ns}
                yield {**advance, "monotonic_ns": real_ns}
                continue
            number += 1
            began_ns = at_ns if one.at_ns is None else one.at_ns
            heard = one.heard()
            events = eventful.of_spawn(one.asked, one.place, one.phase)
            limit = one.taped.status if one.taped.status in _LIMITS else ""
            for event in (*events, *eventful.of_child(one.child, heard, limit)):
                yield {"spawn": number, **event, "monotonic_ns": began_ns + event.get("tape_ns", 0)}
            # Under a mock clock time has passed by then, or will by an advance.
            if heard is not None and self._shown is None and heard.end.status is not None:
                at_ns += heard.end.duration_ns

    def _in_order(self) -> Iterator[Spawned | _Advance]:
        """As it came; what came in an order that is chance, in that of the tape."""
        by_chance = [one for one in self._passed if isinstance(one, Spawned) and one.order is not None]
        sorted_ones = iter(sorted(by_chance, key=lambda one: one.order or 0))
        for one in self._passed:
            is_by_chance = isinstance(one, Spawned) and one.order is not None
            yield next(sorted_ones) if is_by_chance else one
