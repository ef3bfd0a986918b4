"""What is in the watched directories at one moment: names, kinds, inodes, sizes and times, no contents.

A look at ten thousand files costs 15 ms, nearly all of it ``lstat``. So before a spawn a large tree is
only listed, and afterwards what the child touched is known by its change time, which nobody can set:
inode(7). A directory in which nothing was made or removed since it was listed is not listed again, neither
after the spawn nor before the next one: its own change time tells.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass, field

from ..genuine import close
from ..uncollected import uncollected
from .roots import Root, Roots

SMALL = 1000
"""So many names are looked at closely before a spawn, too: it costs 2 ms, and more is known of what was."""

Kind = str
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def kind_of(status: os.stat_result) -> Kind:
    """What it is, in the words of a tape; ``"device"`` for what no tape can have."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "device")


@dataclass(slots=True, eq=False)
class Folder:
    """A directory that was listed.

    Attributes:
        root: that by which it is watched; ``None`` if there are several.
        key: its device, inode and change time before it was listed.
        entries: what is in it and watched.
        below: those of them that are directories.
        kinds: of those that are neither directories nor files nor links, by name.
        is_known: the status of each of them is known from the last look.
    """

    root: Root | None
    key: tuple[int, int, int]
    entries: list[os.DirEntry[str]]
    below: list[os.DirEntry[str]]
    kinds: dict[str, Kind]
    is_known: bool = False
    _by_name: dict[str, os.DirEntry[str]] | None = None

    def get(self, name: str) -> os.DirEntry[str] | None:
        """The entry of that name."""
        if self._by_name is None:
            self._by_name = {entry.name: entry for entry in self.entries}
        return self._by_name.get(name)

    def kind(self, entry: os.DirEntry[str]) -> Kind:
        """What one of its entries is."""
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "directory"
        return self.kinds.get(entry.name, "file")

    def has_still(self, entry: os.DirEntry[str]) -> bool:
        """Whether there is the same thing by the same name."""
        found = self.get(entry.name)
        return found is not None and found.inode() == entry.inode()

    def joined(self, other: Folder) -> Folder:
        """The same directory, watched by two roots."""
        more = [entry for entry in other.entries if self.get(entry.name) is None]
        below = [entry for entry in other.below if self.get(entry.name) is None]
        return Folder(None, self.key, self.entries + more, self.below + below, self.kinds | other.kinds)


@dataclass(slots=True)
class Snapshot:
    """One look.

    Attributes:
        stats: by path. Where ``exact``, of everything there is; else what an earlier look found, of which
            some may have changed since; of directories it is always what is there.
        folders: what was listed.
        exact: see ``stats``.
        stamp_ns: the file system's time when the look was over: what is touched later has a later one.
        known_ns: the file system's time when the last look began that asked for the status of everything.
        tops: the roots that were there.
    """

    exact: bool
    stats: dict[str, os.stat_result] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    stamp_ns: int = 0
    known_ns: int = 0
    tops: frozenset[str] = frozenset()

    def kind(self, path: str) -> Kind | None:
        """What was at ``path``."""
        if self.exact or path in self.folders or path in self.tops:
            status = self.stats.get(path)
            return None if status is None else kind_of(status)
        folder = self.folders.get(os.path.dirname(path))
        entry = None if folder is None else folder.get(os.path.basename(path))
        return None if folder is None or entry is None else folder.kind(entry)

    def status(self, path: str) -> os.stat_result | None:
        """What is known of ``path``; what is not exact may be older than the snapshot."""
        return self.stats.get(path) if self.exact or self.kind(path) is not None else None

    def keep(self, path: str, folder: Folder) -> None:
        """A directory was listed, maybe once more for another root."""
        other = self.folders.get(path)
        self.folders[path] = folder if other is None else other.joined(folder)

    def newest_ns(self) -> int:
        """The latest change time of all."""
        return max((status.st_ctime_ns for status in self.stats.values()), default=0)


def look_closely(roots: Roots, before: Snapshot, fresh_ns: int) -> Snapshot:
    """Everything that is watched, with its status; see :func:`look_again`."""
    found = Snapshot(exact=True, known_ns=fresh_ns)
    pending = _tops(roots, found)
    with uncollected():
        while pending:
            root, path = pending.pop()
            folder = _listed(roots, root, path, found.stats[path], before.folders.get(path), fresh_ns)
            folder.is_known = True
            found.keep(path, folder)
            for entry in folder.entries:
                status = lstat(entry.path)
                if status is not None:
                    found.stats[entry.path] = status
                    if stat.S_ISDIR(status.st_mode):
                        pending.append((root, entry.path))
    return found


def list_names(roots: Roots, before: Snapshot, fresh_ns: int) -> Snapshot:
    """The names of everything that is watched; the status too, where that is not much.

    Args:
        roots: what is watched.
        before: the look before this one, which is of no use any more afterwards.
        fresh_ns: the file system's time before this look; 0 if it is not known.
    """
    found = Snapshot(exact=False, known_ns=before.known_ns)
    pending = _tops(roots, found)
    with uncollected():
        while pending:
            root, path = pending.pop()
            folder = _listed(roots, root, path, found.stats[path], before.folders.get(path), fresh_ns)
            found.keep(path, folder)
            for entry in folder.below:
                if (below := lstat(entry.path)) is not None:
                    found.stats[entry.path] = below
                    pending.append((root, entry.path))
    if sum(len(folder.entries) for folder in found.folders.values()) > SMALL:
        found.stats = _carried(before, found) | found.stats
        return found
    for folder in found.folders.values():
        for entry in folder.entries:
            status = lstat(entry.path)
            if status is not None:
                found.stats[entry.path] = status
    found.exact = True
    return found


def _carried(before: Snapshot, found: Snapshot) -> dict[str, os.stat_result]:
    """What is known from ``before`` of what is still there."""
    stats = before.stats
    if not before.folders:
        return {path: status for path, status in stats.items() if found.kind(path) is not None}
    for path, old in before.folders.items():
        folder = found.folders.get(path)
        if folder is old:
            continue
        for entry in old.entries:
            if folder is None or not folder.has_still(entry):
                stats.pop(entry.path, None)
    return stats


def look_again(roots: Roots, before: Snapshot, fresh_ns: int) -> tuple[Snapshot, list[str], list[str]]:
    """Everything that is watched; the paths that were touched since ``before``, and those that are gone.

    Args:
        roots: what is watched.
        before: the look before this one.
        fresh_ns: the file system's time before this look; 0 if it is not known.
    """
    if not before.exact:
        look = _ByTime(roots, before, Snapshot(exact=True, known_ns=fresh_ns))
        with uncollected():
            return look.look(fresh_ns)
    now = look_closely(roots, before, fresh_ns)
    old = before.stats
    touched = [path for path, status in now.stats.items() if _differs(old.get(path), status)]
    return now, touched, [path for path in old if path not in now.stats]


class _ByTime:
    """A look after a spawn at a tree that was only listed before it."""

    def __init__(self, roots: Roots, before: Snapshot, now: Snapshot) -> None:
        self._roots = roots
        self._before = before
        self._now = now
        self._touched: dict[str, None] = {}
        self._gone: list[str] = []

    def look(self, fresh_ns: int) -> tuple[Snapshot, list[str], list[str]]:
        before, now = self._before, self._now
        pending = _tops(self._roots, now)
        for path, status in now.stats.items():
            # The watch's own stamps may have changed a root's change time.
            is_folder = stat.S_ISDIR(status.st_mode)
            if _differs(before.stats.get(path), status) if is_folder else self._is_later(status):
                self._touched[path] = None
        self._gone += before.tops - now.tops
        stats = now.stats = before.stats | now.stats
        while pending:
            root, path = pending.pop()
            old = before.folders.get(path)
            folder = _listed(self._roots, root, path, stats[path], old, fresh_ns)
            self._ask(root, path, folder, old)
            now.keep(path, folder)
            pending += [(root, entry.path) for entry in folder.below if entry.path in stats]
        self._find_gone()
        for path in self._gone:
            stats.pop(path, None)
        return now, list(self._touched), self._gone

    def _is_later(self, status: os.stat_result) -> bool:
        return status.st_ctime_ns > self._before.stamp_ns

    def _ask(self, root: Root, path: str, folder: Folder, old: Folder | None) -> None:
        """The status of all that is in a directory. Nearly all the time of a look is spent here."""
        stats, since_ns, touched = self._now.stats, self._before.stamp_ns, self._touched
        # What has an earlier change time is as the last look has seen it.
        known_ns = self._before.known_ns if folder.is_known else 0
        try:
            fd = os.open(path, _FOLDER & ~os.O_NOFOLLOW if root.near and path == root.path else _FOLDER)
        except OSError:
            self._gone += [entry.path for entry in folder.entries]
            return
        try:
            for entry in folder.entries:
                try:
                    status = os.stat(entry.name, dir_fd=fd, follow_symlinks=False)
                except OSError:
                    self._gone.append(entry.path)
                    continue
                changed_ns = status.st_ctime_ns
                if changed_ns >= known_ns:
                    stats[entry.path] = status
                    if changed_ns > since_ns:
                        touched[entry.path] = None
        finally:
            close(fd)
        folder.is_known = True
        if folder is not old:
            for entry in folder.entries:
                if old is None or not old.has_still(entry):
                    touched[entry.path] = None

    def _find_gone(self) -> None:
        for path, old in self._before.folders.items():
            folder = self._now.folders.get(path)
            if folder is not old:
                self._gone += [
                    one.path for one in old.entries if folder is None or folder.get(one.name) is None
                ]
        for path in self._gone:
            self._touched.pop(path, None)


def _listed(
    roots: Roots, root: Root, path: str, status: os.stat_result, old: Folder | None, fresh_ns: int
) -> Folder:
    """What is in a directory: the old list of it, where nothing was made or removed in it since.

    A change in the tick of the file system's clock in which the list was made would not show in the change
    time. So that is only taken for one where it was before ``fresh_ns``.
    """
    settled_ns = status.st_ctime_ns if status.st_ctime_ns < fresh_ns else -1
    key = (status.st_dev, status.st_ino, settled_ns)
    if old is not None and settled_ns != -1 and old.key == key and (old.root is root or old.root == root):
        return old
    entries = _entries(roots, root, path)
    below = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    kinds = {}
    for entry in entries:
        # Rare, and an entry does not tell a pipe from a device.
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)) and (
            not entry.is_symlink() and (found := lstat(entry.path)) is not None
        ):
            kinds[entry.name] = kind_of(found)
    return Folder(root, key, entries, below, kinds)


def _differs(old: os.stat_result | None, new: os.stat_result) -> bool:
    if old is None or old.st_ino != new.st_ino or old.st_mode != new.st_mode:
        return True
    if old.st_mtime_ns != new.st_mtime_ns:
        return True
    return not stat.S_ISDIR(new.st_mode) and (
        old.st_ctime_ns != new.st_ctime_ns or old.st_size != new.st_size
    )


def _tops(roots: Roots, found: Snapshot) -> list[tuple[Root, str]]:
    """The roots that are directories; the status of every root goes into ``found``."""
    tops = []
    for root in roots:
        status = top_status(root)
        if status is None:
            continue
        found.stats[root.path] = status
        found.tops |= {root.path}
        if stat.S_ISDIR(status.st_mode):
            tops.append((root, root.path))
    return tops


def _entries(roots: Roots, root: Root, path: str) -> list[os.DirEntry[str]]:
    """What is in a directory and watched, or on the way to what is."""
    plain = roots.plain_names(path)
    # A directory that can't be listed, or is gone by now, has nothing that a test could have seen either.
    with contextlib.suppress(OSError), os.scandir(path) as listed:
        entries = [entry for entry in listed if entry.name not in plain]
        if roots.has_patterns:
            entries = [entry for entry in entries if not roots.ignores(root, entry.name, entry.path)]
        if root.pattern is not None:
            entries = [
                entry
                for entry in entries
                if root.leads_to(entry.path, folder=entry.is_dir(follow_symlinks=False))
            ]
        return entries
    return []


def top_status(root: Root) -> os.stat_result | None:
    """The status of a root; the directory for temporary files may be behind a link."""
    if not root.near:
        return lstat(root.path)
    try:
        return os.stat(root.path)
    except OSError:
        return None


def lstat(path: str) -> os.stat_result | None:
    """The status of what is there; ``None`` where there is nothing."""
    try:
        return os.lstat(path)
    except OSError:
        return None
