"""A regular file as a child's standard input: what the child did to it, told by the file afterwards.

Parent and child share the position in such a file, so the child gets the file itself and no tap. The
recording child asks here, once the child has ended, what it has read and what it has written: a file
that is open for both, or that is its standard output too, is not only read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable

from ..errors import UnsupportedSpawn
from ..genuine import close
from ..tape import STDIN, Content, Spool, script
from .channels import CHUNK
from .wiring import is_open, is_regular, out_of_the_way

_LIMIT = 1 << 26
"""Bytes of a file that is read and written which are kept to tell the two apart."""


class InputFile:
    """The file, from the spawn to the end of the child."""

    def __init__(self, parents: int, new_spool: Callable[[], Spool]) -> None:
        """Remember where its position is.

        Args:
            parents: the parent's descriptor of it; it is duplicated.
            new_spool: makes what keeps what the child has read.
        """
        self._new_spool = new_spool
        self._fd = out_of_the_way(parents)
        self._start = os.lseek(parents, 0, os.SEEK_CUR)
        self._size = os.fstat(parents).st_size
        self._output: tuple[int, int, int, int] | None = None
        self._before: bytes | None = None
        if fcntl.fcntl(parents, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR:
            try:
                self._keep()
            except BaseException:
                close(self._fd)
                raise

    def is_also(self, parents: int) -> bool:
        """Whether ``parents``, which the child is to write to, is the same file."""
        if not is_open(parents) or not is_regular(parents):
            return False
        return os.path.sameopenfile(self._fd, parents)

    def written_as(self, fd: int, parents: int) -> None:
        """The child writes to the file as its ``fd``.

        Raises:
            UnsupportedSpawn: what it wrote there could not be told afterwards.
        """
        if self._output is not None and self._output[1] != parents:
            raise UnsupportedSpawn("one file as stdin, stdout and stderr", "give two of them a file each")
        if self._output is None:
            start = os.lseek(parents, 0, os.SEEK_CUR)
            if fcntl.fcntl(parents, fcntl.F_GETFL) & os.O_APPEND:
                start = self._size
            if _one_position(self._fd, parents):
                start = -1
            self._output = (fd, parents, out_of_the_way(parents), start)
            self._keep()

    def _keep(self) -> None:
        """Keep what is in the file behind the position, to be able to tell what is new."""
        if self._before is None:
            if self._size - self._start > _LIMIT:
                raise UnsupportedSpawn(
                    "a large file that is both read and written",
                    f"what a child does to more than {_LIMIT} bytes can't be told; open it for reading",
                )
            self._before = os.pread(self._fd, max(0, self._size - self._start), self._start)

    def steps(self) -> list[script.Step]:
        """What the child did, as far as the file tells."""
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        if self._output is not None and self._output[3] >= 0:
            return self._apart(end, self._output[0], self._output[2], self._output[3])
        fd = STDIN if self._output is None else self._output[0]
        if end <= self._start:
            return []
        if self._before is None:
            return self._was_read(self._copied(end), end)
        after = self._read(self._start, end)
        if after == self._before[: len(after)]:
            return self._was_read(Content.of(after), end)
        same = _shared(self._before, after)
        # What is written as it was before looks like what is read. It does the same to file and position.
        return [*self._was_read(Content.of(after[:same]), self._start + same), _output(fd, after[same:])]

    def _apart(self, end: int, fd: int, output: int, start: int) -> list[script.Step]:
        """Two positions in one file: each tells of its own direction."""
        assert self._before is not None
        written = _output(fd, self._read(start, os.lseek(output, 0, os.SEEK_CUR)))
        first, own = self._before[: max(0, end - self._start)], max(0, end - max(self._start, self._size))
        steps = [*self._was_read(Content.of(first), self._start + len(first)), written]
        if own:
            steps.append(script.Input(Content.of(self._read(end - own, end))))
        return [one for one in steps if not isinstance(one, script.Output) or one.data.size]

    def _was_read(self, data: Content, end: int) -> list[script.Step]:
        if not data.size:
            return []
        ended = [script.InputEnd()] if self._output is None and end == os.fstat(self._fd).st_size else []
        return [script.Input(data), *ended]

    def _copied(self, end: int) -> Content:
        """All from where the child began; a large file is not held in memory."""
        spool = self._new_spool()
        for start in range(self._start, end, CHUNK):
            spool.write(self._read(start, min(start + CHUNK, end)))
        return spool.content()

    def _read(self, start: int, end: int) -> bytes:
        if fcntl.fcntl(self._fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY:
            return os.pread(self._fd, max(0, end - start), start)
        with open(f"/dev/fd/{self._fd}", "rb") as again:
            return os.pread(again.fileno(), max(0, end - start), start)

    def close(self) -> None:
        """Let go of the file."""
        close(self._fd)
        if self._output is not None:
            close(self._output[2])


def _output(fd: int, data: bytes) -> script.Output:
    return script.Output(fd, Content.of(data))


def _shared(left: bytes, right: bytes) -> int:
    """How many bytes the two begin with in common."""
    at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    return min(len(left), len(right)) if at is None else at


def _one_position(one: int, other: int) -> bool:
    """Whether two descriptors of a file are copies of each other, so that one's position is the other's."""
    here, there = os.lseek(one, 0, os.SEEK_CUR), os.lseek(other, 0, os.SEEK_CUR)
    os.lseek(one, here + 1, os.SEEK_SET)
    try:
        return os.lseek(other, 0, os.SEEK_CUR) == here + 1 and there == here
    finally:
        os.lseek(one, here, os.SEEK_SET)
