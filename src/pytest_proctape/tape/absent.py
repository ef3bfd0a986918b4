"""Which tapes are not there: most tests of a large suite have none, and each is asked for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .names import fold, hashed_tape_path, tape_name

_SETTLED_NS = 100_000_000
"""A directory that changed so shortly before it was read may have changed again under the same time."""


class _Real:
    """An attribute of a class, where what freezes time does not find it."""

    now_ns = staticmethod(time.time_ns)


class Listing:
    """The names in the directories of the tapes, read again when a directory has changed."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self._root = str(root)
        self._names: dict[str, tuple[int, frozenset[str]]] = {}

    def lacks(self, nodeid: str) -> bool:
        """Whether there is surely no tape of ``nodeid``; where in doubt there may be one."""
        name = tape_name(nodeid)
        folder, _, leaf = name.rpartition("/")
        names = self._names_in(f"{self._root}/{folder}" if folder else self._root)
        if names is None:
            # It may be there in another case.
            return self._folder_is_missing(folder)
        return not names or (fold(leaf) not in names and fold(hashed_tape_path(nodeid).name) not in names)

    def _folder_is_missing(self, folder: str) -> bool:
        above, _, leaf = folder.rpartition("/")
        names = self._names_in(f"{self._root}/{above}" if above else self._root)
        if names is None:
            return self._folder_is_missing(above) if above else not os.path.lexists(self._root)
        return fold(leaf) not in names

    def _names_in(self, folder: str) -> frozenset[str] | None:
        """The names, folded; ``None`` where there is no such directory."""
        try:
            changed_ns = os.stat(folder).st_mtime_ns
            known = self._names.get(folder)
            if known is None or known[0] != changed_ns:
                names = frozenset(map(fold, os.listdir(folder)))
                if _Real.now_ns() - changed_ns < _SETTLED_NS:
                    return names
                known = self._names[folder] = (changed_ns, names)
        except OSError:
            return None
        return known[1]
