"""A virtual child's side of its descriptors: connected, flushed, let go of. :mod:`.machine` plays there."""

from __future__ import annotations

from ..tape import STDIN, Script, script
from .channels import Inlet, Outlet
from .lent import has_no_reader
from .pump import PUMP
from .wiring import Wiring


class Ends:
    """The channels of one child."""

    script: Script
    status: int | None = None
    _inlet: Inlet | None = None
    _outlets: dict[int, Outlet]
    _held = False
    """The child has ended, and somebody else still holds its outputs."""
    _is_at_terminal = False
    """Its input and its output are one terminal."""

    def _connect(self, wiring: Wiring) -> None:
        fd = wiring.inputs.get(STDIN)
        if fd is not None:
            self._inlet = Inlet(fd)
        made: dict[int, Outlet] = {}
        for own, parents in wiring.outputs.items():
            if parents not in made:
                made[parents] = Outlet(parents, private=parents in wiring.private)
            self._outlets[own] = made[parents]
        answers = any(isinstance(one, script.Output) and one.fd == STDIN for one in self.script.steps)
        if fd is not None and answers:
            self._outlets[STDIN] = Outlet(fd, private=False)

    def _channels(self) -> list[Inlet | Outlet]:
        return [*self._outlets.values(), *([] if self._inlet is None else [self._inlet])]

    def is_held(self) -> bool:
        """Whether somebody else has the other end of one of its pipes: the parent can still talk to it."""
        return any(one.owned and one.waits and not has_no_reader(one.fd) for one in self._channels())

    def abandon(self) -> None:
        """In a forked child: close its copies of the descriptors, so that readers see the end of them."""
        for channel in self._channels():
            channel.abandon()

    def _ended(self) -> bool:
        return self.status is not None

    def _flush(self) -> bool:
        wrote = False
        for fd, outlet in list(self._outlets.items()):
            wrote |= outlet.flush()
            if (outlet.closing or (self._ended() and not self._held)) and not outlet.pending:
                self._drop_outlet(fd)
        return wrote

    def _drop(self) -> None:
        self._drop_inlet()
        for fd in list(self._outlets):
            self._drop_outlet(fd)

    def _drop_inlet(self) -> None:
        inlet = self._inlet
        if inlet is not None:
            # First: an interrupt may come between, and the number would be watched for ever.
            if inlet.owned:
                PUMP.forget(inlet.fd)
            self._inlet = None
            inlet.close()

    def _drop_outlet(self, fd: int) -> None:
        outlet = self._outlets.get(fd)
        if outlet is None:
            return
        is_last = [*self._outlets.values()].count(outlet) == 1
        if is_last and outlet.owned:
            PUMP.forget(outlet.fd)
        self._outlets.pop(fd, None)
        if is_last and self._is_at_terminal and outlet.console is not None:
            # Its parent is told that it has been closed when nobody has it any more.
            self._drop_inlet()
        if is_last:
            outlet.close()
