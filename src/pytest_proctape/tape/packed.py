"""Payloads that are kept packed by gzip, as ``<sha256>.gz``; the name is the hash of what is inside.

The store packs what it is worth for, :func:`~.content.decode` unpacks. A file that unpacks to more than it
says, or to something else, is damaged.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path

from ..errors import TapeCorrupt
from ..unfaked import OwnPath
from .content import CHUNK, Content
from .damage import RESTORE
from .model import Payload
from .pointer import pointer_at, unfetched
from .spool import Spool

SUFFIX = ".gz"
WORTH = 1 << 12
"""Bytes from which packing saves more than a block of the disk."""

_IN_MEMORY = 1 << 23


def pack(content: Content) -> bytes | None:
    """The bytes of the packed file; ``None`` where they would save less than a tenth."""
    packer = zlib.compressobj(6, wbits=31)
    parts = [packer.compress(chunk) for chunk in content.chunks()]
    data = b"".join([*parts, packer.flush()])
    return data if len(data) * 10 < content.size * 9 else None


def unpack(path: Path, payload: Payload) -> Content:
    """The content that is packed in ``path``.

    Raises:
        TapeCorrupt: it is not what it claims to be.
    """
    spool = Spool(OwnPath(tempfile.gettempdir()), _IN_MEMORY)
    try:
        with gzip.open(path, "rb") as file:
            while spool.size <= payload.size and (chunk := file.read(CHUNK)):
                spool.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, payload, str(error)) from error
    if spool.size != payload.size:
        raise _damaged(path, payload, "it holds more or less")
    content = spool.content()
    if content.sha256 != payload.sha256:
        raise _damaged(path, payload, "its bytes have another hash")
    return content


def _damaged(path: Path, payload: Payload, problem: str) -> TapeCorrupt:
    expected = f"{payload.size} bytes with SHA-256 {payload.sha256}, packed"
    if pointer_at(path):
        return unfetched(path, expected)
    return TapeCorrupt(path, f"the payload is damaged: {problem}", expected=expected, next_step=RESTORE)
