"""The short road of a recording: the child's words are heard only by us, and most say them and end.

:mod:`~pytest_proctape.intercept.hearing` asks. Nobody ever looks at most such spawns, so what a test can look
at is made when it is looked at.
"""

from __future__ import annotations

from functools import partial
from types import FrameType

from ..child import FORKS, GUARDIAN, LITTLE, HeardChild, Started, Warden, Wiring
from ..clock import REAL
from ..rows import Row
from ..tape import Spawn
from .bounds import warden_of
from .children import TapedChild, TapedSpawn
from .places import Spot, Where, users_spot
from .record import Launch, Recording
from .report import command_line
from .take import Take


class _Heard(Row):
    """A spawn as it came.

    Attributes:
        spawn: what was asked for.
        child: that came of it.
        spot: where in the user's code it was started.
        start_ns: from the beginning of the tape.
    """

    spawn: Spawn
    child: HeardChild
    spot: Where
    start_ns: int

    def told(self, root: str) -> tuple[TapedSpawn, TapedChild]:
        """What a test can look at."""
        spawn, child = self.spawn, self.child
        made = TapedSpawn(spawn.program, list(spawn.args), spawn.cwd, spawn.env, False, child.script)
        argv = [spawn.program, *spawn.args]
        return made, TapedChild(argv, Spot(*self.spot).shown(root), self.start_ns, child.error or child)


class Hearing(Recording):
    """A recording that takes that road."""

    def _begin(self) -> None:
        super()._begin()
        self._heard: list[_Heard] = []

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """By the general road."""
        raise NotImplementedError

    @property
    def hears(self) -> bool:
        """Whether the child of the spawn that comes is a real one, and need not be led past us.

        Who waits for its words alone does not see that a limit has ended it.
        """
        limits = self.limits
        return not self.answers and limits.spawn is None and limits.test is None

    def hear(self, spawn: Spawn, wiring: Wiring, launch: Launch, caller: FrameType) -> Started:
        """Start a real child; see :class:`~pytest_proctape.intercept.Hearer`."""
        self._look_for_place()
        if self._has_company():
            return self.record(spawn, wiring, launch)
        GUARDIAN.engage()
        self._learn_secrets(spawn)
        take = self._new_take(spawn)
        spot = users_spot(caller)
        start_ns = REAL.monotonic_ns() - self.opened_ns
        warden = partial(self._new_warden, take, spot)
        child = take.child = HeardChild(wiring, self._new_spool, warden, min(LITTLE, self.limits.output))

        def tell(_: Started) -> None:
            with self._lock:
                self._heard.append(_Heard(spawn, child, spot, start_ns))

        with self._lock:
            self._going.append(child)
        return self._launch(take, child, launch, tell)

    def _has_company(self) -> bool:
        """Somebody looks at more than a child's words, or it must not be started at all."""
        return (
            self.log is not None
            or bool(FORKS.place)
            or self._watched() is not None
            or len(self._not_ended()) >= self.limits.children
        )

    def _new_warden(self, take: Take, spot: Where) -> Warden:
        return warden_of(
            self.limits,
            self.opened_ns,
            self.latch,
            command=command_line(take.asked),
            place=Spot(*spot).shown(str(self.root)),
            record_command=self.record_command,
        )

    def _settle(self) -> None:
        if self._heard:
            with self._lock:
                heard, self._heard = self._heard, []
                for one in heard:
                    made, child = one.told(str(self.root))
                    self._spawns.append(made)
                    self._roll.add(child)

    def alive(self) -> list[TapedChild]:
        """See :class:`Session`."""
        if any(one.child.status is None for one in self._heard):
            self._settle()
        return super().alive()

    def tally(self) -> tuple[int, int, int, int]:
        """See :class:`Session`."""
        spawns, replayed, virtual, process_ns = super().tally()
        return spawns + len(self._heard), replayed, virtual, process_ns

    def tally_so_far(self) -> int:
        """See :class:`Session`."""
        return super().tally_so_far() + len(self._heard)
