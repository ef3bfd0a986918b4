"""Files of the store: read what is a regular file, write all or nothing, and stay inside one directory."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from ..errors import TapeCorrupt, TapeError, TapeWriteError
from ..later import later
from ..owned import Owned

_PREFIX = ".proctape-"
_SUFFIX = ".tmp"
TEMPORARY = later(re.escape(_PREFIX) + r"[0-9a-f]+" + re.escape(_SUFFIX))
"""Names that :func:`temporary_beside` gives."""

_CHOOSE = "make the directory writable, or choose another one with the ini option tapes_dir"
_NEXT_STEPS = {
    errno.ENOSPC: "make room on the disk, and record again",
    errno.EDQUOT: "make room in the quota, and record again",
    errno.EACCES: _CHOOSE,
    errno.EPERM: _CHOOSE,
    errno.EROFS: _CHOOSE,
    errno.ENOTDIR: "move the file that stands where a directory has to be",
    errno.EEXIST: "move the file that stands where a directory has to be",
    errno.EISDIR: "move the directory that stands where the tape has to be",
    errno.ENAMETOOLONG: "choose a directory with a shorter path with the ini option tapes_dir",
}


def read_regular(path: Path, limit: int = -1) -> bytes:
    """The bytes of a regular file, at most ``limit`` of them unless that is negative.

    Raises:
        FileNotFoundError: there is nothing at ``path``.
        TapeCorrupt: something else is there (reading a FIFO would wait for ever), or it can't be read.
    """
    try:
        fds = Owned()
        fd = fds.take(os.open, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise TapeCorrupt(path, "not a regular file", expected="a file", next_step="move it away")
            # A byte more than there is to read: one call, unless the file grows meanwhile.
            data = os.read(fd, status.st_size + 1 if limit < 0 else min(status.st_size + 1, limit))
            if len(data) == status.st_size or len(data) == limit:
                return data
            with open(fd, "rb", closefd=False) as file:
                return data + file.read(limit if limit < 0 else limit - len(data))
        finally:
            fds.close(fd)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TapeCorrupt(
            path,
            f"it can't be read: {error.strerror}",
            next_step="check the file and the permissions on its path",
        ) from error


def check_inside(path: Path, root: Path) -> os.stat_result | None:
    """Make sure that neither ``path`` nor a directory above it is a symbolic link out of ``root``.

    Returns:
        What there is, a link as such; ``None`` for nothing.

    Raises:
        TapeError: it leads out.
    """
    text = str(path)
    if text.startswith(f"{root}/") and "/../" not in f"{text}/":
        with contextlib.suppress(FileNotFoundError):
            return _status_without_links(text, len(str(root)) + 1) or _status_inside(path, root)
        # Nor is there anything behind it.
        return None
    return _status_inside(path, root)


def _status_without_links(path: str, start: int) -> os.stat_result | None:
    """That of ``path``, unless a part of it behind ``start`` is a link, or can't be looked at.

    Raises:
        FileNotFoundError: a part is not there.
    """
    end = start
    try:
        while True:
            end = path.find("/", end + 1)
            status = os.lstat(path if end == -1 else path[:end])
            if stat.S_ISLNK(status.st_mode):
                return None
            if end == -1:
                return status
    except FileNotFoundError:
        raise
    except OSError:
        return None


def _status_inside(path: Path, root: Path) -> os.stat_result | None:
    """The same, with links on the way: see where they lead."""
    real_root = os.path.realpath(root)
    real = os.path.realpath(path)
    if os.path.commonpath([real_root, real]) != real_root:
        raise TapeError(
            path,
            f"it leads out of the directory of the tapes, to {real}",
            expected=f"a path inside {real_root}",
            next_step="remove the symbolic link",
        )
    with contextlib.suppress(OSError):
        return os.lstat(path)
    return None


def write_error(path: Path, error: OSError) -> TapeWriteError:
    """The typed error for what the system said."""
    next_step = _NEXT_STEPS.get(error.errno or 0, "see that the file can be written, and record again")
    return TapeWriteError(path, f"it can't be written: {error.strerror or error}", next_step=next_step)


def temporary_beside(path: str) -> str:
    """A new name in the same directory that nobody takes for a tape."""
    return f"{os.path.dirname(path)}/{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}"


def create(path: str, fds: Owned) -> int:
    """A descriptor of a new file, for writing, in ``fds``; never one that was there."""
    return fds.take(os.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write ``data``, also where the system takes it in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def replace_with(path: Path, fill: Callable[[str], None], old: os.stat_result | None) -> None:
    """Put at ``path`` what ``fill`` makes at the temporary name it is given: wholly, or not at all.

    It is whole before it gets its name, so that whoever looks finds the old one or the new one; see
    rename(2). Whatever goes wrong, the temporary name is gone afterwards.

    Args:
        path: of the file.
        fill: makes it.
        old: what is there; the new one gets its permissions.

    Raises:
        TapeWriteError: the system refused.
    """
    target = str(path)
    temporary = temporary_beside(target)
    try:
        try:
            fill(temporary)
        except FileNotFoundError:
            make_folder(path.parent)
            fill(temporary)
        if old is not None and stat.S_ISREG(old.st_mode):
            os.chmod(temporary, stat.S_IMODE(old.st_mode))
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise write_error(path, error) from error
        raise


def make_folder(path: Path) -> None:
    """Make the directory, with those above it, unless it is there.

    Raises:
        OSError: it can't be; :class:`NotADirectoryError` where a file is in the way.
    """
    try:
        os.mkdir(path)
    except FileNotFoundError:
        make_folder(path.parent)
        # Somebody else may make it just now.
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def write_atomically(path: Path, data: bytes, old: os.stat_result | None) -> None:
    """Put ``data`` at ``path``, as :func:`replace_with` does.

    Who kills this process leaves the old file or the new one in any case. Should the machine go down, the new
    one is on the disk before it takes the place of another. Where there is none, nothing can be lost but what
    was recorded in the last seconds, and nobody waits for the disk. See ``docs/decisions/0026``.
    """

    def fill(temporary: str) -> None:
        fds = Owned()
        fd = create(temporary, fds)
        try:
            write_all(fd, data)
            if old is not None:
                os.fsync(fd)
        finally:
            fds.close(fd)

    replace_with(path, fill, old)


def remove(path: Path) -> bool:
    """Remove the file, if there is one; whether there was.

    Raises:
        TapeWriteError: the system refused.
    """
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise write_error(path, error) from error
    return True
