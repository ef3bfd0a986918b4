"""Probes: whether any of many words stands in a large text; :mod:`.shapes` asks.

A pattern that begins with one byte is looked for at some gigabytes a second, and a word at one. So words that
share a byte which texts seldom have are looked for together: by that byte, and what stands around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

May = Callable[[bytes], bool]
"""From :func:`~.alphabet.may_have`."""

Need = tuple[bytes, bytes, int]
"""A word; it, and the bytes that are there besides; how many of a token follow it."""


class Probe:
    """Words that are looked for together.

    Args:
        anchor: the byte that all of them have; none where they share nothing.
        needs: the words.
    """

    def __init__(self, anchor: bytes, needs: Iterable[Need]) -> None:
        self._anchor = anchor
        self._needs = tuple(needs)

    def likely(self, may: May) -> list[bytes]:
        """The words whose bytes are all there."""
        if not may(self._anchor):
            return []
        return [word for word, besides, _ in self._needs if may(besides)]

    def words_in(self, data: bytes, may: May) -> list[bytes]:
        """The words that stand in ``data``; one may seem to that has nothing behind it."""
        likely = self.likely(may)
        if not likely or (self._anchor and self._pattern.search(data) is None):
            return []
        # `word in data` looks for a number first, and takes longer.
        find = data.find
        return [word for word in likely if find(word) >= 0]

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        anchor = re.escape(self._anchor)
        sides = [(*word.rpartition(self._anchor)[::2], follow) for word, _, follow in self._needs]
        befores = sorted({head[-1:] for head, _, _ in sides})
        # The byte before rules out most places.
        first = b"" if b"" in befores else rb"(?<=[" + re.escape(b"".join(befores)) + rb"]" + anchor + rb")"
        words = (
            rb"(?<=%s)(?=%s[\w.-]{%d})" % (re.escape(head + self._anchor), re.escape(tail), follow)
            for head, tail, follow in sides
        )
        return re.compile(anchor + first + rb"(?:" + rb"|".join(words) + rb")")


def probes_of(needs: Iterable[Need], anchors: bytes) -> tuple[Probe, ...]:
    """What finds all these words.

    Args:
        needs: the words.
        anchors: bytes to look for, the best one first. A word that has none of them is looked for by itself.
    """
    groups: dict[bytes, list[Need]] = {}
    for need in needs:
        anchor = next((bytes([byte]) for byte in anchors if byte in need[0]), b"")
        groups.setdefault(anchor, []).append(need)
    return tuple(Probe(anchor, group) for anchor, group in groups.items())
