"""Which bytes a text has. What has no underscore has no ``ghp_``; :mod:`.secrets` asks before it looks.

Looking for a word takes a good part of a millisecond a mebibyte, and there are dozens of words. Looking for
one byte that is not there takes a twentieth of that, and the words have many bytes in common.
"""

from __future__ import annotations

from collections.abc import Callable

SMALL = 4096
"""Bytes of a text in which it is quicker to look at once."""

_SAMPLES = 1024


class Alphabet:
    """The bytes of a text, as far as anybody has asked; it answers as :func:`may_have` says."""

    __slots__ = ("_absent", "_data", "_present")

    def __init__(self, data: bytes) -> None:
        self._data = data
        # A sample has nearly all of them.
        self._present = set(data[:: len(data) // _SAMPLES + 1])
        self._absent: set[int] = set()

    def __call__(self, word: bytes) -> bool:
        """Whether every byte of ``word`` occurs."""
        unknown = set(word) - self._present
        return self._absent.isdisjoint(unknown) and all(map(self._has, unknown))

    def _has(self, byte: int) -> bool:
        found = self._data.find(byte) >= 0
        (self._present if found else self._absent).add(byte)
        return found


def may_have(data: bytes) -> Callable[[bytes], bool]:
    """Tells of a word whether it can stand in ``data``: never no where it does."""
    if len(data) <= SMALL:
        return lambda word: True  # noqa: ARG005 - nothing is known of a small one
    return Alphabet(data)
