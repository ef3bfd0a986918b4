"""A content on its way into a pipe: a :class:`Pour` is how far it has come. The child room pours on replay.

What is in a file is handed to the pipe by the system, splice(2), and never comes past here as bytes. It is
checked meanwhile, and nobody gets the last of it, nor its end, before it is known to be what was stored.
"""

from __future__ import annotations

import os
import stat

from .content import Content
from .damage import Check

_STEP = 1 << 18
"""Bytes that are moved, and checked, at once."""


def can_pour(pipe: int) -> bool:
    """Whether the system can move what is in a file to ``pipe``: Linux can, where it is a pipe indeed."""
    return hasattr(os, "splice") and stat.S_ISFIFO(os.fstat(pipe).st_mode)


class Pour:
    """One content, and what of it is still to come.

    Attributes:
        content: what is poured.
        offset: bytes that have gone.
    """

    __slots__ = ("_check", "content", "offset")

    def __init__(self, content: Content) -> None:
        self.content = content
        self.offset = 0
        self._check: Check | None = None

    def into(self, pipe: int) -> int:
        """Move as much as ``pipe`` takes without blocking; the bytes of that.

        Raises:
            TapeCorrupt: the file can't be read, or is not what was stored.
            OSError: of the pipe, but for its being full.
        """
        began, size = self.offset, self.content.size
        with self.content.opened() as fd:
            if self._check is None:
                self._check = self.content.check(fd)
            while self.offset < size:
                end = min(self.offset + _STEP, size)
                self._check.up_to(fd, end if end == size else self.offset)
                try:
                    count = os.splice(
                        fd, pipe, end - self.offset, offset_src=self.offset, flags=os.SPLICE_F_NONBLOCK
                    )
                except BlockingIOError:
                    break
                if not count:
                    raise self.content.ended_early(self.offset)
                self.offset += count
        return self.offset - began
