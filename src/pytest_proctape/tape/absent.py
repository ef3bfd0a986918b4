"""Which tapes are not there: most tests of a large suite have none, and each is asked for it.

Who stores a tape says so, so that a directory is not read again for each tape that is put into it.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..unfrozen import unfrozen
from .names import fold, folder_of, hashed_tape_path, looks_hashed, tape_name

_SETTLED_NS = 100_000_000
"""A directory that changed so shortly before it was read may have changed again under the same time."""
_SETTLED_COARSE_NS = 2 * 10**9
"""The same where times are whole seconds, or every other one."""
_MARK_NS = 1
"""By so much the time of the last look at a directory that is marked is before that of its last change. The
kernel sets neither so, and the first look takes it away: see relatime in mount(8)."""


class _Real:
    """As they were: a test may have something else in their place, and what is found is kept.

    They are attributes of a class, where what freezes time does not find them.
    """

    now_ns = staticmethod(unfrozen("time_ns"))
    access = staticmethod(os.access)
    listdir = staticmethod(os.listdir)
    stat = staticmethod(os.stat)
    utime = staticmethod(os.utime)


class _Names:
    """What is in a directory.

    Attributes:
        changed_ns: when the directory changed last; 0 where that was just now, and it may change once more.
        names: them.
        folded: the names, without regard to case.
        hashed: one of them may be the hashed name of a tape.
    """

    __slots__ = ("changed_ns", "folded", "hashed", "names")

    def __init__(self) -> None:
        """Nothing."""
        self.changed_ns = 0
        self.names: set[str] = set()
        self.folded: set[str] = set()
        self.hashed = False

    def add(self, names: set[str]) -> None:
        """These are in it as well."""
        self.hashed = self.hashed or any(map(looks_hashed, names))
        self.folded.update(map(fold, names))
        self.names.update(names)


def _is_there(path: str) -> bool:
    """As ``os.path.exists``, which takes twice as long for what is missing: it catches an exception."""
    return _Real.access(path, os.F_OK)


class Listing:
    """The names in the directories of the tapes, read again when a directory has changed."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self._root = str(root)
        self._names: dict[str, _Names] = {}
        self._rootless = False
        self._missing: dict[str, tuple[str, str]] = {}
        """Of a folder that was not there: the nearest above it that was, and the name that was not in it."""
        self._looked: set[str] = set()
        """Folders that were as they are known to be when nobody else could store a tape any more."""

    def lacks(self, nodeid: str, also: str = "") -> bool:
        """Whether there is surely no tape of ``nodeid``; where in doubt there may be one.

        Args:
            nodeid: whose.
            also: nor what has this behind the name of the tape.
        """
        if self._rootless:
            if not _is_there(self._root):
                return True
            self._rootless = False
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
        leaf = fold(tape_name(nodeid).rpartition("/")[2])
        if leaf in found.folded or (also and leaf + also in found.folded):
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

    def held(self) -> None:
        """From now on, and until :meth:`stored` is called, nobody else stores a tape."""
        self._looked.clear()

    def stored(self, path: str) -> None:
        """This tape was put into its directory, and nothing else has come into any meanwhile.

        The directory is marked with a time that no other change of it has, so that whoever looks next
        knows that it is as it was. The kernel's own times are too coarse for that: somebody else may store a
        tape in the same tick. Where the mark does not hold, or is cut short, the directory is read again.
        """
        parent, _, name = path.rpartition("/")
        folder = parent[len(self._root) + 1 :]
        known = self._names.get(folder) if folder in self._looked else None
        marked_ns = _Real.now_ns()
        try:
            _Real.utime(parent, ns=(marked_ns - _MARK_NS, marked_ns))
            if known is None:
                # What comes from here on takes the mark away.
                known = self._read(folder, parent)
        except OSError:
            # The directory is somebody else's, or has gone.
            self._names.pop(folder, None)
            return
        if name not in known.names:
            known.add({name})
        known.changed_ns = marked_ns

    def _names_in(self, folder: str) -> _Names | None:
        """What is in a folder below the root; ``None`` where there is no such directory."""
        path = f"{self._root}/{folder}" if folder else self._root
        try:
            status = _Real.stat(path)
            changed_ns = status.st_mtime_ns
            known = self._names.get(folder)
            if known is None or known.changed_ns != changed_ns:
                age_ns = _Real.now_ns() - changed_ns
                settled = age_ns >= (_SETTLED_NS if changed_ns % 10**9 else _SETTLED_COARSE_NS)
                # Another worker's mark, too: the next change has another time, however soon it comes.
                settled = settled or changed_ns - status.st_atime_ns == _MARK_NS
                known = self._read(folder, path)
                known.changed_ns = changed_ns if settled else 0
        except OSError:
            return None
        self._looked.add(folder)
        return known

    def _read(self, folder: str, path: str) -> _Names:
        """What is in a directory; only those names that are not known are looked at."""
        names = set(_Real.listdir(path))
        known = self._names.get(folder)
        if known is None or not known.names <= names:
            known = self._names[folder] = _Names()
        known.add(names - known.names)
        return known
