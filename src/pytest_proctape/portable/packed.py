"""Compressed streams: a secret in one is as easy to read as any, so it is looked for there, too.

Only a stream that holds one is packed anew; all others keep every byte. :mod:`.places` calls it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

UNPACKED_LIMIT = 1 << 26
"""Bytes that are unpacked at most; a stream may be made to unpack to more than any memory holds."""


class _Unpacker(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _pack_gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


_KINDS: tuple[tuple[bytes, Callable[[], _Unpacker], Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b\x08", lambda: zlib.decompressobj(wbits=31), _pack_gzip),
    (b"BZh", bz2.BZ2Decompressor, bz2.compress),
    (b"\xfd7zXZ\0", lzma.LZMADecompressor, lzma.compress),
)
_BEGINNINGS = tuple(magic for magic, _, _ in _KINDS)


def repacked(data: bytes, rewrite: Callable[[bytes], bytes]) -> bytes:
    """``data``, packed anew where ``rewrite`` changes what is in it."""
    if not data.startswith(_BEGINNINGS):
        return data
    for magic, unpacker, pack in _KINDS:
        if data.startswith(magic):
            try:
                inner = unpacker().decompress(data, UNPACKED_LIMIT)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                return data  # what only begins like it
            written = rewrite(inner)
            return data if written == inner else pack(written)
    return data
