"""The parent's ends of a child's pipes under a mock clock: files that let time pass while they wait.

``Popen`` opens them with ``io.open``; what it gets here are the same kinds of objects, but for the raw file
below, which asks the clock before a read or a write that would block.
"""

from __future__ import annotations

import io
import os
import warnings
from types import ModuleType
from typing import Any

from ..clock import CLOCK
from ..genuine import select
from . import pausing

_PIECE = select.PIPE_BUF
_NO_LINES = (
    "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used"
)
_REAL_FDOPEN = os.fdopen


class FileIO(io.FileIO):
    """A raw file on a pipe."""

    def readinto(self, buffer: Any, /) -> int | None:
        """As ever, when there is something to read."""
        self._await(select.POLLIN)
        return super().readinto(buffer)

    def read(self, size: int | None = -1, /) -> Any:
        """As ever, when there is something to read."""
        if size is None or size < 0:
            return self.readall()
        data = self._read(size)
        if pausing.clocked():
            # The caller sees in which pieces it comes.
            CLOCK.timeline.part()
        return data

    def _read(self, size: int) -> Any:
        self._await(select.POLLIN)
        return super().read(size)

    def readall(self) -> Any:
        """Everything up to the end."""
        parts = []
        while part := self._read(io.DEFAULT_BUFFER_SIZE):
            parts.append(part)
        return b"".join(parts) if parts or part == b"" else None

    def write(self, data: Any, /) -> int:
        """As ever, when there is room: all of it, or less where it does not block or nobody reads on."""
        if not pausing.clocked():
            return super().write(data)
        pausing.await_fd(self.fileno(), select.POLLOUT)
        if not os.get_blocking(self.fileno()):
            return super().write(data)
        rest = memoryview(data).cast("B")
        written = super().write(rest[:_PIECE])
        while written < len(rest):
            pausing.await_fd(self.fileno(), select.POLLOUT)
            try:
                written += super().write(rest[written : written + _PIECE])
            except BrokenPipeError:
                break
        return written

    def _await(self, event: int) -> None:
        if pausing.clocked() and not self.closed:
            pausing.await_fd(self.fileno(), event)


def open_pipe(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
    """Stands in for :func:`io.open`, as far as it concerns pipes that are opened by their number."""
    if not pausing.clocked() or mode not in ("rb", "wb") or not isinstance(file, int) or args or kwargs:
        return open(file, mode, buffering, *args, **kwargs)
    if buffering == 1:
        warnings.warn(_NO_LINES, RuntimeWarning, stacklevel=2)
    raw = FileIO(file, mode)
    if buffering == 0:
        return raw
    size = buffering if buffering > 1 else max(io.DEFAULT_BUFFER_SIZE, os.fstat(file).st_blksize)
    return io.BufferedReader(raw, size) if mode == "rb" else io.BufferedWriter(raw, size)


def fdopen(
    fd: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Stands in for :func:`os.fdopen`."""
    if not pausing.clocked() or mode not in ("r", "w", "rb", "wb") or args or kwargs:
        return _REAL_FDOPEN(fd, mode, buffering, encoding, errors, newline, *args, **kwargs)
    binary = open_pipe(fd, mode[0] + "b", -1 if buffering == 1 else buffering)
    if mode.endswith("b"):
        return binary
    return io.TextIOWrapper(binary, io.text_encoding(encoding), errors, newline, buffering == 1)


class _Io(ModuleType):
    """The module :mod:`io` as :mod:`subprocess` sees it."""

    open = staticmethod(open_pipe)

    def __getattr__(self, name: str) -> Any:
        return getattr(io, name)


IO = _Io("io")
