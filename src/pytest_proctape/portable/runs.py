"""Runs of bytes of one class: what may be a token, or base64.

:mod:`.encoded` and :mod:`.secrets` look only there. A large output is translated once, and most of it is
passed over at the speed of memory; a run costs no more than two calls of methods.
"""

from __future__ import annotations

import string

Runs = list[tuple[int, int]]
"""Where they begin and end, in order."""


SHORTEST = 13
"""Bytes of the shortest token that is a single run; base64 has more."""


_FEW = 256
"""Runs that are looked at by themselves; of more it is quicker to look through the whole text."""

_HEAD = 1 << 14
_FEW_IN_HEAD = 1 << 5


_WORD = f"{string.ascii_letters}{string.digits}_".encode()


def table_of(marks: bytes) -> bytes:
    """For :meth:`bytes.translate`: ``1`` for letters, digits, ``_`` and these, ``0`` for all others."""
    table = bytearray(b"0" * 256)
    for byte in _WORD + marks:
        table[byte] = b"1"[0]
    return bytes(table)


_IN_ANY = table_of(b".+/-")


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


def few_runs(data: bytes) -> bytes | None:
    """All that is as long as a token, or as base64, each on a line; ``None`` if there is much of it.

    Most lines of most texts have nothing.
    """
    # It decides only which way is taken.
    if len(runs_in(data[:_HEAD].translate(_IN_ANY) + b"0", SHORTEST)) > _FEW_IN_HEAD:
        return None
    kinds = data.translate(_IN_ANY)
    sought = b"1" * SHORTEST
    runs: list[bytes] = []
    start = kinds.find(sought)
    while start >= 0:
        if len(runs) >= _FEW:
            return None
        end = kinds.find(b"0", start)
        if end < 0:
            end = len(data)
        runs.append(data[start:end])
        start = kinds.find(sought, end)
    return b"\n".join(runs)
