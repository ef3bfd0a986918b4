"""What is in the watched directories at one moment: names, kinds, inodes, sizes and times, no contents.

A look at ten thousand files costs 20 ms, nearly all of it ``lstat``. So before a spawn a large tree is
only listed, at a fifth of that, and afterwards what the child touched is known by its change time, which
nobody can set: inode(7). The directories of that listing in which nothing was made or removed need not be
listed again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from .roots import Root, Roots

SMALL = 1000
"""So many names are looked at closely before a spawn, too: it costs 2 ms, and more is known of what was."""

Kind = str
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


@dataclass(slots=True)
class Folder:
    """A directory that was listed."""

    inode: int
    entries: list[os.DirEntry[str]]
    _by_name: dict[str, os.DirEntry[str]] | None = None

    def get(self, name: str) -> os.DirEntry[str] | None:
        """The entry of that name."""
        if self._by_name is None:
            self._by_name = {entry.name: entry for entry in self.entries}
        return self._by_name.get(name)


@dataclass(slots=True)
class Snapshot:
    """One look.

    Attributes:
        stats: by path. Where ``exact``, of everything there is; else what an earlier look found, of which
            some may have changed since.
        folders: where not ``exact``, what was listed.
        exact: see ``stats``.
        stamp_ns: the file system's time when the look was over: what is touched later has a later one.
    """

    exact: bool
    stats: dict[str, os.stat_result] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    stamp_ns: int = 0

    def kind(self, path: str) -> Kind | None:
        """What was at ``path``."""
        if self.exact or path in self.folders:
            status = self.stats.get(path)
            return None if status is None else kind_of(status)
        folder = self.folders.get(os.path.dirname(path))
        entry = None if folder is None else folder.get(os.path.basename(path))
        return None if entry is None else _kind_of_entry(entry)

    def status(self, path: str) -> os.stat_result | None:
        """What is known of ``path``; what is not exact may be older than the snapshot."""
        return self.stats.get(path) if self.exact or self.kind(path) is not None else None

    def newest_ns(self) -> int:
        """The latest change time of all."""
        return max((status.st_ctime_ns for status in self.stats.values()), default=0)


def _kind_of_entry(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "device"


def look_closely(roots: Roots) -> Snapshot:
    """Everything that is watched, with its status."""
    found = Snapshot(exact=True)
    pending = _tops(roots, found)
    with _uncollected():
        while pending:
            root, path = pending.pop()
            for entry in _entries(roots, root, path):
                status = _stat(entry)
                if status is not None:
                    found.stats[entry.path] = status
                    if stat.S_ISDIR(status.st_mode):
                        pending.append((root, entry.path))
    return found


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is looked for meanwhile: ten thousand new objects would make Python look three times."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def list_names(roots: Roots, before: Snapshot) -> Snapshot:
    """The names of everything that is watched; the status too, where that is not much.

    Args:
        roots: what is watched.
        before: the look before this one, for what is known from there.
    """
    found = Snapshot(exact=False)
    pending = _tops(roots, found)
    count = 0
    with _uncollected():
        while pending:
            root, path = pending.pop()
            entries = _entries(roots, root, path)
            count += len(entries)
            found.folders[path] = Folder(found.stats[path].st_ino, entries)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and (below := _lstat(entry.path)) is not None:
                    found.stats[entry.path] = below
                    pending.append((root, entry.path))
    if count > SMALL:
        # Changes over what was known; the old look is not needed any more.
        before.stats.update(found.stats)
        found.stats = before.stats
        return found
    for folder in found.folders.values():
        for entry in folder.entries:
            status = _stat(entry)
            if status is not None:
                found.stats[entry.path] = status
    found.exact = True
    found.folders = {}
    return found


def look_again(roots: Roots, before: Snapshot) -> tuple[Snapshot, list[str], list[str]]:
    """Everything that is watched; the paths that were touched since ``before``, and those that are gone."""
    if before.exact:
        now = look_closely(roots)
        old = before.stats
        touched = [path for path, status in now.stats.items() if _differs(old.get(path), status)]
        return now, touched, [path for path in old if path not in now.stats]
    return _look_by_time(roots, before)


def _look_by_time(roots: Roots, before: Snapshot) -> tuple[Snapshot, list[str], list[str]]:
    now = Snapshot(exact=True)
    stats = now.stats
    since_ns = before.stamp_ns
    same: set[str] = set()
    pending = _tops(roots, now)
    touched = [path for path, status in stats.items() if _is_later(status, since_ns)]
    with _uncollected():
        while pending:
            root, path = pending.pop()
            old = before.folders.get(path)
            if old is not None and old.inode != stats[path].st_ino:
                old = None
            if old is not None and not _is_later(stats[path], since_ns):
                same.add(path)
                entries = old.entries
            else:
                entries = _entries(roots, root, path)
            listed_anew = path not in same
            for entry in entries:
                name = entry.path
                try:
                    # What an entry was asked for before the spawn it would tell again.
                    is_folder = entry.is_dir(follow_symlinks=False)
                    status = os.lstat(name) if is_folder else entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                stats[name] = status
                if status.st_ctime_ns > since_ns or (
                    listed_anew and (old is None or not old.get(entry.name))
                ):
                    touched.append(name)
                if is_folder:
                    pending.append((root, name))
    gone = [
        entry.path
        for path, folder in before.folders.items()
        if path not in same
        for entry in folder.entries
        if entry.path not in stats
    ]
    return now, touched, gone


def _is_later(status: os.stat_result, since_ns: int) -> bool:
    return status.st_ctime_ns > since_ns or status.st_mtime_ns > since_ns


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
        status = _lstat(root.path)
        if status is None:
            continue
        found.stats[root.path] = status
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
                entry for entry in entries if entry.is_dir(follow_symlinks=False) or root.holds(entry.path)
            ]
        return entries
    return []


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
