"""How a virtual child takes what its parent sends; :mod:`.machine` asks when the tape has come to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..clock import Waits
from ..tape import Script, free_steps, script
from .causes import WrongCause
from .channels import CHUNK, Inlet
from .ends import Ends
from .loose import LooseInput, Unfitting

if TYPE_CHECKING:
    from .console import PlayedConsole

_SHOWING = script.Input | script.Output


class Taking(Ends):
    """The input of one child."""

    _at: int
    _waits: Waits | None
    _console: PlayedConsole | None = None
    _retold: Callable[[], Script] | None
    _loose: LooseInput | None = None
    _offset = _taken = 0
    _got = b""
    """Input that was taken for a step which needs more."""
    _unheard = b""
    """What was typed in the place of a hang-up."""

    def _is_due(self, at_ns: int) -> bool:
        """Whether the time has come for what happened so long after the last cause."""
        raise NotImplementedError

    def _has_no_room(self, step: script.Step) -> bool:
        """Whether the recorded child took this when it came to it, and not when it was sent.

        That shows only under a mock clock, and only once more has been sent than a pipe holds.
        """
        return (
            self._waits is not None
            and isinstance(step, script.Input | script.InputEnd)
            and not self._is_due(step.at_ns)
            and self._taken >= CHUNK
        )

    def _take_any(self, step: script.AwaitsInput) -> bool:
        match step:
            case script.Input():
                return self._take(step)
            case script.InputEnd():
                return self._take_end(step)
            case _:
                return self._take_loosely(step)

    def _take(self, step: script.Input) -> bool:
        inlet = self._inlet
        if inlet is None:
            raise WrongCause(step, None)
        if step.open is not None:
            return self._take_open(step, step.open, inlet)
        if self._has_no_room(step):
            return False
        while self._offset < step.data.size:
            data = inlet.take(min(CHUNK, step.data.size - self._offset))
            if not data:
                if inlet.at_end and not self._may_be_lost():
                    raise WrongCause(step, None, self._offset)
                if not inlet.at_end:
                    return False
                break
            if step.data.read(self._offset, len(data)) != data:
                raise WrongCause(step, data, self._offset)
            self._offset += len(data)
            self._taken += len(data)
        self._offset = 0
        return True

    def _may_be_lost(self) -> bool:
        """Whether the terminal was hung up when this had been typed, and nothing had come of it."""
        rest = self.script.steps[self._at + 1 :]
        return self._console is not None and not any(isinstance(one, _SHOWING) for one in rest)

    def _take_open(self, step: script.Input, awaited: script.OpenInput, inlet: Inlet) -> bool:
        """Input of which the tape does not know every byte."""
        while data := inlet.take(CHUNK):
            self._got += data
            self._taken += len(data)
        got = self._got
        try:
            used = awaited.met(got, ended=inlet.at_end)
        except ValueError:
            raise WrongCause(step, got) from None
        if used is None:
            return False
        inlet.put_back(got[used:])
        self._got = b""
        if self._retold is not None:
            # What the parent has said turns up in what the child says from now on.
            self.script = self._retold()
        return True

    def _take_end(self, step: script.InputEnd) -> bool:
        if self._inlet is None:
            return True
        if self._has_no_room(step):
            return False
        data = self._inlet.take(CHUNK)
        if data and self._console is not None:
            # What is typed just before a terminal is hung up may be lost, and was in the recording. Unless
            # that comes, it is told to the next who asks for the child.
            self._unheard += data
            data = self._inlet.take(CHUNK)
        if data:
            raise WrongCause(step, data)
        return self._inlet.at_end

    def _take_loosely(self, step: free_steps.FreeInput) -> bool:
        try:
            self._loose = self._loose or LooseInput()
            return self._loose.take(self._inlet, step)
        except Unfitting as wrong:
            raise WrongCause(step, wrong.data) from None
