"""Two sides of a thing that may have drifted: what of them is compared, and where they first differ. Pure.

:mod:`.drift` and :mod:`.drift_files` hold what the real tools do against the tape with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest

from ..match import Asked

NO_LINE = "(nothing)"
_VOLATILE = b"<volatile>"
_SHOWN = 200

Key = tuple[str, ...]
"""What makes a spawn the same one."""
Normalise = Callable[[bytes, str], bytes]
"""What the user's hooks make of bytes, and of what these are; see ``pytest_proctape_normalise``."""


class Normaliser:
    """Puts one word in the place of what differs in every run: dates, hashes, pids."""

    def __init__(self, patterns: Sequence[str] = (), hook: Normalise | None = None) -> None:
        """Be ready.

        Args:
            patterns: of what is volatile.
            hook: called behind the patterns, for what no pattern finds.
        """
        self._patterns = [re.compile(one.encode()) for one in patterns]
        self._hook = hook

    def data(self, data: bytes, field: str) -> bytes:
        """A stream, or a file's content; ``field`` says which."""
        for pattern in self._patterns:
            data = pattern.sub(_VOLATILE, data)
        return data if self._hook is None else self._hook(data, field)

    def word(self, word: str, field: str = "command") -> str:
        """A word of a command line, or a path."""
        data = self.data(word.encode("utf-8", "surrogateescape"), field)
        return data.decode("utf-8", "surrogateescape")

    def key(self, asked: Asked) -> Key:
        """What makes a spawn the same one."""
        return (*map(self.word, asked.argv), "\0", asked.argv0 or "")


def first_difference(old: bytes, new: bytes) -> tuple[int, str, str] | None:
    """Number and both sides of the first line that differs."""
    if old == new:
        return None
    lines = zip_longest(old.splitlines(keepends=True), new.splitlines(keepends=True))
    for number, (left, right) in enumerate(lines, 1):
        if left != right:
            return number, _shown(left), _shown(right)
    raise AssertionError("what differs has a line in which it does")


def _shown(line: bytes | None) -> str:
    if line is None:
        return NO_LINE
    text = line.decode("utf-8", "backslashreplace")
    text = text[:_SHOWN] + "..." if len(text) > _SHOWN else text
    plain = text.removesuffix("\n")
    return plain if plain.isprintable() and plain and plain != text else repr(text)
