"""What holds other texts in a form of its own: archives of tar, and compressed streams.

Paths, random names and secrets in them are as real as any, so they are looked for there, too. Only what holds
some is packed anew; all others keep every byte. :mod:`.places` calls it.

On a tape a compressed stream is one of gzip that is not compressed, so that placeholders can be read, with a
comment that says what it was. With the same zlib on the other side it is the recorded one, byte for byte.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Protocol

from ..frozen import Value
from ..later import later
from .archive import archive_of, from_tape, is_archive, on_tape

UNPACKED_LIMIT = 1 << 26
"""Bytes that are unpacked at most; a stream may be made to unpack to more than any memory holds."""

_TRIED_LIMIT = 1 << 20
"""Bytes up to which all levels of gzip are tried; of more only the usual ones."""

_GZIP, _BZIP2, _XZ = b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0"
_FIXED = 10
"""Bytes of a header of gzip that are always there: RFC 1952."""
_HAS_CHECK, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT = 2, 4, 8, 16
_MARK = later(_GZIP + b"\x10.{6}<packed:(gzip|bzip2|xz):([0-9]):([0-9a-f]*)>\0", re.DOTALL)
_MARK_LIMIT = 4096

Rewrite = Callable[[bytes], bytes]


class _Unpacker(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


_UNPACKERS: dict[bytes, Callable[[], _Unpacker]] = {
    _GZIP: lambda: zlib.decompressobj(wbits=31),
    _BZIP2: bz2.BZ2Decompressor,
    _XZ: lzma.LZMADecompressor,
}


class Rewriting(Value):
    """What is done with the texts, on the way out or back.

    Attributes:
        text: for what is of any kind, and may hold others again.
        name: for the name of a member of an archive.
        secrets: takes out secrets, and leaves all else.
    """

    text: Rewrite
    name: Rewrite
    secrets: Rewrite


def packed_for_tape(data: bytes, to: Rewriting) -> bytes:
    """``data``, packed anew where ``to`` changes what is in it, and else itself."""
    if is_archive(data):
        archive = archive_of(data)
        taped = None if archive is None else on_tape(archive, to.text, to.name)
        return data if taped is None or taped == data or to.secrets(taped) != taped else taped
    magic = next((one for one in _UNPACKERS if data.startswith(one)), None)
    if magic is None:
        return data
    unpacker = _UNPACKERS[magic]()
    try:
        inner = unpacker.decompress(data, UNPACKED_LIMIT)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return data  # what only begins like it
    # What is not one whole stream could not be packed again as it was.
    written = (to.text if unpacker.eof and not unpacker.unused_data else to.secrets)(inner)
    if written == inner:
        return data
    header = data[: _header_size(data)] if magic == _GZIP else b""
    level = _level_of(data, inner, header) if header else 6
    if magic == _BZIP2:
        level = int(data[3:4])
    kind = {_GZIP: b"gzip", _BZIP2: b"bzip2", _XZ: b"xz"}[magic]
    mark = b"<packed:%s:%d:%s>\0" % (kind, level, header.hex().encode())
    if len(mark) > _MARK_LIMIT or to.text(header) != header:
        mark = b"<packed:gzip:6:%s>\0" % _BARE.hex().encode()
    return _gzipped(written, _GZIP + b"\x10" + bytes(4) + b"\0\xff" + mark, 0)


def unpacked_from_tape(data: bytes, to: Rewriting) -> bytes | None:
    """What :func:`packed_for_tape` made, packed for this machine; ``None`` where it was damaged."""
    mark = _MARK.match(data)
    if mark is None:
        return from_tape(data, to.text, to.name)
    unpacker = zlib.decompressobj(wbits=31)
    try:
        # What is on the tape was not compressed; somebody else's may unpack to more than any memory holds.
        written = to.text(unpacker.decompress(data, len(data) - 1))
        if not unpacker.eof:
            return None
        match mark[1]:
            case b"gzip":
                return _gzipped(written, bytes.fromhex(mark[3].decode()), int(mark[2]))
            case b"bzip2":
                return bz2.compress(written, int(mark[2]))
            case _:
                return lzma.compress(written, preset=int(mark[2]))
    except (zlib.error, ValueError):
        return None


# -- gzip ------------------------------------------------------------------------------------------

_BARE = _GZIP + bytes(5) + b"\0\xff"


def _header_size(data: bytes) -> int:
    """Of a whole stream: RFC 1952, 2.3."""
    flags, at = data[3], _FIXED
    if flags & _HAS_EXTRA:
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_HAS_NAME, _HAS_COMMENT):
        if flags & flag:
            at = data.index(b"\0", at) + 1
    return at + 2 if flags & _HAS_CHECK else at


def _gzipped(data: bytes, header: bytes, level: int) -> bytes:
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return header + _deflated(data, level) + tail


def _deflated(data: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _level_of(data: bytes, inner: bytes, header: bytes) -> int:
    """The one that ``inner`` was packed with, if zlib did it; else the usual one."""
    body = data[len(header) : -8]
    levels = (6, 9, 1) if len(inner) > _TRIED_LIMIT else (6, 9, *range(9))
    return next((level for level in levels if _deflated(inner, level) == body), 6)
