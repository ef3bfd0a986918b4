"""The cursor: which entries of a tape have been consumed, and which may come next.

It moves only when an entry has matched; a divergence leaves it where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..match import Asked, Index, Terms, first_match
from ..tape import Entry


class Cursor:
    """In the order of the tape.

    Attributes:
        at: index of the next entry.
        strict: the next spawn has to be that entry. Otherwise it may be a later one, and what is passed
            over is not asked for any more.
    """

    def __init__(self, entries: Sequence[Entry], terms: Terms, *, strict: bool = True) -> None:
        self.entries = entries
        self.terms = terms
        self.at = 0
        self.strict = strict

    def renew(self, terms: Terms) -> None:
        """From now on spawns are held against entries on other terms."""
        self.terms = terms

    def find(self, asked: Asked) -> int | None:
        """The entry that the spawn is, if it may come now."""
        compare = self.terms.differences
        if not self.strict:
            return first_match(asked, self.entries, self.at, compare)
        if self.at < len(self.entries) and not compare(asked, self.entries[self.at]):
            return self.at
        return None

    def find_words(self, program: str, args: tuple[str, ...], cwd: Callable[[], str | None]) -> int | None:
        """:meth:`find` for a spawn that is, word for word, what an entry of plain words says.

        Args:
            program: as on the tape.
            args: the arguments behind it, as on the tape.
            cwd: gives the working directory as on the tape, where it matters.

        Returns:
            its index; ``None`` where :meth:`find` has to look.
        """
        if not self.strict or self.at >= len(self.entries):
            return None
        entry = self.entries[self.at]
        if entry.args != args or entry.program != program:
            return None
        if entry.argv0 is not None or entry.env is not None or entry.inputs is not None:
            return None
        return self.at if entry.cwd is None or entry.cwd == cwd() else None

    def take(self, index: int) -> None:
        """The entry has been consumed."""
        self.at = index + 1

    def consumed(self, index: int) -> bool:
        """Whether this entry has been consumed, or was passed over."""
        return index < self.at

    def left(self) -> Iterator[int]:
        """The entries that have not been consumed."""
        return iter(range(self.at, len(self.entries)))


class AnyCursor(Cursor):
    """In whatever order the test asks; of entries that are the same, the first recorded comes first."""

    def __init__(self, entries: Sequence[Entry], terms: Terms) -> None:
        super().__init__(entries, terms)
        self._index = Index(entries, terms)
        self._consumed = bytearray(len(entries))

    def renew(self, terms: Terms) -> None:
        """From now on spawns are held against entries on other terms."""
        super().renew(terms)
        self._index = Index(self.entries, terms, gone=self.consumed)

    def find(self, asked: Asked) -> int | None:
        """The entry that the spawn is."""
        return self._index.find(asked)

    def find_words(self, program: str, args: tuple[str, ...], cwd: Callable[[], str | None]) -> int | None:
        """As that of a cursor in order."""
        return self._index.find_words(program, args, cwd)

    def take(self, index: int) -> None:
        """The entry has been consumed."""
        self._index.take(index)
        self._consumed[index] = True
        while self.at < len(self.entries) and self._consumed[self.at]:
            self.at += 1

    def consumed(self, index: int) -> bool:
        """Whether this entry has been consumed."""
        return bool(self._consumed[index])

    def left(self) -> Iterator[int]:
        """The entries that have not been consumed."""
        return (index for index in range(self.at, len(self.entries)) if not self._consumed[index])
