"""The payload files of a suite: bytes too large for a tape, under a name that is their hash.

:mod:`.store` is a store of these as well. Two tapes with the same bytes share a file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import TapeCorrupt
from ..owned import Owned
from . import packed as packing
from .content import PAYLOAD_THRESHOLD, Content, decode, encode
from .files import check_inside, create, replace_with, write_all, write_atomically
from .model import Base64, Payload, Stream
from .names import PAYLOADS

_SHORT_TEXT = 320
_SHORT_BYTES = 1 << 6
"""Bytes up to which text, and other content, of a file that a command made stands on the tape itself."""

_LARGE = 1 << 20
"""Bytes of a payload of which looking through takes time."""


class PayloadStore:
    """What a stream is on the tapes under ``root``, and the bytes that it is.

    Attributes:
        root: absolute. It need not exist, and need not be writable for loading.
        threshold: bytes up to which a stream stands on the tape itself.
        payloads: where the payload files are.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self.threshold = PAYLOAD_THRESHOLD
        self.payloads = self.root / PAYLOADS

    def encode(self, data: Content | bytes) -> Stream:
        """The form of ``data`` on a tape of this store; large data is stored here at once.

        Raises:
            TapeWriteError: as for :meth:`add_payload`.
        """
        return encode(data, self.add_payload, threshold=self.threshold)

    def encode_file(self, data: Content, add_payload: Callable[[Content], Payload]) -> Stream:
        """The form of a file's content on a tape of this store.

        What a suite's commands make is much the same in every test, so it goes into a payload that all
        tapes share, unless it is as short as its hash, or a short text that a reviewer can read.

        Args:
            data: the content.
            add_payload: keeps what becomes a payload; see :meth:`add_file`.
        """
        if data.size > _SHORT_TEXT:
            return add_payload(data)
        stream = encode(data)
        if isinstance(stream, Base64) or b"\0" in data.bytes():
            return add_payload(data) if data.size > _SHORT_BYTES else stream
        return stream

    def add_file(self, data: Content) -> Payload:
        """:meth:`add_payload` for a file's content, packed where that is worth it.

        Raises:
            TapeWriteError, TapeError: as for :meth:`add_payload`.
        """
        return self.add_payload(data, packed=data.size >= packing.WORTH)

    def decode(self, stream: Stream) -> Content:
        """The bytes that ``stream`` of a tape of this store stands for.

        Raises:
            TapeCorrupt: its payload is missing or damaged.
            TapeError: its payload's path leads out of the root.
        """
        if isinstance(stream, Payload):
            path = self.payloads / stream.sha256
            check_inside(path, self.root)
            packed_path = path.with_name(path.name + packing.SUFFIX)
            if not path.exists() and packed_path.exists():
                check_inside(packed_path, self.root)
                return packing.unpack(packed_path, stream)
        return decode(stream, self.payloads)

    def add_payload(self, data: Content | bytes, *, packed: bool = False) -> Payload:
        """Keep ``data`` in a file named by its hash.

        A temporary file of a spool becomes the payload without being copied, and the content reads
        from there from now on. Bytes that are kept already are not written again.

        Args:
            data: any bytes.
            packed: save room where that is worth it.

        Raises:
            TapeWriteError: the file could not be written.
            TapeError: its path leads out of the root.
        """
        content = Content.of(data) if isinstance(data, bytes) else data
        payload = Payload(sha256=content.sha256, size=content.size)
        if content.size >= _LARGE and content.crc32 is not None:
            payload = payload.but(crc32=content.crc32)
        path = self.payloads / payload.sha256
        old = check_inside(path, self.root)
        if not self._has(payload):
            if packed and self._pack(path, content):
                return payload
            replace_with(path, lambda temporary: _fill(temporary, content), old)
        if content.temporary:
            content.relocate(path)
        return payload

    def _pack(self, path: Path, content: Content) -> bool:
        """Keep ``content`` packed, if that is worth it."""
        data = packing.pack(content)
        if data is None:
            return False
        packed = path.with_name(path.name + packing.SUFFIX)
        write_atomically(packed, data, check_inside(packed, self.root))
        return True

    def _has(self, payload: Payload) -> bool:
        """Whether the payload is there and whole; a damaged one is to be replaced."""
        try:
            kept = self.decode(payload)
            kept.read(0, 1)
        except TapeCorrupt:
            return False
        return True


def _fill(path: str, content: Content) -> None:
    """Make ``path`` the bytes of ``content``: a second name of its temporary file, or a copy."""
    linked = False
    if content.temporary and content.path is not None:
        with contextlib.suppress(OSError):
            os.link(content.path, path)
            linked = True
    fds = Owned()
    fd = fds.take(os.open, path, os.O_RDONLY | os.O_CLOEXEC) if linked else create(path, fds)
    try:
        if not linked:
            _write_chunks(fd, content.chunks())
        os.fsync(fd)
    finally:
        fds.close(fd)


def _write_chunks(fd: int, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        write_all(fd, chunk)
