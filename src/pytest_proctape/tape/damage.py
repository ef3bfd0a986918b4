"""Whether a payload file is still what was stored; :mod:`.content` and :mod:`.pour` ask."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from pathlib import Path

from ..errors import TapeCorrupt
from .pointer import pointer_at, unfetched

RESTORE = "restore the file from version control, or record the test again with --record-tapes"

_STEP = 1 << 18
"""Bytes that are read at once: they stay in the processor's cache."""

_right: set[tuple[str, int, int, int, int]] = set()
"""Files that were found to be right, by path, inode, size in bytes and times in nanoseconds: that of the last
change tells of one whose modification time was put back.
"""


def damaged(path: Path, problem: str, size: int, sha256: str = "") -> TapeCorrupt:
    """The error for a payload that is not what was stored."""
    expected = f"{size} bytes" + (f" with SHA-256 {sha256}" if sha256 else "")
    return TapeCorrupt(path, f"the payload is damaged: {problem}", expected=expected, next_step=RESTORE)


def check_file(path: Path, status: os.stat_result, size: int) -> None:
    """See that it is a regular file of this size.

    Raises:
        TapeCorrupt: it is not.
    """
    if not stat.S_ISREG(status.st_mode):
        raise damaged(path, "it is not a regular file", size)
    if status.st_size != size:
        if pointer_at(path):
            raise unfetched(path, f"{size} bytes")
        raise damaged(path, f"it has {status.st_size} bytes", size)


class Check:
    """One look through a file, from its beginning to its end, in as many parts as one likes.

    Where the tape has a CRC-32, it is looked at: it tells damage as well, and takes a third of the time.

    Args:
        path: the file.
        fd: open for reading.
        size: bytes that it should have.
        sha256: its hash, hexadecimal.
        crc32: its CRC-32; ``None`` where nobody knows.

    Raises:
        TapeCorrupt: it has another size, or is no regular file.
    """

    __slots__ = ("_crc", "_crc32", "_digest", "_done", "_key", "_path", "_sha256", "_size")

    def __init__(self, path: Path, fd: int, size: int, sha256: str, crc32: int | None) -> None:
        status = os.fstat(fd)
        check_file(path, status, size)
        self._path = path
        self._size = size
        self._sha256 = sha256
        self._crc32 = crc32
        self._crc = 0
        times = status.st_mtime_ns, status.st_ctime_ns
        self._key = (str(path), status.st_ino, status.st_size, *times)
        self._done = size if self._key in _right else 0
        self._digest = None if crc32 is not None or self._done else hashlib.sha256()

    def up_to(self, fd: int, end: int) -> None:
        """Look at what stands before ``end`` and was not looked at yet.

        Raises:
            TapeCorrupt: that was the end of the file, and its bytes are others.
            OSError: it can't be read.
        """
        if self._done >= self._size:
            return
        while self._done < end:
            data = os.pread(fd, min(_STEP, end - self._done), self._done)
            if not data:
                raise damaged(self._path, f"it ended after {self._done} bytes", self._size)
            if self._digest is None:
                self._crc = zlib.crc32(data, self._crc)
            else:
                self._digest.update(data)
            self._done += len(data)
        if self._done == self._size:
            by_crc = self._digest is None and self._crc == self._crc32
            if not by_crc and (self._digest is None or self._digest.hexdigest() != self._sha256):
                raise damaged(self._path, "its bytes have another hash", self._size, self._sha256)
            _right.add(self._key)
