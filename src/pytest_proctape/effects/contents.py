"""Contents of files: read for a tape, hashed for a comparison. Nothing here follows a link."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..owned import Owned
from ..tape import Content, Spool
from .chance import masked
from .shutting import is_locked, shut

CHUNK = 1 << 20
HASHED = 1 << 20
"""Bytes up to which the content of a file is looked at for what was there before."""

_OPEN, _FSTAT, _PREAD = os.open, os.fstat, os.pread
"""As they were when the package was imported: a test may put others in their place."""

_SPARSE = 1 << 16
"""Smaller files are kept without their holes."""

Conceal = Callable[[bytes], bytes]


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A regular file for reading.

    Raises:
        OSError: it is none, or can't be opened.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(f"no regular file: {path}")
        yield fd
    finally:
        shut(fd)


def regular(path: str, limit: int) -> tuple[os.stat_result, bytes | None] | None:
    """A regular file, links followed: its status and its bytes; these only where it has at most ``limit``.

    ``None`` for anything else, and for what can't be read.
    """
    files = Owned()
    try:
        fd = files.take(_OPEN, path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        status = _FSTAT(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        return status, None if status.st_size > limit else _PREAD(fd, status.st_size + 1, 0)
    except OSError:
        return None
    finally:
        if is_locked(fd):
            shut(files.pop(fd))
        files.close(fd)


def digest_of(data: bytes, conceal: Conceal) -> str:
    """What a tape says of content: the beginning of its hash, the same on every machine."""
    return hashlib.sha256(conceal(data)).hexdigest()[:16]


def file_digest_of(data: bytes, conceal: Conceal) -> str:
    """:func:`digest_of` for the content of a file; behind it, where some of it is chance, for all the rest.

    An index of git that the test itself wrote holds times and inodes, and is the same for all that.
    """
    settled = masked(data)
    exact = digest_of(data, conceal)
    return exact if settled == data else f"{exact} {digest_of(settled, conceal)}"


def told(digest: str) -> str:
    """What of a digest of a file goes onto a tape."""
    return digest.rpartition(" ")[2]


def file_digest(path: str, size: int, conceal: Conceal) -> str:
    """:func:`file_digest_of` for a file; ``""`` where it is too large or can't be read."""
    if size > HASHED:
        return ""
    try:
        with opened(path) as fd:
            data = read_all(fd, HASHED + 1)
    except OSError:
        return ""
    return "" if len(data) > HASHED else file_digest_of(data, conceal)


def read_all(fd: int, limit: int) -> bytes:
    """The bytes of a file from its beginning, at most ``limit`` of them."""
    parts = []
    done = 0
    while done < limit and (data := os.pread(fd, min(CHUNK, limit - done), done)):
        parts.append(data)
        done += len(data)
    return b"".join(parts)


def read(
    path: str, new_spool: Callable[[], Spool]
) -> tuple[Content, int | None, tuple[tuple[int, int], ...]]:
    """The content of a file; where it has holes, also its size and where the content lies between them.

    Raises:
        OSError: it can't be read.
    """
    with opened(path) as fd:
        status = os.fstat(fd)
        parts = tuple(_parts(fd, status)) if _has_holes(status) else ((0, status.st_size),)
        spool = new_spool()
        for offset, length in parts:
            end = offset + length
            while offset < end and (data := os.pread(fd, min(CHUNK, end - offset), offset)):
                spool.write(data)
                offset += len(data)
    content = spool.content()
    if sum(length for _, length in parts) != content.size or parts == ((0, status.st_size),):
        return content, None, ()
    return content, status.st_size, parts


def _has_holes(status: os.stat_result) -> bool:
    return status.st_size > _SPARSE and status.st_blocks * 512 < status.st_size


def _parts(fd: int, status: os.stat_result) -> Iterator[tuple[int, int]]:
    """Where there is data: lseek(2), SEEK_DATA. A file system without holes says, everywhere."""
    at = 0
    while at < status.st_size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return  # ENXIO: nothing but a hole up to the end
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at - start


def size_to_read(status: os.stat_result) -> int:
    """Bytes that a file would take on a tape, holes left out."""
    return min(status.st_size, status.st_blocks * 512) if _has_holes(status) else status.st_size
