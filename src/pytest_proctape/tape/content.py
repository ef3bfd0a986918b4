"""Bytes as they are while the package works with them: :class:`Content`, and its form on a tape.

:func:`encode` and :func:`decode` lead from bytes to a model's ``Stream`` and back, without a byte of
difference; :func:`encode_argument` and :func:`decode_argument` do it for words of a command line.
The store and the child room call them. Large content stays in its file and is read in pieces.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from ..errors import TapeCorrupt
from ..owned import Owned
from .damage import RESTORE, Check, check_file, damaged
from .model import Argument, Base64, Payload, Stream

PAYLOAD_THRESHOLD = 1 << 16
"""Content of more bytes than this goes to a payload file: nobody reviews it in a diff."""

# Inside the class `bytes` is the method.
_Bytes: TypeAlias = bytes

CHUNK = 1 << 20
_BASE64_WIDTH = 76


class Content:
    """An immutable run of bytes, in memory or in a file.

    Two contents are equal when their bytes are, wherever these are kept. Content in a file is known
    by its hash, which is checked when the file is read for the first time in this process.

    Attributes:
        size: in bytes.
        path: the file that holds the bytes; ``None`` when they are in memory.
    """

    __slots__ = ("_checked", "_crc32", "_data", "_owner", "_sha256", "path", "size")

    def __init__(
        self, data: _Bytes | None, path: Path | None, size: int, sha256: str, crc32: int | None = None
    ) -> None:
        self._data = data
        self.path = path
        self.size = size
        self._sha256 = sha256
        self._crc32 = crc32
        self._checked = False
        self._owner: object = None

    @classmethod
    def of(cls, data: _Bytes, *, sha256: str = "", crc32: int | None = None) -> Content:
        """Content in memory; its hashes are made when somebody asks, unless they are known."""
        return cls(data, None, len(data), sha256, crc32)

    @classmethod
    def from_file(
        cls, path: Path, size: int, sha256: str, *, owner: object = None, crc32: int | None = None
    ) -> Content:
        """Content of a file that is not opened before its bytes are asked for.

        Args:
            path: the file.
            size: in bytes.
            sha256: hexadecimal, lower case.
            owner: kept alive as long as the content reads from ``path``: whoever removes a
                temporary file when it is let go.
            crc32: its CRC-32, which is quicker to check; ``None`` if nobody knows.
        """
        content = cls(None, path, size, sha256, crc32)
        content._owner = owner
        return content

    @property
    def in_file(self) -> bool:
        """The bytes are in a file, not in memory."""
        return self.path is not None

    @property
    def temporary(self) -> bool:
        """The file goes away with this object."""
        return self._owner is not None

    @property
    def sha256(self) -> str:
        """The hash of the bytes, hexadecimal."""
        if not self._sha256:
            self._sha256 = hashlib.sha256(self._data or b"").hexdigest()
        return self._sha256

    @property
    def crc32(self) -> int | None:
        """The CRC-32 of the bytes; ``None`` for those of a file where nobody has said it."""
        if self._crc32 is None and self._data is not None:
            self._crc32 = zlib.crc32(self._data)
        return self._crc32

    def bytes(self) -> _Bytes:
        """All of it, in memory.

        Raises:
            TapeCorrupt: the file is gone, or is not what it was when it was stored.
        """
        return self._data if self._data is not None else self._read_file(0, self.size)

    def read(self, offset: int, length: int) -> _Bytes:
        """At most ``length`` bytes from ``offset``; fewer only at the end.

        Raises:
            TapeCorrupt: as for :meth:`bytes`.
            ValueError: a negative argument.
        """
        if offset < 0 or length < 0:
            raise ValueError("offset and length must not be negative")
        if self._data is not None:
            return self._data[offset : offset + length]
        return self._read_file(offset, min(length, self.size - offset))

    def chunks(self, size: int = CHUNK) -> Iterator[_Bytes]:
        """All of it in order, ``size`` bytes at a time."""
        for offset in range(0, self.size, size):
            yield self.read(offset, size)

    def has(self, byte: _Bytes) -> bool:
        """Whether this byte stands anywhere in it."""
        if self._data is not None:
            return byte in self._data
        return any(byte in chunk for chunk in self.chunks())

    def relocate(self, path: Path) -> None:
        """Read from ``path`` from now on. The store calls it after it has put the same bytes there."""
        if self._data is None:
            self.path = path
            self._owner = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Content):
            return NotImplemented
        if self.size != other.size:
            return False
        if self._data is not None and other._data is not None:
            return self._data == other._data
        return self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __bool__(self) -> bool:
        return self.size > 0

    def __repr__(self) -> str:
        where = "" if self.path is None else f", in {self.path.name}"
        return f"<Content of {self.size} bytes{where}>"

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor of the file, while it is needed; to be asked of content in a file.

        Raises:
            TapeCorrupt: it can't be opened, or not be read.
        """
        assert self.path is not None
        fds = Owned()
        try:
            fd = fds.take(os.open, self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            yield fd
        finally:
            fds.close(fd)

    def check(self, fd: int) -> Check:
        """A look through the file behind ``fd``.

        Raises:
            TapeCorrupt: its size is wrong already.
        """
        assert self.path is not None
        return Check(self.path, fd, self.size, self._sha256, self._crc32)

    def ended_early(self, at: int) -> TapeCorrupt:
        """The error for a file that ends before its end."""
        assert self.path is not None
        return damaged(self.path, f"it ended after {at} bytes", self.size)

    def _unreadable(self, error: OSError) -> TapeCorrupt:
        assert self.path is not None
        return TapeCorrupt(self.path, f"the payload can't be read: {error.strerror}", next_step=RESTORE)

    def _read_file(self, offset: int, length: int) -> _Bytes:
        if length <= 0:
            return b""
        with self.opened() as fd:
            try:
                if not self._checked:
                    self.check(fd).up_to(fd, self.size)
                    self._checked = True
                data = _pread(fd, offset, length)
            except OSError as error:
                raise self._unreadable(error) from error
        if len(data) < length:
            raise self.ended_early(offset + len(data))
        return data


def _pread(fd: int, offset: int, length: int) -> bytes:
    """:func:`os.pread` until ``length`` is reached: one call gives at most 2 GiB on Linux, see read(2)."""
    data = os.pread(fd, length, offset)
    if len(data) == length or not data:
        return data
    parts = [data]
    done = len(data)
    while done < length and (data := os.pread(fd, length - done, offset + done)):
        parts.append(data)
        done += len(data)
    return b"".join(parts)


def encode(
    data: Content | bytes,
    add_payload: Callable[[Content], Payload] | None = None,
    *,
    threshold: int = PAYLOAD_THRESHOLD,
) -> Stream:
    """The form of ``data`` on a tape.

    Text becomes a tuple of lines, each with its ``\\n``; no other character ends a line, so what
    :meth:`str.splitlines` would lose stays. Nothing at all is ``""``.

    Args:
        data: any bytes.
        add_payload: keeps what is large, in a file; without it everything is inline.
        threshold: bytes up to which ``data`` is not large.
    """
    size = len(data) if isinstance(data, bytes) else data.size
    if add_payload is not None and size > threshold:
        return add_payload(Content.of(data) if isinstance(data, bytes) else data)
    raw = data if isinstance(data, bytes) else data.bytes()
    try:
        return _lines(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _base64_of(raw)


def decode(stream: Stream, payloads: Path) -> Content:
    """The bytes that ``stream`` stands for.

    Args:
        stream: from a tape that has been checked by the codec.
        payloads: the directory of the payload files.

    Raises:
        TapeCorrupt: the payload is missing or has another size. Its hash is checked on first use.
    """
    if isinstance(stream, str):
        return Content.of(stream.encode("utf-8"))
    if isinstance(stream, tuple):
        return Content.of("".join(stream).encode("utf-8"))
    if isinstance(stream, Base64):
        return Content.of(stream.decoded())
    path = payloads / stream.sha256
    try:
        status = os.stat(path)
    except OSError as error:
        raise TapeCorrupt(
            path,
            f"the payload can't be read: {error.strerror}",
            expected=f"a file of {stream.size} bytes",
            next_step=RESTORE,
        ) from error
    check_file(path, status, stream.size)
    return Content.from_file(path, stream.size, stream.sha256, crc32=stream.crc32)


def encode_argument(argument: str | bytes) -> Argument:
    """A word of a command line on a tape: text, or base64 where it is not UTF-8.

    Raises:
        UnicodeEncodeError: text that no command line can carry (a surrogate that does not stand for a byte).
    """
    if isinstance(argument, bytes):
        try:
            return argument.decode("utf-8")
        except UnicodeDecodeError:
            return _base64_of(argument)
    if argument.isascii():
        return argument
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return _base64_of(os.fsencode(argument))
    return argument


def decode_argument(argument: Argument) -> str:
    """The word as :func:`os.fsdecode` gives it, with surrogates for what is not text."""
    return argument if isinstance(argument, str) else os.fsdecode(argument.decoded())


def _lines(text: str) -> str | tuple[str, ...]:
    if not text:
        return ""
    if text.find("\n") == len(text) - 1:
        return (text,)
    *lines, last = text.split("\n")
    ended = [line + "\n" for line in lines]
    return (*ended, last) if last else tuple(ended)


def _base64_of(raw: bytes) -> Base64:
    text = base64.b64encode(raw).decode("ascii")
    if len(text) <= _BASE64_WIDTH:
        return Base64(base64=text)
    starts = range(0, len(text), _BASE64_WIDTH)
    return Base64(base64=tuple(text[start : start + _BASE64_WIDTH] for start in starts))
