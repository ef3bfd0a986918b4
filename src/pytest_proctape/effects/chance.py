"""What in a file's bytes is chance: the times, inodes and owners that some formats note.

A recording that differs from the one before in nothing else says nothing new, and its tape stays as it
was; :mod:`..session.unchanged` asks.
"""

from __future__ import annotations

import struct
import zlib

MASKED_LIMIT = 8 << 20
"""Larger contents are compared as they are, in bytes."""

_GZIP = b"\x1f\x8b"
_BLOCK = 512


def masked(data: bytes) -> bytes:
    """``data`` without what is chance in it; only good for comparing. What is not understood stays."""
    try:
        if data.startswith(b"DIRC"):
            return _git_index(data)
        if data.startswith(_GZIP):
            return _gzip(data)
        if data.startswith(b"PK\x03\x04"):
            return _zip(data)
        if data[257:262] == b"ustar":
            return _tar(data)
    except (struct.error, ValueError, IndexError, zlib.error):
        pass
    return data


def _git_index(data: bytes) -> bytes:
    """Without the status of files: gitformat-index(5). The hash at the end covers that status."""
    version, count = struct.unpack_from(">II", data, 4)
    if version not in (2, 3, 4):
        return data
    out = bytearray(data[:-20])
    at = 12
    for _ in range(count):
        # ctime, mtime, device, inode; then the mode, which counts; then user, group and the size, which is
        # zero for a file that was as young as the index.
        out[at : at + 24] = bytes(24)
        out[at + 28 : at + 40] = bytes(12)
        flags = struct.unpack_from(">H", data, at + 60)[0]
        name = at + (64 if flags & 0x4000 else 62)
        if version == 4:
            while data[name] & 0x80:  # how much of the name before it is left out
                name += 1
            at = data.index(b"\0", name + 1) + 1
        else:
            at += (data.index(b"\0", name) - at + 8) // 8 * 8
    return bytes(out)


def _gzip(data: bytes) -> bytes:
    """What is packed, and the header without the time: RFC 1952."""
    unpacker = zlib.decompressobj(wbits=31)
    inner = unpacker.decompress(data, MASKED_LIMIT)
    if unpacker.unconsumed_tail or not unpacker.eof:
        return data[:4] + bytes(4) + data[8:]
    return data[:4] + data[8:10] + masked(inner) + unpacker.unused_data


def _zip(data: bytes) -> bytes:
    """Without the times in the headers of members, in both places: APPNOTE.TXT, 4.3."""
    out = bytearray(data)
    at = 0
    while data.startswith(b"PK\x03\x04", at):
        out[at + 10 : at + 14] = bytes(4)
        size, _, name, extra = struct.unpack_from("<IIHH", data, at + 18)
        _blank(out, at + 30 + name, extra)
        at += 30 + name + extra + size
    while data.startswith(b"PK\x01\x02", at):
        out[at + 12 : at + 16] = bytes(4)
        name, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        _blank(out, at + 46 + name, extra)
        at += 46 + name + extra + comment
    return bytes(out)


def _blank(out: bytearray, at: int, length: int) -> None:
    """The extra fields of a member: Info-ZIP keeps times and owners there."""
    out[at : at + length] = bytes(length)


def _tar(data: bytes) -> bytes:
    """Without times, owners and the sums over them: tar(5), the ustar header."""
    out = bytearray(data)
    at = 0
    while at + _BLOCK <= len(data) and any(data[at : at + _BLOCK]):
        out[at + 108 : at + 124] = bytes(16)
        out[at + 136 : at + 156] = bytes(20)
        out[at + 265 : at + 329] = bytes(64)
        size = int(data[at + 124 : at + 136].strip(b" \0") or b"0", 8)
        at += _BLOCK + (size + _BLOCK - 1) // _BLOCK * _BLOCK
    return bytes(out)
