"""Replay: files are put where a command had put them. The session calls :func:`apply`.

First everything is looked at, and only if nothing is in the way anything is done. So a divergence leaves
the directories as they were.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence

from ..genuine import close
from ..tape import Content, FileEffect
from .contents import Conceal
from .folders import Folders, OutsideError, is_encodable
from .present import Present, expected, is_folder
from .roots import Roots
from .shutting import shut

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OWNERS = 0o600

_Act = Callable[[FileEffect, int, str], None]
_PlainAct = Callable[[int, str], None]


class InTheWayError(Exception):
    """Something is where a file is to be put, and is not what was there on record.

    Attributes:
        path: where.
        expected, actual: what was there, and what is.
    """

    def __init__(self, path: str, expected: str, actual: str) -> None:
        self.path = path
        self.expected = expected
        self.actual = actual
        super().__init__(path, expected, actual)


def apply(
    files: Sequence[FileEffect], roots: Roots, conceal: Conceal, taped: dict[str, Content] | None = None
) -> None:
    """Do to the watched directories what a child did.

    Args:
        files: from a tape, a directory before what is in it.
        roots: nothing outside of them is touched.
        conceal: takes out of contents what belongs to this machine, before they are compared.
        taped: by path, what the tape has put there so far; what it puts there now is added.

    Raises:
        OutsideError: a path is in none of the roots, or leads out of them. Nothing was done.
        InTheWayError: something else is there than in the recording. Nothing was done.
        OSError: the system refused; its ``filename`` is the path.
        TapeCorrupt: a content is damaged.
    """
    taped = {} if taped is None else taped
    work = _Work(files, roots, conceal, taped)
    try:
        work.check()
        work.do()
    finally:
        work.folders.close()
    for file in files:
        if file.kind == "file" and file.content is not None:
            taped[file.path] = file.content
        elif file.kind != "kept":
            taped.pop(file.path, None)


class _Work:
    def __init__(
        self, files: Sequence[FileEffect], roots: Roots, conceal: Conceal, taped: Mapping[str, Content]
    ) -> None:
        self.folders = Folders(roots)
        self._files = sorted(files, key=lambda file: file.path)
        self._by_path = {file.path: file for file in self._files}
        self._conceal = conceal
        self._taped = taped
        self._done: set[str] = set()
        """Paths that are already as they are to be."""
        self._staged: dict[str, str] = {}
        """Files that are needed under a further name and lose the one they have: where they are meanwhile."""

    # -- before anything is done ---------------------------------------------------------------

    def check(self) -> None:
        """See that nothing is in the way."""
        if len(self._by_path) != len(self._files):
            twice = next(file.path for file in self._files if self._by_path[file.path] is not file)
            raise OutsideError(twice, "the tape has two effects on it at once")
        for file in self._files:
            self._check_parts(file)
            root = self.folders.root_of(file.path, on_the_way=file.kind == "directory")
            try:
                with self.folders.parent(root, file.path) as (fd, name):
                    self._check_one(file, Present.at(fd, name))
            except (FileNotFoundError, OutsideError) as error:
                if not self._makes_the_way(file.path, root.path):
                    if isinstance(error, OutsideError):
                        raise
                    raise InTheWayError(os.path.dirname(file.path), "a directory", "nothing") from None
                self._check_one(file, Present(-1, "", None))
            if file.kind == "same_as":
                self._check_source(file)

    def _check_source(self, file: FileEffect) -> None:
        """What is to get a further name has to be a regular file, and there, or come by these effects."""
        root = self.folders.root_of(file.target)
        if (made := self._by_path.get(file.target)) is not None and made.kind not in {"gone", "kept"}:
            if made.kind in {"file", "same_as"}:
                return
            raise OutsideError(file.path, f"it is to be another name of {file.target}, which is no file")
        try:
            with self.folders.parent(root, file.target) as (fd, name):
                present = Present.at(fd, name)
        except FileNotFoundError:
            present = Present(-1, "", None)
        if present.kind != "file":
            raise InTheWayError(file.target, "a file", present.told() if present.fd != -1 else "nothing")

    def _check_one(self, file: FileEffect, present: Present) -> None:
        if file.kind != "same_as" and present.is_as_after(file):
            self._done.add(file.path)
        elif not present.is_as_before(file, self._conceal, self._taped.get(file.path)) or (
            file.kind == "kept" and not present.status
        ):
            raise InTheWayError(file.path, expected(file), present.told())
        elif is_folder(present.status) and file.kind not in {"directory", "kept"}:
            self._check_emptied(file, present)

    def _check_emptied(self, file: FileEffect, present: Present) -> None:
        """A directory that is to go may hold nothing but what is to go as well."""
        fd = os.open(present.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=present.fd)
        try:
            names = os.listdir(fd)
        finally:
            close(fd)
        for name in sorted(names):
            path = f"{file.path}/{name}"
            if path not in self._by_path or self._by_path[path].kind != "gone":
                raise InTheWayError(path, "nothing", "something that the recording did not have")

    def _makes_the_way(self, path: str, root: str) -> bool:
        """Whether a directory above ``path`` is made, or goes, by these same effects."""
        folder = os.path.dirname(path)
        while len(folder) >= len(root):
            if folder in self._by_path and self._by_path[folder].kind in {"directory", "gone"}:
                return True
            folder = os.path.dirname(folder)
        return False

    def _check_parts(self, file: FileEffect) -> None:
        length = sum(length for _, length in file.parts)
        if file.parts and file.content is not None and length != file.content.size:
            raise OutsideError(file.path, "its parts are not as long as its content")
        if file.kind == "link" and not is_encodable(file.target):
            raise OutsideError(file.path, "no link can have its text")
        if file.mtime_ns is not None and not -(2**63) <= file.mtime_ns < 2**63:
            raise OutsideError(file.path, "no file can have its time")

    # -- doing ---------------------------------------------------------------------------------

    def do(self) -> None:
        """Make, change and remove; modes and times come last."""
        todo = [file for file in self._files if file.path not in self._done and file.kind != "kept"]
        self._stage(todo)
        for file in reversed(todo):
            if file.was is not None:
                self._at(file, self._clear)
        self.folders.close()
        for file in todo:
            if file.kind not in {"gone", "same_as"}:
                self._at(file, self._make)
        for file in todo:
            if file.kind == "same_as":
                self._hard_link(self._staged.get(file.target, file.target), file.path)
        for staged in self._staged.values():
            self._on(staged, lambda fd, name: os.unlink(name, dir_fd=fd))
        self.folders.close()
        for file in reversed(self._files):
            if file.kind != "gone":
                self._at(file, self._finish)
        self._restore_modes()

    def _at(self, file: FileEffect, act: _Act) -> None:
        root = self.folders.root_of(file.path, on_the_way=file.kind == "directory")
        try:
            with self.folders.parent(root, file.path, write=True) as (fd, name):
                act(file, fd, name)
        except OSError as error:
            error.filename = file.path
            raise

    def _on(self, path: str, act: _PlainAct) -> None:
        root = self.folders.root_of(path)
        with self.folders.parent(root, path, write=True) as (fd, name):
            act(fd, name)

    def _stage(self, todo: Sequence[FileEffect]) -> None:
        """Give files another name that lose theirs before they get a further one."""
        for file in todo:
            source = self._by_path.get(file.target)
            if file.kind == "same_as" and source is not None and source.kind == "gone":
                root = self.folders.root_of(file.target)
                beside = file.target if root.near else f"{root.path}/"
                staged = f"{beside}.proctape-{len(self._staged)}"
                if file.target not in self._staged:
                    self._staged[file.target] = staged
                    self._hard_link(file.target, staged)

    def _clear(self, file: FileEffect, fd: int, name: str) -> None:
        """Remove what is to go, and what has to make room."""
        present = Present.at(fd, name)
        if present.status is None or (file.kind == "directory" and is_folder(present.status)):
            return
        if file.kind == "file" and present.kind == "file":
            return  # it is written anew, or replaced
        if is_folder(present.status):
            os.rmdir(name, dir_fd=fd)
        else:
            os.unlink(name, dir_fd=fd)

    def _make(self, file: FileEffect, fd: int, name: str) -> None:
        match file.kind:
            case "directory":
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=fd)
            case "link":
                os.symlink(file.target, name, dir_fd=fd)
            case "fifo":
                os.mkfifo(name, _OWNERS, dir_fd=fd)
            case "socket":
                # A name that nobody listens behind: whoever connects is refused, as after a server's end.
                os.mknod(name, stat.S_IFSOCK | _OWNERS, dir_fd=fd)
            case _:
                self._write(file, fd, name)

    def _write(self, file: FileEffect, fd: int, name: str) -> None:
        present = Present.at(fd, name)
        if present.status is None:
            self._fill_new(file, fd, name)
        elif file.in_place:
            if not present.status.st_mode & 0o200:
                os.chmod(name, stat.S_IMODE(present.status.st_mode) | 0o200, dir_fd=fd)
            self._fill(file, os.open(name, _OLD, dir_fd=fd))
            if file.mode is None:
                os.chmod(name, stat.S_IMODE(present.status.st_mode), dir_fd=fd)
        else:
            # Whoever has the old one open keeps it, and who looks finds the one or the other.
            fresh = ".proctape-new"
            self._fill_new(file, fd, fresh)
            os.replace(fresh, name, src_dir_fd=fd, dst_dir_fd=fd)

    def _fill_new(self, file: FileEffect, fd: int, name: str) -> None:
        opened = os.open(name, _NEW, _OWNERS, dir_fd=fd)
        try:
            self._fill(file, opened)
        except BaseException:
            os.unlink(name, dir_fd=fd)
            raise

    def _fill(self, file: FileEffect, fd: int) -> None:
        assert file.content is not None
        try:
            size = file.content.size if file.size is None else file.size
            if file.parts or file.size is not None:
                os.ftruncate(fd, 0)
            at = 0
            for offset, length in file.parts or (((0, file.content.size),) if file.content.size else ()):
                end = offset + length
                while offset < end:
                    data = file.content.read(at, min(1 << 20, end - offset))
                    offset += os.pwrite(fd, data, offset)
                    at += len(data)
            os.ftruncate(fd, size)
        finally:
            shut(fd)

    def _hard_link(self, source: str, path: str) -> None:
        with contextlib.ExitStack() as stack:
            folders = Folders(self.folders.roots)
            stack.callback(folders.close)
            fd, name = stack.enter_context(folders.parent(folders.root_of(source), source))
            self._on(
                path, lambda to, new: os.link(name, new, src_dir_fd=fd, dst_dir_fd=to, follow_symlinks=False)
            )

    # -- modes and times -----------------------------------------------------------------------

    def _finish(self, file: FileEffect, fd: int, name: str) -> None:
        status = os.lstat(name, dir_fd=fd)
        if file.mode is not None and not stat.S_ISLNK(status.st_mode):
            kept = status.st_mode & stat.S_ISGID if stat.S_ISDIR(status.st_mode) else 0
            if stat.S_IMODE(status.st_mode) != file.mode | kept:
                os.chmod(name, file.mode | kept, dir_fd=fd)
            self.folders.modes.pop(file.path, None)
        if file.mtime_ns is not None:
            os.utime(name, ns=(status.st_atime_ns, file.mtime_ns), dir_fd=fd, follow_symlinks=False)

    def _restore_modes(self) -> None:
        for path, mode in sorted(self.folders.modes.items(), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                self._on(path, lambda fd, name, mode=mode: os.chmod(name, mode, dir_fd=fd))  # type: ignore[misc]
