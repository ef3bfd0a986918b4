"""A child of an event loop that is sent something, says what it has to say, and ends when its time has come.

That is what ``communicate(input)`` is for. It does by itself what :mod:`.machine` would do with its script,
which is only made for who looks closer.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping

from ..frozen import NOTHING
from ..tape import Script, script
from .brief import BriefChild
from .causes import WrongCause
from .channels import CHUNK, Inlet
from .ended import put
from .virtual import VirtualChild
from .wiring import out_of_the_way


class FedChild(BriefChild):
    """One that says nothing before it has been sent all, and whose time runs once that has come to its end.

    Attributes:
        is_mute: it has not said anything yet.
    """

    is_mute = True
    _awaited = b""
    _unsaid: Mapping[int, bytes] = NOTHING
    _end_at = 0
    """Which step of the script it is that its input ends."""

    def begin(self, stdin: int, awaited: bytes, said: Mapping[int, bytes]) -> None:
        """Keep the descriptors, and play as far as nothing holds it back.

        Args:
            stdin: a pipe that the parent has made for this child.
            awaited: all that it is going to be sent.
            said: what it is going to say, no more than a pipe takes at once, by the pipe that it goes to.
        """
        with self._lock:
            entry = self._entry
            self._awaited = awaited
            self._end_at = bool(awaited) + bool(entry.stdout) + bool(entry.stderr)
            self._signals = []
            self._inlet = Inlet(stdin)
            self._inlet.adopt()
            self._unsaid = {out_of_the_way(fd): data for fd, data in said.items()}
            self._pipes = [*self._unsaid]
            self.said = {fd for fd, data in said.items() if data}
            self._let_loop_look()
            self.step()

    def step(self) -> bool:
        """As any virtual child."""
        with self._lock:
            if self.status is not None:
                return False
            before = self._at, self._offset
            try:
                if self._inlet is not None:
                    self._take_from(self._inlet)
                if self._inlet is not None and signal.SIGKILL in self._signals:
                    raise WrongCause(self.script.steps[self._at], signal.SIGKILL)
                if self._inlet is None and self._is_due(self._duration_ns):
                    self._refuse_signals()
                    self._end(self._ends_with)
            except WrongCause as wrong:
                self._fail(self._tell_wrong(wrong))
            self._watch()
            moved = self._ended() or before != (self._at, self._offset)
            if moved and self._changed is not None:
                self._changed.notify_all()
            if moved and self.on_step is not None:
                self.on_step(self)
            return moved

    def _take_from(self, inlet: Inlet) -> None:
        awaited = self._awaited
        while self._offset < len(awaited):
            data = inlet.take(min(CHUNK, len(awaited) - self._offset))
            if not data:
                if inlet.at_end:
                    raise WrongCause(self.script.steps[0], None, self._offset)
                return
            if not awaited.startswith(data, self._offset):
                raise WrongCause(self.script.steps[0], data, self._offset)
            self._offset += len(data)
        if self.is_mute:
            self.is_mute = False
            self._at = self._end_at
            for fd, said in self._unsaid.items():
                if said:
                    put(fd, said)
        data = inlet.take(CHUNK)
        if data:
            raise WrongCause(self.script.steps[self._at], data)
        if inlet.at_end:
            self._at += 1
            self._anchor_ns = self._loop_ns()
            self._drop_inlet()

    def _refuse_signals(self) -> None:
        """One that was sent while it waited for input is not on the tape."""
        if self._signals:
            raise WrongCause(None, self._signals.pop(0))

    def due_ns(self) -> int | None:
        """As any virtual child."""
        return None if self._inlet is not None else super().due_ns()

    def so_far(self) -> Script:
        """As any virtual child."""
        return VirtualChild.so_far(self)

    def streams(self) -> list[int]:
        """As any virtual child."""
        with self._lock:
            return [] if self._inlet is None else [*self._pipes, self._inlet.fd]

    def _next(self) -> script.Step | None:
        return VirtualChild._next(self)

    def _awaits_input(self) -> bool:
        return self._inlet is not None

    def _watch(self) -> None:
        self._watch_for_stall(waits=self._inlet is not None)
        self._watch_inlet()
