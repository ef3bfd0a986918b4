"""Names below the watched directories, reached without following a link: the only way by which files are put.

A path of a tape may come from anywhere. Each of its directories is opened from the one above it, and one
that is a symbolic link is not entered, wherever it leads: openat(2), ``O_NOFOLLOW``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from ..genuine import close
from .roots import Root, Roots

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OutsideError(Exception):
    """A path of the tape is in no watched directory, or leads out of it.

    Attributes:
        path: it.
        reason: why it is refused.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)


def is_encodable(name: str) -> bool:
    """Whether a file system can be asked for it at all."""
    try:
        return "\0" not in name and bool(os.fsencode(name))
    except UnicodeEncodeError:
        return False


class Folders:
    """Opens the directories above names; at most one stays open."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self._path = ""
        self._fd = -1
        self.modes: dict[str, int] = {}
        """Directories that had to be made writable for a while, and their permissions before."""

    def close(self) -> None:
        """Let go of the open directory."""
        if self._fd != -1:
            close(self._fd)
        self._path, self._fd = "", -1

    def root_of(self, path: str, *, on_the_way: bool = False) -> Root:
        """The root by which ``path`` may be written.

        Args:
            path: absolute.
            on_the_way: it is a directory, and what is watched may be below it.

        Raises:
            OutsideError: there is none.
        """
        names = path.split("/")
        if names[0] or "\0" in path or any(name in {"", ".", ".."} for name in names[1:]):
            raise OutsideError(path, "it is no plain absolute path")
        if not is_encodable(path):
            raise OutsideError(path, "no file can have that name")
        for root in self.roots:
            above = root.path.rstrip("/") + "/"
            if root.holds(path) or (on_the_way and not root.near and path.startswith(above)):
                if self.roots.is_forbidden(path):
                    break
                return root
        raise OutsideError(path, "it is in none of the watched directories")

    @contextmanager
    def parent(self, root: Root, path: str, *, write: bool = False) -> Iterator[tuple[int, str]]:
        """The open directory of ``path``, and its name in it.

        Args:
            root: from :meth:`root_of`.
            path: absolute.
            write: names are to be made or removed in it.

        Raises:
            FileNotFoundError: there is no such directory.
            OutsideError: a directory on the way is a symbolic link, or no directory.
        """
        folder, name = os.path.split(path)
        if folder != self._path:
            self.close()
            self._fd = self._open(self._outermost(root, path), folder, path, write=write)
            self._path = folder
        yield self._fd, name

    def _outermost(self, root: Root, path: str) -> Root:
        """The first root on the way to ``path``: what is above it, no tape has put there."""
        around = (
            one for one in self.roots if path == one.path or path.startswith(one.path.rstrip("/") + "/")
        )
        return min(around, key=lambda one: len(one.path), default=root)

    def _open(self, root: Root, folder: str, path: str, *, write: bool) -> int:
        # The directory for temporary files is where the user has it, be it behind a link.
        above, top = (root.path, "") if root.near else os.path.split(root.path)
        fd = os.open(above, _FOLDER & ~os.O_NOFOLLOW)
        if path == root.path:
            return fd
        below = f"{top}/{root.relative(folder)}" if folder != root.path else top
        at = above
        for name in filter(None, below.split("/")):
            at = f"{at.rstrip('/')}/{name}"
            try:
                if write:
                    self._make_writable(fd, name, at)
                below_fd = os.open(name, _FOLDER, dir_fd=fd)
            except NotADirectoryError:
                raise OutsideError(path, f"the way to it leads through {at}, which is no directory") from None
            finally:
                close(fd)
            fd = below_fd
        return fd

    def _make_writable(self, fd: int, name: str, path: str) -> None:
        status = os.lstat(name, dir_fd=fd)
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode) and mode & 0o300 != 0o300 and status.st_uid == os.geteuid():
            self.modes.setdefault(path, mode)
            os.chmod(name, mode | 0o700, dir_fd=fd)
