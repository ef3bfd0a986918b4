"""What a module has done so far, as the steps of a child: for ``tape.children`` and the log."""

from __future__ import annotations

from ..tape import STDIN, Content, script


class Transcript:
    """Notes what goes in and out; what follows the same way in one go is one step."""

    def __init__(self) -> None:
        self._steps: list[script.Step] = []
        self._fd = -1
        self._data = bytearray()
        self._at_ns = 0

    def add(self, fd: int, data: bytes, at_ns: int) -> None:
        """Bytes have gone through ``fd``, at this time of the tape."""
        if fd != self._fd or at_ns != self._at_ns:
            self.part()
            self._fd, self._at_ns = fd, at_ns
        self._data += data

    def end(self, fd: int, at_ns: int) -> None:
        """``fd`` has been closed."""
        self.part()
        self._steps.append(script.InputEnd(at_ns) if fd == STDIN else script.OutputEnd(fd, at_ns))

    def part(self) -> None:
        """What follows is told apart from what was before."""
        if self._fd != -1:
            self._steps.append(self._open_step())
            self._fd, self._data = -1, bytearray()

    def steps(self) -> tuple[script.Step, ...]:
        """All of it."""
        self.part()
        return tuple(self._steps)

    def _open_step(self) -> script.Step:
        content = Content.of(bytes(self._data))
        if self._fd == STDIN:
            return script.Input(content, self._at_ns)
        return script.Output(self._fd, content, self._at_ns)
