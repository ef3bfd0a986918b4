"""Where the bytes of a large output end up, beside the thread that brings them: in hashes, and in a file.

The spools use it. What is handed over is hashed from the beginning on, also while it may still stay in
memory. The file is sent to the disk while more comes: at the end that would take as long as the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import weakref
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..owned import Owned
from ..unfaked import OwnPath
from .aside import Aside
from .files import create, make_folder, temporary_beside, write_all

_UNDER_WAY = 4
"""Pieces that may wait before whoever brings more has to."""

_SYNCED = 1 << 24
"""Bytes that go to the disk together."""

_FDATASYNC = getattr(os, "fdatasync", os.fsync)
"""macOS has only the other."""


class TemporaryFile:
    """A file open for writing that goes away with this object, unless it is a forked child's copy."""

    __slots__ = ("__weakref__", "_fd", "_fds", "_finalizer", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fds = Owned()
        self._fd = create(str(path), self._fds)
        self._finalizer = weakref.finalize(self, _let_go, self._fds, path, os.getpid())

    def write(self, data: bytes | memoryview) -> None:
        """Put ``data`` behind what is there."""
        write_all(self._fd, data)

    def sync(self) -> None:
        """Wait until the disk has all that was written."""
        _FDATASYNC(self._fd)

    def close(self) -> None:
        """Nothing more is written."""
        self._fds.close(self._fd)

    def remove(self) -> None:
        """Let it go now."""
        self._finalizer()


def _let_go(fds: Owned, path: Path, pid: int) -> None:
    fds.close_all()
    if os.getpid() == pid:
        with contextlib.suppress(OSError):
            os.unlink(path)


class Drain:
    """Hashes what it is given, and writes it where there is a file. Not for two threads at once.

    Attributes:
        file: where it is written to, once :meth:`open` was called.
        error: what the disk said.
    """

    __slots__ = (
        "_aside",
        "_at_disk",
        "_crc",
        "_digest",
        "_hashed",
        "_syncing",
        "_unsynced",
        "_written",
        "error",
        "file",
    )

    def __init__(self) -> None:
        self.file: TemporaryFile | None = None
        self.error: OSError | None = None
        self._aside = Aside(_UNDER_WAY)
        self._syncing = Aside(1)
        self._at_disk = False
        self._digest = hashlib.sha256()
        self._crc = self._hashed = self._written = self._unsynced = 0

    def open(self, folder: Path) -> None:
        """Have a temporary file in ``folder``, which is made if need be.

        Raises:
            OSError: there can be none.
        """
        make_folder(folder)
        self.file = TemporaryFile(OwnPath(temporary_beside(f"{folder}/spool")))

    def hash(self, pieces: Sequence[bytes]) -> None:
        """Take up ``pieces``, which stay elsewhere for the time being."""
        self._aside.do(partial(self._hash_all, pieces))

    def write(self, data: bytes | memoryview) -> None:
        """Write ``data`` behind what was written; what of it was not hashed before, is."""
        self._aside.do(partial(self._write, data))

    def wait(self) -> None:
        """Until all is done."""
        self._aside.wait()
        self._syncing.wait()

    @property
    def hashes(self) -> tuple[str, int]:
        """SHA-256, hexadecimal, and CRC-32; to be asked when all is done."""
        return self._digest.hexdigest(), self._crc

    def remove(self) -> None:
        """Throw away the file, if there is one."""
        self.wait()
        if self.file is not None:
            self.file.remove()
            self.file = None

    def _hash_all(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._hash(piece)

    def _hash(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self._crc = zlib.crc32(data, self._crc)
        self._hashed += len(data)

    def _write(self, data: bytes | memoryview) -> None:
        file = self.file
        if file is None or self.error is not None:
            return
        try:
            file.write(data)
        except OSError as error:
            self.error = error
        known = self._hashed - self._written
        self._written += len(data)
        self._unsynced += len(data)
        # A disk that can't keep up holds nobody up: what is left is waited for at the end.
        if self._unsynced >= _SYNCED and not self._at_disk:
            self._unsynced, self._at_disk = 0, True
            self._syncing.do(partial(self._sync, file))
        if known < len(data):
            self._hash(memoryview(data)[known:])

    def _sync(self, file: TemporaryFile) -> None:
        # The system tells of a failure once.
        try:
            file.sync()
        except OSError as error:
            self.error = error
        finally:
            self._at_disk = False
