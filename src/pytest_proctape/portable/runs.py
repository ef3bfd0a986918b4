"""Runs of bytes of one class: what may be a token, or base64.

:mod:`.encoded` and :mod:`.secrets` look only there. A large output is translated once, and most of it is
passed over at the speed of memory; a run costs no more than two calls of methods.
"""

from __future__ import annotations

import re

Runs = list[tuple[int, int]]
"""Where they begin and end, in order."""


SHORTEST = 13
"""Bytes of the shortest token that is a single run; base64 has more."""


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


_IN_ANY = table_of(rb"[\w.+/-]")


def has_long_run(data: bytes) -> bool:
    """Whether there is anything as long as a token, or as base64: most lines of most texts have nothing."""
    return data.translate(_IN_ANY).find(b"1" * SHORTEST) >= 0
