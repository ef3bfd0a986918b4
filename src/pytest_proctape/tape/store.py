"""The tapes of a suite on disk: :class:`TapeStore`. The session loads and saves through it, and no one else.

::

    <root>/tests/test_git/TestLog.test_x[a-b].json          a tape
    <root>/tests/test_git/TestLog.test_x[a-b].json.failed   the attempt of a failed recording
    <root>/_payloads/<sha256>                               bytes too large for a tape

What is stored never leaves ``root``, and a file is old or new, never half.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from ..errors import TapeCorrupt, TapeError, TapeWriteError
from ..owned import Owned
from ..unfaked import OwnPath
from .absent import Listing
from .codec import dumps, loads
from .content import Content
from .files import check_inside, read_regular, remove, write_atomically
from .model import Stream, Tape
from .names import equals, fold, hashed_tape_path, tape_name, tape_path
from .payloads import PayloadStore

ATTEMPT = ".failed"
"""What a failed recording has behind the name of the tape."""

LARGEST_TAPE = 1 << 28
"""Bytes of a tape file. What needs that much is a mistake; large streams are in payload files."""
_SMALLER = f"at most {LARGEST_TAPE:,} bytes"

_HEAD = 4096
_TEST = b'"test":'
"""In the third line, as :func:`~.codec.dumps` writes them; other layouts are parsed in full."""
_BEFORE_TEST = [b"{", b'"version":']

_LISTDIR = os.listdir
"""As it was: a test may replace it where it looks at directories, and start a process meanwhile."""

_NOBODY = ""
_UNREADABLE = None


class TapeStore(PayloadStore):
    """The directory of the tapes, and of their payloads."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._listing = Listing(self.root)
        self._root_slash = f"{self.root}/"
        self._last: tuple[str | None, Path] = None, self.root

    def path_for(self, nodeid: str) -> Path:
        """The file that holds the tape of ``nodeid``, or would.

        Two tests whose names differ only in case would share a file on some file systems. The one
        that comes second gets the hashed name, and does so on every file system, so that tapes can be
        checked out anywhere. A tape without ``test`` belongs to the name it has, and so does one
        that was moved there from elsewhere, and one that can't be read.

        Raises:
            TapeError: a directory can't be listed.
        """
        plain = self._plain(nodeid)
        # Where nothing is like it, nothing has to be opened, and no directory read that has not changed.
        if self.lacks(nodeid) or self.owner_of(plain) == nodeid:
            return plain
        folder, names = self._folder_of(tape_path(nodeid))
        taken = equals(plain.name, names)
        owners = {name: self.owner_of(folder / name) for name in taken}
        for name, owner in owners.items():
            if owner == nodeid:
                return folder / name
        hashed = hashed_tape_path(nodeid).name
        if hashed in names:
            return folder / hashed
        if plain.name in owners and not self._is_at_home(owners[plain.name], folder / plain.name):
            return folder / plain.name
        return folder / (hashed if taken else plain.name)

    def _plain(self, nodeid: str) -> Path:
        """Where nearly every tape is. A test asks several times, and taking a path apart takes long."""
        last = self._last
        if last[0] != nodeid:
            last = self._last = nodeid, OwnPath(self._root_slash + tape_name(nodeid))
        return last[1]

    def seems_to_have(self, nodeid: str) -> bool:
        """Whether something is at the plain place of the tape of ``nodeid``: one look."""
        return os.path.lexists(self._root_slash + tape_name(nodeid))

    @property
    def own_paths(self) -> list[str]:
        """Where files are that belong to tapes, and not to what tests do."""
        return [str(self.root)]

    def lacks(self, nodeid: str) -> bool:
        """Whether there is surely no tape of ``nodeid``; where in doubt there may be one."""
        return self._listing.lacks(nodeid)

    def has_nothing(self, nodeid: str) -> bool:
        """The same of an attempt as well."""
        return self._listing.lacks(nodeid, ATTEMPT)

    def load(self, nodeid: str) -> Tape | None:
        """The tape of ``nodeid``; ``None`` only where there is no file.

        Raises:
            TapeCorrupt: the file can't be read, or is no tape.
            TapeVersionError: it is one of another version.
            TapeError: its path leads out of the root.
        """
        found = self.find(nodeid)
        return None if found is None else found[1]

    def find(self, nodeid: str) -> tuple[Path, Tape] | None:
        """The tape of ``nodeid`` and where it is; ``None`` only where there is no file.

        Raises:
            TapeCorrupt, TapeVersionError, TapeError: as for :meth:`load`.
        """
        plain = self._plain(nodeid)
        # Nearly every tape is at its plain place and says whose it is: then one look is enough.
        with contextlib.suppress(FileNotFoundError, TapeError):
            data = self._read(plain)
            if _said_owner(data) == nodeid:
                return plain, self.told(loads(data, plain))
        if self.lacks(nodeid):
            return None
        path = self.path_for(nodeid)
        try:
            return path, self.told(self.load_file(path))
        except FileNotFoundError:
            return None

    def load_file(self, path: Path) -> Tape:
        """The tape in this file of the store as it stands there, whoever owns it; see :meth:`told`.

        Raises:
            FileNotFoundError: there is none.
            TapeCorrupt, TapeVersionError, TapeError: as for :meth:`load`.
        """
        return loads(self._read(path), path)

    def told(self, tape: Tape, decode: Callable[[Stream], Content] | None = None) -> Tape:
        """A tape as it stands in a file, with all that its timelines say in them.

        Args:
            tape: from :meth:`load_file`.
            decode: reads a payload, if not from here.

        Raises:
            TapeCorrupt: a payload is missing or damaged.
            TapeError: its path leads out of the root.
        """
        for entry in tape.entries:
            if entry.streams is not None:
                from .folding import unfolded

                return unfolded(tape, decode or self.decode)
        return tape

    def _dumped(self, tape: Tape, path: Path) -> bytes:
        for entry in tape.entries:
            if entry.timeline is not None:
                from .folding import folded

                return _dumped(folded(tape, self.add_payload, self.threshold), path)
        return _dumped(tape, path)

    def _read(self, path: Path) -> bytes:
        check_inside(path, self.root)
        data = read_regular(path, LARGEST_TAPE + 1)
        if len(data) > LARGEST_TAPE:
            raise TapeCorrupt(path, "the file is too large for a tape", expected=_SMALLER)
        return data

    def save(self, nodeid: str, tape: Tape) -> Path:
        """Store ``tape`` as that of ``nodeid``; ``tape.test`` should say the same.

        A file that has these bytes already is left alone.

        Raises:
            TapeWriteError: the file could not be written; what was there before is whole.
            TapeError: its path leads out of the root.
        """
        data = self._dumped(tape, self._plain(nodeid))
        with self._alone() as alone:
            path = self._path_for_writing(nodeid)
            self._put(path, data, alone=alone)
        return path

    def update(self, nodeid: str, change: Callable[[Tape | None], Tape | None]) -> bool:
        """Store what ``change`` makes of the tape of ``nodeid``; whether there was something to store.

        No other process stores anything meanwhile, so nothing is lost where several add to one tape. A
        tape that can't be read counts as none.

        Args:
            nodeid: whose tape.
            change: from the tape that is there to the new one, ``None`` for leaving it as it is.

        Raises:
            TapeWriteError, TapeError: as for :meth:`save`.
        """
        with self._alone() as alone:
            try:
                old = self.load(nodeid)
            except TapeError:
                old = None
            new = change(old)
            if new is None:
                return False
            path = self._path_for_writing(nodeid)
            self._put(path, self._dumped(new, path), alone=alone)
        return True

    def attempt_path(self, nodeid: str) -> Path:
        """Where :meth:`save_attempt` keeps the tape of a recording that failed."""
        return _attempt_of(self.path_for(nodeid))

    def save_attempt(self, nodeid: str, tape: Tape) -> Path:
        """Store ``tape`` beside that of ``nodeid``, as what a failed recording saw.

        Raises:
            TapeWriteError, TapeError: as for :meth:`save`.
        """
        path = _attempt_of(self._path_for_writing(nodeid))
        self._write(path, self._dumped(tape, path))
        return path

    def discard_attempt(self, nodeid: str, path: Path | None = None) -> None:
        """Remove what :meth:`save_attempt` left, if anything.

        Args:
            nodeid: whose attempt.
            path: of the tape, if it has been asked for already.

        Raises:
            TapeWriteError: it can't be removed.
            TapeError: its path leads out of the root.
        """
        attempt = f"{path or self._path_for_writing(nodeid)}{ATTEMPT}"
        # Hardly any test has one, and `os.access` needs no exception to say so.
        if os.access(attempt, os.F_OK):
            check_inside(OwnPath(attempt).parent, self.root)
            remove(OwnPath(attempt))

    def delete(self, nodeid: str) -> bool:
        """Remove the tape of ``nodeid``, if there is one; whether there was.

        Its payloads may be another tape's, too, and stay.

        Raises:
            TapeWriteError: it can't be removed.
        """
        return self._remove(self._path_for_writing(nodeid))

    def _write(self, path: Path, data: bytes) -> None:
        old = check_inside(path, self.root)
        if old is not None:
            with contextlib.suppress(FileNotFoundError, TapeCorrupt):
                if read_regular(path) == data:
                    return
        write_atomically(path, data, old)

    def _put(self, path: Path, data: bytes, *, alone: bool) -> None:
        """Write a tape; what is known of its directory is known of it afterwards."""
        self._write(path, data)
        if alone:
            self._listing.stored(str(path))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """One process at a time; whether that is so.

        Two new tapes whose names differ only in case have to see each other, and the workers of one run
        may come at the same moment. The lock is the system's and ends with the process: flock(2).
        """
        import fcntl

        # A lock that an interrupt left behind would lock this process out, too.
        fds, alone = Owned(), False
        try:
            # What can't be made or opened is told by the writing. A file system without locks goes without.
            with contextlib.suppress(OSError):
                try:
                    fd = self._open_root(fds)
                except FileNotFoundError:
                    self.root.mkdir(parents=True, exist_ok=True)
                    fd = self._open_root(fds)
                fcntl.flock(fd, fcntl.LOCK_EX)
                self._listing.held()
                alone = True
            yield alone
        finally:
            fds.close_all()

    def _open_root(self, fds: Owned) -> int:
        return fds.take(os.open, self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _remove(self, path: Path) -> bool:
        check_inside(path.parent, self.root)
        return remove(path)

    def _path_for_writing(self, nodeid: str) -> Path:
        try:
            return self.path_for(nodeid)
        except TapeError as error:
            raise TapeWriteError(
                error.path, error.problem, expected=error.expected, next_step=error.next_step
            ) from error

    def _folder_of(self, relative: PurePosixPath) -> tuple[Path, list[str]]:
        """The directory for ``relative`` and what is in it.

        A directory that differs only in case is the same one, as it is on some file systems.
        """
        folder = self.root
        names = _names_in(folder)
        for part in relative.parent.parts:
            if part not in names:
                part = min(equals(part, names), default=part)
            folder = folder / part
            names = _names_in(folder)
        return folder, names

    def _is_at_home(self, owner: str | None, path: Path) -> bool:
        """Whether ``path`` is where the tape of ``owner`` has to be."""
        if not owner:
            return False
        return fold(str(tape_path(owner))) == fold(path.relative_to(self.root).as_posix())

    def owner_of(self, path: Path) -> str | None:
        """The node id in the file: ``""`` for nobody's or no file, ``None`` for one that can't be read."""
        try:
            head = read_regular(path, _HEAD)
            owner = _said_owner(head)
            if owner is not None:
                return owner
            if len(head) == _HEAD:
                head = read_regular(path)
            document = json.loads(head)
        except FileNotFoundError:
            return _NOBODY
        except (TapeCorrupt, ValueError, RecursionError):
            return _UNREADABLE
        owner = document.get("test", _NOBODY) if isinstance(document, dict) else _NOBODY
        return owner if isinstance(owner, str) else _UNREADABLE


def _said_owner(head: bytes) -> str | None:
    """The node id in the third line; ``None`` where it can't be told without the rest."""
    at = head.find(_TEST, 0, 64)
    end = head.find(b"\n", at)
    *before, version = head[: max(0, at)].split() or (b"",)
    said = head[at + len(_TEST) : end].strip()
    # Only a text: anything else may be nested as deep as it likes.
    if end < 0 or before != _BEFORE_TEST or not version.removesuffix(b",").isdigit() or said[:1] != b'"':
        return None
    try:
        return str(json.loads(said.removesuffix(b",")))
    except ValueError:
        return None


def _dumped(tape: Tape, path: Path) -> bytes:
    try:
        data = dumps(tape)
    except ValueError as error:
        raise TapeWriteError(path, f"this is no tape that can be written: {error}") from error
    if len(data) > LARGEST_TAPE:
        raise TapeWriteError(path, f"the tape would have {len(data):,} bytes", expected=_SMALLER)
    return data


def _attempt_of(path: Path) -> Path:
    return OwnPath(f"{path}{ATTEMPT}")


def _names_in(folder: Path) -> list[str]:
    try:
        return _LISTDIR(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise TapeError(
            folder,
            f"the directory can't be read: {error.strerror}",
            expected="a directory of tapes",
            next_step="check what is there, and its permissions",
        ) from error
