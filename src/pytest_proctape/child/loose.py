"""Input that is not held against the tape byte by byte: patterns, and stdin that is not compared at all.

The virtual child asks a :class:`LooseInput` whether enough has come for its next step to happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..tape import STDIN, Content, Script, fits_input, free_steps, script
from .channels import CHUNK, Inlet

_NEWLINE = b"\n"


class Unfitting(Exception):
    """What came is not what the pattern stands for.

    Attributes:
        data: it.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(data)


class LooseInput:
    """What has come in so far, and what of it no step has been content with yet.

    Attributes:
        received: all of it.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self._lines = 0
        self._told = 0
        """Of ``received``, up to where steps have been passed."""
        self._owed_lines = 0
        """Lines of the recorded input up to the last step that was passed."""
        self._owed_bytes = 0

    def take(self, inlet: Inlet | None, step: free_steps.FreeInput) -> bool:
        """Whether ``step`` has happened by now.

        Raises:
            Unfitting: it can't happen any more.
        """
        while inlet is not None and (data := inlet.take(CHUNK)):
            self.received += data
            self._lines += data.count(_NEWLINE)
        at_end = inlet is None or inlet.at_end
        match step:
            case free_steps.AnyInput():
                return self._any(step, at_end)
            case free_steps.AnyInputEnd():
                return at_end
            case free_steps.InputPattern():
                return self._pattern(step, at_end)

    def _any(self, step: free_steps.AnyInput, at_end: bool) -> bool:
        """Whether something came for this step, or more than enough for those before it.

        A parent that sends less than in the recording must not wait for an answer for ever, so anything
        new will do; only the line that is being sent is awaited where lines were sent. A parent
        that sends several requests at once gets as many answers.
        """
        new = len(self.received) > self._told
        if step.whole_lines:
            new = new and self.received.endswith(_NEWLINE)
            owed, have = self._owed_lines + step.lines, self._lines
        else:
            owed, have = self._owed_bytes + step.size, len(self.received)
        if not (new or at_end or have >= owed):
            return False
        self._told = len(self.received)
        self._owed_lines += step.lines
        self._owed_bytes += step.size
        return True

    def _pattern(self, step: free_steps.InputPattern, at_end: bool) -> bool:
        line_end = -1 if step.to_end else self.received.find(_NEWLINE, self._told)
        if line_end < 0 and not at_end:
            return False
        end = line_end + 1 or len(self.received)
        data = bytes(self.received[self._told : end])
        forms = {data, data.removesuffix(_NEWLINE)}
        if not any(fits_input(step.pattern, form) for form in forms):
            raise Unfitting(data)
        self._told = end
        return True


def loosened(played: Script) -> Script:
    """``played`` for a parent that may send what it likes.

    Output that followed input still waits for some; inputs that followed one another become one.
    """
    steps = tuple(_loosened(played.steps))
    return played.but(steps=steps, has_input=False)


def _loosened(steps: Iterable[script.Step]) -> Iterator[script.Step]:
    pending: free_steps.AnyInput | None = None
    for step in steps:
        if isinstance(step, script.Input):
            lines = sum(chunk.count(_NEWLINE) for chunk in step.data.chunks())
            size = step.data.size
            whole = step.data.read(max(0, size - 1), 1) == _NEWLINE
            before = pending or free_steps.AnyInput(0, 0, False)
            pending = free_steps.AnyInput(before.lines + lines, before.size + size, whole, step.at_ns)
            continue
        if pending is not None:
            yield pending
            pending = None
        if isinstance(step, free_steps.InputPattern):
            pending = free_steps.AnyInput(1, 1, False, step.at_ns)
        else:
            yield free_steps.AnyInputEnd(step.at_ns) if isinstance(step, script.InputEnd) else step
    if pending is not None:
        yield pending


def with_received(played: Script, steps: tuple[script.Step, ...], received: bytes) -> Script:
    """``played`` as far as ``steps``, with what was really sent as its input."""
    if not any(isinstance(step, free_steps.FreeInput) for step in steps):
        return played if steps is played.steps else played.but(steps=steps)
    rest = tuple(step for step in steps if not isinstance(step, script.AwaitsInput))
    sent = (script.Input(Content.of(received)),) if received else (script.InputEnd(),)
    result = played.but(steps=(*sent, *rest))
    assert result.stream(STDIN) is not None
    return result
