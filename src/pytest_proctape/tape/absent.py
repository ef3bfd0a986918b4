"""Which tapes are not there: most tests of a large suite have none, and each is asked for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ..frozen import Value
from .names import fold, folder_of, hashed_tape_path, looks_hashed, tape_name

_SETTLED_NS = 100_000_000
"""A directory that changed so shortly before it was read may have changed again under the same time."""


class _Real:
    """An attribute of a class, where what freezes time does not find it."""

    now_ns = staticmethod(time.time_ns)


class _Names(Value):
    """What is in a directory.

    Attributes:
        changed_ns: when the directory changed last; 0 where that was just now, and it may change once more.
        names: them.
        folded: the names, without regard to case.
        hashed: one of them may be the hashed name of a tape.
    """

    changed_ns: int
    names: frozenset[str]
    folded: frozenset[str]
    hashed: bool


def _is_there(path: str) -> bool:
    """As ``os.path.exists``, which takes twice as long for what is missing: it catches an exception."""
    return os.access(path, os.F_OK)


class Listing:
    """The names in the directories of the tapes, read again when a directory has changed."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self._root = str(root)
        self._names: dict[str, _Names] = {}
        self._rootless = False
        self._missing: dict[str, tuple[str, str]] = {}
        """Of a folder that was not there: the nearest above it that was, and the name that was not in it."""

    def lacks(self, nodeid: str) -> bool:
        """Whether there is surely no tape of ``nodeid``; where in doubt there may be one."""
        if self._rootless and not _is_there(self._root):
            return True
        folder = folder_of(nodeid)
        if folder in self._missing:
            above, name = self._missing[folder]
            found = self._names_in(above)
            if found is not None and name not in found.folded:
                return True
            del self._missing[folder]
        found = self._names_in(folder)
        if found is None:
            # It may be there in another case.
            return self._folder_is_missing(folder, folder)
        if not found.folded:
            return True
        leaf = tape_name(nodeid).rpartition("/")[2]
        if fold(leaf) in found.folded:
            return False
        return not found.hashed or fold(hashed_tape_path(nodeid).name) not in found.folded

    def _folder_is_missing(self, folder: str, wanted: str) -> bool:
        if not folder:
            self._rootless = not _is_there(self._root)
            return self._rootless
        above, _, leaf = folder.rpartition("/")
        found = self._names_in(above)
        if found is None:
            return self._folder_is_missing(above, wanted)
        name = fold(leaf)
        if name in found.folded:
            return False
        self._missing[wanted] = (above, name)
        return True

    def _names_in(self, folder: str) -> _Names | None:
        """What is in a folder below the root; ``None`` where there is no such directory."""
        path = f"{self._root}/{folder}" if folder else self._root
        try:
            changed_ns = os.stat(path).st_mtime_ns
            known = self._names.get(folder)
            if known is None or known.changed_ns != changed_ns:
                settled = _Real.now_ns() - changed_ns >= _SETTLED_NS
                names = frozenset(os.listdir(path))
                known = self._names[folder] = _with(names, known, changed_ns if settled else 0)
        except OSError:
            return None
        return known


def _with(names: frozenset[str], known: _Names | None, changed_ns: int) -> _Names:
    """What is in a directory of these ``names``; only those that are not ``known`` are looked at."""
    if known is None or not known.names <= names:
        known = _Names(0, frozenset(), frozenset(), False)
    new = names - known.names
    hashed = known.hashed or any(map(looks_hashed, new))
    return _Names(changed_ns, names, known.folded.union(map(fold, new)), hashed)
