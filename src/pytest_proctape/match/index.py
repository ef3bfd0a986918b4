"""Finds the entry that a spawn means on a tape of any size, for spawns that come in any order.

The cursor of a session asks it. Entries are filed by what they say about their spawn, so the time it
takes does not depend on how many there are; those with patterns are few, and are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from ..rows import Row
from ..tape import Entry
from ..uncollected import uncollected
from .compare import Asked, asked_by, has_patterns
from .terms import Terms

_PLAIN = frozenset({str, type(None)})


class _Shape(Row):
    """What entries say about a spawn beyond the command: each entry has one, and a tape has few."""

    with_cwd: bool
    names: tuple[str, ...]
    """Of the environment."""


class Index:
    """The entries that have not been replayed.

    Of several that a spawn could mean, the one that says most about it is first: one that names the
    directory before one that takes any, plain words before patterns. Among equals it is the one that was
    recorded first.
    """

    def __init__(
        self, entries: Sequence[Entry], terms: Terms, gone: Callable[[int], bool] = lambda _: False
    ) -> None:
        """File the entries.

        Args:
            entries: of the tape.
            terms: on which they are compared with spawns.
            gone: whether one has been replayed already.
        """
        self._entries = entries
        self._terms = terms
        self._filed: dict[_Shape, dict[Hashable, list[int]]] = {}
        """Of those that say the same, the one that comes next is at the end."""
        self._aside: dict[int, None] = {}
        """Entries that have to be compared, in their order."""
        self._homes: list[list[int] | None] = [None] * len(entries)
        with uncollected():
            for index in range(len(entries) - 1, -1, -1):
                if not gone(index):
                    self._homes[index] = self._file(index, entries[index])
        self._aside = dict.fromkeys(reversed(self._aside))
        self._shapes = sorted(self._filed, key=lambda shape: (shape.with_cwd, len(shape.names)), reverse=True)

    def find(self, asked: Asked) -> int | None:
        """The entry that ``asked`` means; it stays where it is."""
        for shape in self._shapes:
            queue = self._filed[shape].get(self._key(asked, shape, asked.env))
            index = self._first_of(queue, asked) if queue else None
            if index is not None:
                return index
        compare = self._terms.differences
        meant = (index for index in self._aside if not compare(asked, self._entries[index]))
        found = next(meant, None)
        return self._alike(asked) if found is None else found

    def find_words(self, program: str, args: tuple[str, ...], cwd: Callable[[], str | None]) -> int | None:
        """:meth:`find` where plain words are enough; ``None`` where more has to be looked at."""
        on = self._terms.on
        named = (program, None) if "program" in on else None
        words = args if "args" in on else None
        for shape in self._shapes:
            if shape.names:
                return None
            queue = self._filed[shape].get((named, words, cwd() if shape.with_cwd else None, ()))
            if queue:
                return None if self._entries[queue[-1]].inputs else queue[-1]
        return None

    def _first_of(self, queue: list[int], asked: Asked) -> int | None:
        """Of entries with the words of ``asked``, the first with its files as well."""
        for index in reversed(queue):
            if not self._entries[index].inputs or not self._terms.differences(asked, self._entries[index]):
                return index
        return None

    def _alike(self, asked: Asked) -> int | None:
        """One that says the same in other words: with a secret in it, a name that differs, another place."""
        filed = sorted(
            index for queues in self._filed.values() for queue in queues.values() for index in queue
        )
        compare = self._terms.differences
        return next((index for index in filed if not compare(asked, self._entries[index])), None)

    def take(self, index: int) -> None:
        """The entry has been replayed, as :meth:`find` gave it."""
        home = self._homes[index]
        if home is None:
            del self._aside[index]
        elif home[-1] == index:
            # So it is nearly always, and there may be very many.
            home.pop()
        else:
            home.remove(index)

    def _file(self, index: int, entry: Entry) -> list[int] | None:
        on = self._terms.on
        names = tuple(sorted(entry.env)) if entry.env is not None and "env" in on else ()
        shape = _Shape(entry.cwd is not None and "cwd" in on, names)
        if self._terms.judges:
            key = None
        elif set(map(type, (entry.program, entry.argv0, entry.cwd, *entry.args))) <= _PLAIN:
            # As almost every entry is: what it says is what is asked for.
            key = self._key(entry, shape, entry.env or {})
        else:
            key = None if has_patterns(entry) else self._key(asked_by(entry), shape, entry.env or {})
        if key is None:
            self._aside[index] = None
            return None
        home = self._filed.setdefault(shape, {}).setdefault(key, [])
        home.append(index)
        return home

    def _key(self, asked: Asked | Entry, shape: _Shape, env: Mapping[str, str | None]) -> Hashable:
        on = self._terms.on
        return (
            (asked.program, asked.argv0) if "program" in on else None,
            asked.args if "args" in on else None,
            asked.cwd if shape.with_cwd else None,
            tuple(env.get(name) for name in shape.names),
        )
