"""Bytes on their way onto a tape: a :class:`Spool` takes what a child writes while it is being recorded.

The child room writes, the store makes the spools. A small one stays in memory; a large one goes to a
temporary file that is removed when nothing refers to it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import UnredactableOutput
from .content import PAYLOAD_THRESHOLD, Content
from .drain import Drain
from .files import write_error

OVERLAP = 1 << 16
"""Bytes of the longest secret that is found wherever it begins."""

_WINDOW = 1 << 20
"""Bytes that are looked at together: what fits into a processor's cache."""


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
        "_closed",
        "_content",
        "_drain",
        "_error",
        "_folder",
        "_is_secret",
        "_kept",
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
        self._threshold = threshold
        self._parts: list[bytes] = []
        """The last of it, which nobody has looked at or hashed; on the way to a file it begins with what
        was looked at, and is looked at again."""
        self._waiting = 0
        self._kept = bytearray()
        """What came before that, as long as it stays in memory."""
        self._size = 0
        self._refused = False
        self._drain: Drain | None = None
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
        self._parts.append(bytes(data))
        self._waiting += len(data)
        try:
            if self._drain is None or self._drain.file is None:
                if self._size > self._threshold:
                    self._spill()
                elif self._waiting >= _WINDOW:
                    self._keep()
            elif self._waiting >= _WINDOW:
                self._look_and_put(but=OVERLAP)
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
            if self._drain is None:
                self._raise_what_went_wrong()
                self._content = Content.of(b"".join(self._parts))
            else:
                self._content = self._from(self._drain)
            self._parts, self._kept = [], bytearray()
            self._drain = None
        return self._content

    def close(self) -> None:
        """Throw away what was written, unless its content was asked for."""
        self._closed = True
        self._parts, self._kept = [], bytearray()
        if self._drain is not None:
            self._drain.remove()

    def _raise_what_went_wrong(self) -> None:
        if self._error is not None:
            self.close()
            raise write_error(self._folder, self._error) from self._error
        if self._closed:
            raise ValueError("this spool was closed and its content thrown away")
        if self._refused:
            raise UnredactableOutput(self._threshold)

    def _from(self, drain: Drain) -> Content:
        if drain.file is None:
            drain.hash(self._parts)
        elif not self._closed:
            self._look_and_put()
        drain.wait()
        self._error = self._error or drain.error
        self._raise_what_went_wrong()
        sha256, crc32 = drain.hashes
        if drain.file is None:
            return Content.of(b"".join([self._kept, *self._parts]), sha256=sha256, crc32=crc32)
        drain.file.close()
        return Content.from_file(drain.file.path, self._size, sha256, owner=drain.file, crc32=crc32)

    def _keep(self) -> None:
        """Have the last of it hashed, so that there is less to be done at the end."""
        if self._drain is None:
            self._drain = Drain()
        self._drain.hash(self._parts)
        self._take_up()

    def _take_up(self) -> None:
        for part in self._parts:
            self._kept += part
        self._parts, self._waiting = [], 0

    def _spill(self) -> None:
        """There is too much of it: what was kept goes to a file, and what comes as well."""
        if self._drain is None:
            self._drain = Drain()
        self._drain.open(self._folder)
        self._take_up()
        kept, self._kept = self._kept, bytearray()
        for window in _windows(kept):
            self._parts.append(window)
            self._waiting += len(window)
            if not self._refused:
                self._look_and_put(but=OVERLAP)

    def _look_and_put(self, but: int = 0) -> None:
        """Look at the last of it, and have it written but for so many bytes: a secret may begin there."""
        drain = self._drain
        if drain is None or drain.error is not None:
            return
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self._is_secret is not None and self._is_secret(data):
            self._refused = True
            self._parts, self._waiting = [], 0
            drain.remove()
            return
        held = min(but, len(data))
        self._parts, self._waiting = [data[len(data) - held :]], held
        if held < len(data):
            drain.write(memoryview(data)[: len(data) - held])


def _windows(data: bytearray) -> Iterator[bytes]:
    for start in range(0, len(data), _WINDOW):
        yield bytes(memoryview(data)[start : start + _WINDOW])
