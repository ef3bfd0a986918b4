"""From two looks to the effects between them: what is new, changed, gone, and which names are one file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..tape import TAPED, Content, FileEffect, Spool
from .contents import HASHED, Conceal, digest_of, file_digest, file_digest_of, read, size_to_read, told
from .snapshot import Snapshot, kind_of

_Identity = tuple[int, int]
_PERMISSIONS = 0o1777
"""A command that makes a program of another user's rights does so on the recording machine only."""


@dataclass(slots=True)
class Digests:
    """What files held, as far as it was looked at, for as long as their status is the same."""

    conceal: Conceal
    _known: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    _taped: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def of(self, path: str, status: os.stat_result | None) -> str:
        """The digest of a file or link as it was with ``status``; ``""`` if it is not known."""
        if status is None:
            return ""
        key, digest = self._known.get(path, ((), ""))
        return digest if key == _key(status) else ""

    def note(self, path: str, status: os.stat_result, digest: str) -> None:
        """Keep it."""
        self._known[path] = (_key(status), digest)

    def note_taped(self, path: str, status: os.stat_result) -> None:
        """What is there now is on the tape."""
        self._taped[path] = _key(status)

    def is_taped(self, path: str, status: os.stat_result | None) -> bool:
        """Whether what was there with ``status`` is what the tape has put there."""
        return status is not None and self._taped.get(path) == _key(status)

    def read(self, path: str, status: os.stat_result) -> int:
        """Look at a file or link that is not known; how many bytes that took."""
        if stat.S_ISLNK(status.st_mode):
            self.note(path, status, digest_of(os.fsencode(link_text(path)), self.conceal))
            return 0
        self.note(path, status, file_digest(path, status.st_size, self.conceal))
        return status.st_size


def _key(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def link_text(path: str) -> str:
    """Where a symbolic link points to; ``""`` if it is gone by now."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


@dataclass(slots=True)
class Changes:
    """What happened between two looks.

    Attributes:
        before, now: the looks.
        touched: paths that are there now, and may have changed.
        gone: paths that are not there any more.
        digests: what is known of contents.
        new_spool: makes what collects a content.
        unread: paths of files and devices that could not be kept.
    """

    before: Snapshot
    now: Snapshot
    touched: list[str]
    gone: list[str]
    digests: Digests
    new_spool: Callable[[], Spool]
    unread: list[str] = field(default_factory=list)
    _anchors: dict[_Identity, str] = field(default_factory=dict)
    _moved: dict[_Identity, str] = field(default_factory=dict)

    def without(self, is_output: Callable[[os.stat_result], bool], is_own: Callable[[str], bool]) -> None:
        """Leave out files by their status, and what the test itself has done to paths."""
        stats = self.now.stats
        self.touched = [path for path in self.touched if not is_output(stats[path]) and not is_own(path)]
        self.gone = [path for path in self.gone if not is_own(path)]

    def sizes(self) -> dict[str, int]:
        """By path, the bytes that a tape would have to keep."""
        seen: set[_Identity] = set()
        found = {}
        for path in sorted(self.touched):
            status = self.now.stats[path]
            if (
                kind_of(status) == "file"
                and not self._is_same(path, status)
                and _identity(status) not in seen
            ):
                seen.add(_identity(status))
                found[path] = size_to_read(status)
        return found

    def effects(self, since_ns: int) -> tuple[FileEffect, ...]:
        """The effects, a directory before what is in it.

        Args:
            since_ns: later modification times are the clock's.
        """
        self.touched.sort()
        self._find_sources()
        found = [self._gone(path) for path in self.gone if self.before.kind(path) not in {None, "device"}]
        for path in self.touched:
            effect = self._effect(path, self.now.stats[path])
            if effect is not None:
                by_clock = effect.mtime_ns is not None and since_ns <= effect.mtime_ns <= self.now.stamp_ns
                found.append(effect.but(by_clock=by_clock))
        return tuple(sorted(found, key=lambda one: one.path))

    # -- one name ------------------------------------------------------------------------------

    def _gone(self, path: str) -> FileEffect:
        return FileEffect(path, "gone", was=self._was(path))

    def _was(self, path: str) -> str | None:
        kind = self.before.kind(path)
        if kind == "file" and self.digests.is_taped(path, self.before.status(path)):
            return f"file {TAPED}"
        if kind in {"file", "link"}:
            digest = self.digests.of(path, self.before.status(path))
            return f"{kind} {told(digest)}" if digest else kind
        return None if kind == "device" else kind

    def _effect(self, path: str, status: os.stat_result) -> FileEffect | None:
        kind = kind_of(status)
        if kind == "device":
            self.unread.append(path)
            return None
        if kind == "file":
            return self._file(path, status)
        if kind == "link":
            return self._link(path, status)
        if self.before.kind(path) == kind:
            return self._kept(path, status)
        return FileEffect(
            path,
            kind,  # type: ignore[arg-type]
            mode=_mode(status),
            mtime_ns=status.st_mtime_ns,
            was=self._was(path),
        )

    def _kept(self, path: str, status: os.stat_result, was: str | None = None) -> FileEffect | None:
        """The thing is the one that it was; its mode or its time may have changed."""
        old = self.before.status(path)
        known = old is not None and self.before.exact
        mode = None if known and old is not None and _mode(old) == _mode(status) else _mode(status)
        same_time = known and old is not None and old.st_mtime_ns == status.st_mtime_ns
        if mode is None and same_time:
            return None
        if kind_of(status) == "link":
            mode = None
        mtime_ns = None if same_time else status.st_mtime_ns
        return FileEffect(path, "kept", mode=mode, mtime_ns=mtime_ns, was=was or self._was(path))

    def _link(self, path: str, status: os.stat_result) -> FileEffect | None:
        target = link_text(path)
        was = self._was(path)
        digest = digest_of(os.fsencode(target), self.digests.conceal)
        self.digests.note(path, status, digest)
        if was == f"link {digest}":
            return self._kept(path, status)
        return FileEffect(path, "link", target=target, mtime_ns=status.st_mtime_ns, was=was)

    def _file(self, path: str, status: os.stat_result) -> FileEffect | None:
        anchor = self._anchors.get(_identity(status), path)
        was = self._was(path)
        if self._is_same(path, status):
            self._carry(path, status)
            return self._kept(path, status, was)
        if anchor != path:
            # Where both names were this file before, what happens to the one happens to the other.
            return None if self._is_same_inode(path, status) else self._same_as(path, anchor, status)
        source = self._source(path, status)
        if source is not None:
            return self._same_as(path, source, status)
        try:
            content, size, parts = read(path, self.new_spool)
        except OSError:
            self.unread.append(path)
            return None
        if size is None and self._holds_the_same(path, status, content):
            return self._kept(path, status, was)
        self.digests.note_taped(path, status)
        return FileEffect(
            path,
            "file",
            content=content,
            size=size,
            parts=parts,
            mode=_mode(status),
            mtime_ns=status.st_mtime_ns,
            was=was,
            in_place=self._is_same_inode(path, status),
        )

    def _holds_the_same(self, path: str, status: os.stat_result, content: Content) -> bool:
        """Whether the file is the one it was and holds what it held: somebody has touched it."""
        if content.size > HASHED:
            return False
        old = self.before.status(path)
        before = self.digests.of(path, old)
        taped = self.digests.is_taped(path, old)
        after = file_digest_of(content.bytes(), self.digests.conceal)
        self.digests.note(path, status, after)
        if before != after or not self._is_same_inode(path, status):
            return False
        if taped:
            self.digests.note_taped(path, status)
        return True

    def _carry(self, path: str, status: os.stat_result) -> None:
        """What was known of the content holds for the new status."""
        old = self.before.status(path)
        self.digests.note(path, status, self.digests.of(path, old))
        if self.digests.is_taped(path, old):
            self.digests.note_taped(path, status)

    def _same_as(self, path: str, other: str, status: os.stat_result) -> FileEffect:
        old = self.before.status(other)
        # The names share the mode and the time; what did not change is not told.
        mode = _mode(status) if old is not None and _mode(old) != _mode(status) else None
        return FileEffect(path, "same_as", target=other, mode=mode, was=self._was(path))

    # -- names of one file ---------------------------------------------------------------------

    def _find_sources(self) -> None:
        """Which name stands for a file that has several, and what files that moved were called before."""
        for path in self.touched:
            status = self.now.stats[path]
            if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                best = self._anchors.setdefault(_identity(status), path)
                if self._is_same_inode(path, status) and not self._is_same_inode(best, status):
                    self._anchors[_identity(status)] = path
        for path in self.gone:
            old = self.before.status(path)
            if old is not None and stat.S_ISREG(old.st_mode):
                self._moved[_identity(old)] = path

    def _source(self, now_at: str, status: os.stat_result) -> str | None:
        """The path that a file had before it was moved, if it is not another file with its inode."""
        path = self._moved.get(_identity(status))
        old = None if path is None else self.before.status(path)
        if path is None or old is None or not _is_like(old, status):
            return None
        # Another file may have got the inode, and with it an old time: tar does that.
        digest = self.digests.of(path, old)
        if digest and digest != file_digest(now_at, status.st_size, self.digests.conceal):
            return None
        return path

    def _is_same_inode(self, path: str, status: os.stat_result) -> bool:
        old = self.before.status(path)
        return old is not None and _identity(old) == _identity(status)

    def _is_same(self, path: str, status: os.stat_result) -> bool:
        """Whether the file is the one it was, and nobody wrote to it, as far as its status tells."""
        old = self.before.status(path)
        if old is None or not _is_like(old, status):
            return False
        if old.st_ctime_ns == status.st_ctime_ns:
            return True
        # Somebody may have written to it and set its time back.
        digest = self.digests.of(path, old)
        return digest != "" and digest == file_digest(path, status.st_size, self.digests.conceal)


def _identity(status: os.stat_result) -> _Identity:
    return (status.st_dev, status.st_ino)


def _is_like(old: os.stat_result, new: os.stat_result) -> bool:
    return (
        _identity(old) == _identity(new) and old.st_size == new.st_size and old.st_mtime_ns == new.st_mtime_ns
    )


def _mode(status: os.stat_result) -> int:
    return status.st_mode & _PERMISSIONS


def needed_parents(paths: Iterable[str]) -> set[str]:
    """Every directory above one of ``paths``."""
    found: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in found and folder != "/":
            found.add(folder)
            folder = os.path.dirname(folder)
    return found
