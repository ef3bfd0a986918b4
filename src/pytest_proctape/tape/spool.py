"""Bytes on their way onto a tape: a :class:`Spool` takes what a child writes while it is being recorded.

The child room writes, the store makes the spools. A small one stays in memory; a large one goes to a
temporary file that is removed when nothing refers to it any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import weakref
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..errors import UnredactableOutput
from .aside import Aside
from .content import PAYLOAD_THRESHOLD, Content
from .files import create, temporary_beside, write_all, write_error

OVERLAP = 1 << 16
"""Bytes of the longest secret that is found wherever it begins."""

_WINDOW = 1 << 20
"""Bytes that are looked at together: what fits into a processor's cache."""

_UNDER_WAY = 4
"""Windows that may wait for being written before whoever brings more has to."""


class _TemporaryFile:
    """A file open for writing that goes away with this object, unless it is a forked child's copy."""

    __slots__ = ("__weakref__", "_descriptor", "_finalizer", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = [create(path)]
        self._finalizer = weakref.finalize(self, _let_go, self._descriptor, path, os.getpid())

    def write(self, data: bytes | memoryview) -> None:
        write_all(self._descriptor[0], data)

    def close(self) -> None:
        _close(self._descriptor)

    def remove(self) -> None:
        self._finalizer()


def _let_go(descriptor: list[int], path: Path, pid: int) -> None:
    _close(descriptor)
    if os.getpid() == pid:
        with contextlib.suppress(OSError):
            path.unlink()


def _close(descriptor: list[int]) -> None:
    while descriptor:
        os.close(descriptor.pop())


class Spool:
    """Collects bytes, hashes them, and becomes a :class:`~.content.Content`.

    Not for two threads at once. A disk that fails while the child runs must not break the child, so
    :meth:`write` never raises for it; :meth:`content` does.

    Args:
        folder: where a temporary file may be made; it is created when it is needed.
        threshold: bytes that stay in memory.
        is_secret: what must not get onto the disk. Where it says so of a part of what is larger than the
            threshold, nothing is kept. It is asked about all bytes, and about :data:`OVERLAP` of them twice.
    """

    __slots__ = (
        "_aside",
        "_closed",
        "_content",
        "_crc",
        "_digest",
        "_error",
        "_file",
        "_folder",
        "_held",
        "_is_secret",
        "_parts",
        "_refused",
        "_size",
        "_threshold",
        "_waiting",
    )

    def __init__(
        self,
        folder: Path,
        threshold: int = PAYLOAD_THRESHOLD,
        *,
        is_secret: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._folder = folder
        self._is_secret = is_secret
        self._held: list[bytes] = []
        self._waiting = 0
        self._refused = False
        self._threshold = threshold
        self._parts: list[bytes] = []
        self._size = 0
        self._file: _TemporaryFile | None = None
        self._digest = hashlib.sha256()
        self._crc = 0
        self._aside = Aside(_UNDER_WAY)
        self._error: OSError | None = None
        self._content: Content | None = None
        self._closed = False

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def write(self, data: bytes) -> None:
        """Add ``data`` at the end.

        Raises:
            ValueError: its content was asked for already, or it is closed.
        """
        if self._closed or self._content is not None:
            raise ValueError("nothing can be added to this spool any more")
        self._size += len(data)
        if self._error is not None or self._refused:
            return
        if self._file is None and self._size <= self._threshold:
            self._parts.append(bytes(data))
            return
        try:
            if self._file is None:
                self._spill()
            self._put(data)
        except OSError as error:
            self._error = error

    def content(self) -> Content:
        """What was written; nothing can be added any more. Later calls give the same object.

        Raises:
            TapeWriteError: the temporary file could not be written.
            UnredactableOutput: it is more than the threshold, and there is a secret in it.
            ValueError: the spool was closed before.
        """
        if self._content is None:
            self._aside.wait()
            if not self._closed:
                self._put_held()
            if self._error is not None:
                self.close()
                raise write_error(self._folder, self._error) from self._error
            if self._closed:
                raise ValueError("this spool was closed and its content thrown away")
            if self._refused:
                raise UnredactableOutput(self._threshold)
            if self._file is None:
                self._content = Content.of(b"".join(self._parts))
            else:
                self._file.close()
                digest = self._digest.hexdigest()
                self._content = Content.from_file(
                    self._file.path, self._size, digest, owner=self._file, crc32=self._crc
                )
            self._parts = []
            self._file = None
        return self._content

    def close(self) -> None:
        """Throw away what was written, unless its content was asked for."""
        self._closed = True
        self._parts = []
        self._drop_file()

    def _drop_file(self) -> None:
        self._aside.wait()
        if self._file is not None:
            self._file.remove()
            self._file = None

    def _spill(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = _TemporaryFile(temporary_beside(self._folder / "spool"))
        for part in self._parts:
            self._put(part)
        self._parts = []

    def _put(self, data: bytes) -> None:
        """Onto the disk, but for the end: a secret may begin there."""
        if self._is_secret is None:
            self._put_now(data)
        elif not self._refused:
            self._held.append(bytes(data))
            self._waiting += len(data)
            if self._waiting >= _WINDOW:
                self._put_held(but=OVERLAP)

    def _put_held(self, but: int = 0) -> None:
        """Look at what is held and put it onto the disk, but for so many bytes of its end."""
        if not self._held or self._error is not None:
            return
        data = b"".join(self._held)
        self._held, self._waiting = [], 0
        if self._is_secret is not None and self._is_secret(data):
            self._refused = True
            self._drop_file()
        elif but:
            self._held, self._waiting = [data[-but:]], but
            self._aside.do(partial(self._put_now, memoryview(data)[: len(data) - but]))
        else:
            self._aside.wait()
            self._put_now(data)

    def _put_now(self, data: bytes | memoryview) -> None:
        if self._file is None or self._error is not None:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._error = error
        self._digest.update(data)
        self._crc = zlib.crc32(data, self._crc)
