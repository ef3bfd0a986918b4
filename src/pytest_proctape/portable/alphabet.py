"""Which bytes a text has. What has no underscore has no ``ghp_``; :mod:`.secrets` asks before it looks.

Looking for a word takes a good part of a millisecond a mebibyte, and there are dozens of words; finding out
which bytes there are takes as long as one of them.
"""

from __future__ import annotations

from collections.abc import Callable

SMALL = 4096
"""Bytes of a text in which it is quicker to look at once."""

_SAMPLES = 4096


def alphabet(data: bytes) -> frozenset[int]:
    """Every byte that occurs in ``data``."""
    seen: set[int] = set()
    while data:
        # A sample has nearly all of them; what it has not is found in what is left without them.
        seen.update(data[:: len(data) // _SAMPLES + 1])
        data = data.translate(None, bytes(seen))
    return frozenset(seen)


def may_have(data: bytes) -> Callable[[bytes], bool]:
    """Tells of a word whether it can stand in ``data``: never no where it does."""
    if len(data) <= SMALL:
        return lambda word: True  # noqa: ARG005 - nothing is known of a small one
    return alphabet(data).issuperset
