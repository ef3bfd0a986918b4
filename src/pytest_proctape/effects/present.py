"""What is at a path on replay, held against what a tape says was there, and against what it puts there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from ..tape import TAPED, Content, FileEffect
from .contents import CHUNK, HASHED, Conceal, digest_of, file_digest_of, read_all
from .shutting import shut
from .snapshot import kind_of

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ARTICLES = {"file": "a file", "link": "a symbolic link", "directory": "a directory", None: "nothing"}


@dataclass(slots=True)
class Present:
    """One name as it is now.

    Attributes:
        fd: its open directory; -1 where that is not there.
        name: the name in it.
        status: ``None`` where there is nothing.
    """

    fd: int
    name: str
    status: os.stat_result | None

    @classmethod
    def at(cls, fd: int, name: str) -> Present:
        """Look."""
        try:
            return cls(fd, name, os.lstat(name, dir_fd=fd))
        except FileNotFoundError:
            return cls(fd, name, None)

    @property
    def kind(self) -> str | None:
        """In the words of a tape."""
        return None if self.status is None else kind_of(self.status)

    def told(self) -> str:
        """For a report."""
        if self.status is None:
            return "nothing"
        if self.kind == "file":
            return f"a file of {self.status.st_size} bytes"
        if self.kind == "link":
            return f"a symbolic link to {os.readlink(self.name, dir_fd=self.fd)}"
        return _ARTICLES.get(self.kind, f"a {self.kind}")

    def is_as_before(self, file: FileEffect, conceal: Conceal, taped: Content | None) -> bool:
        """Whether this is what was there when the tape was recorded.

        Args:
            file: what is to become of it.
            conceal: takes out of contents what belongs to this machine.
            taped: what the tape has put there before; ``None`` if it has not.
        """
        if file.was is None:
            return self.status is None or file.kind == "kept"
        kind, _, digest = file.was.partition(" ")
        if kind != self.kind or self.status is None:
            return False
        if digest == TAPED:
            # Of a file with holes only the content between them is known.
            return taped is None or taped.size != self.status.st_size or self._is_content(taped)
        if not digest or self.status.st_size > HASHED:
            return True
        held = self._held()
        if self.kind == "link":
            return digest_of(held, conceal) == digest
        # Earlier tapes have the one of all that is in it.
        return digest in file_digest_of(held, conceal).split(" ")

    def is_as_after(self, file: FileEffect) -> bool:
        """Whether this is already what the tape puts there."""
        if file.kind == "gone":
            return self.status is None
        if self.status is None or file.kind != self.kind:
            return False
        if file.kind == "link":
            return os.readlink(self.name, dir_fd=self.fd) == file.target
        return file.kind != "file" or self._is_content(file.content or Content.of(b""), file.size, file.parts)

    def _held(self) -> bytes:
        if self.kind == "link":
            return os.fsencode(os.readlink(self.name, dir_fd=self.fd))
        fd = os.open(self.name, _OPEN, dir_fd=self.fd)
        try:
            return read_all(fd, HASHED + 1)
        finally:
            shut(fd)

    def _is_content(
        self, content: Content, size: int | None = None, parts: tuple[tuple[int, int], ...] = ()
    ) -> bool:
        assert self.status is not None
        size = content.size if size is None else size
        if self.status.st_size != size:
            return False
        fd = os.open(self.name, _OPEN, dir_fd=self.fd)
        try:
            at = 0
            for offset, length in parts or ((0, size),):
                for start in range(0, length, CHUNK):
                    count = min(CHUNK, length - start)
                    if os.pread(fd, count, offset + start) != content.read(at, count):
                        return False
                    at += count
        finally:
            shut(fd)
        return True


def expected(file: FileEffect) -> str:
    """What was there when the tape was recorded, for a report."""
    if file.was is None:
        return "nothing"
    kind, _, digest = file.was.partition(" ")
    told = _ARTICLES.get(kind, f"a {kind}")
    if digest == TAPED:
        return f"{told} as an earlier command had left it"
    return f"{told} with other content, SHA-256 {digest}..." if digest else told


def is_folder(status: os.stat_result | None) -> bool:
    """Whether it is a directory and no link to one."""
    return status is not None and stat.S_ISDIR(status.st_mode)
