"""Runs of bytes of one class: what may be a token, a text among other bytes, or base64.

:mod:`.shapes` and :mod:`.secrets` look only there. A large output is translated once, and most of it is
passed over at the speed of memory; a run costs no more than two calls of methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Runs = list[tuple[int, int]]
"""Where they begin and end, in order."""


def table_of(pattern: bytes) -> bytes:
    """For :meth:`bytes.translate`: ``1`` for each byte that ``pattern`` matches, ``0`` for all others."""
    one = re.compile(pattern, re.ASCII)
    return bytes(b"01"[one.match(bytes([byte])) is not None] for byte in range(256))


def runs_in(kinds: bytes, shortest: int) -> Runs:
    """Those of at least ``shortest`` bytes.

    Args:
        kinds: a text as :func:`table_of` translates it, and a ``0`` behind it.
        shortest: more than none.
    """
    runs: Runs = []
    sought = b"1" * shortest
    find, index, add = kinds.find, kinds.index, runs.append
    start = find(sought)
    while start >= 0:
        end = index(b"0", start + shortest)
        add((start, end))
        start = find(sought, end)
    return runs


def pieces_of(data: bytes, table: bytes, shortest: int) -> list[bytes]:
    """The runs of ``data`` that have at least ``shortest`` bytes of a class of :func:`table_of`."""
    return [data[start:end] for start, end in runs_in(data.translate(table) + b"0", shortest)]


def text_of(pieces: Iterable[bytes], shortest: int = 0) -> bytes:
    """What is left where only those of at least ``shortest`` bytes stand, and nothing ends in another."""
    return b"\n".join([piece for piece in pieces if len(piece) >= shortest])
