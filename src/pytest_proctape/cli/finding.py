"""Which tapes a command is about: from what was typed to :class:`TapeFile`, with the store each lies in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import TapeError, UsageError
from ..tape import Listing, Tape, TapeStore, tape_path
from ..tape.names import PAYLOADS
from .project import Project, project_of


@dataclass(frozen=True, slots=True)
class TapeFile:
    """A tape's file."""

    path: Path
    store: TapeStore

    @property
    def name(self) -> str:
        """The path as it is told: relative to the working directory where it is inside."""
        return shown_path(self.path)

    def told(self) -> Tape:
        """The tape, with all that its timelines say in them.

        Raises:
            TapeError, UsageError: as :meth:`load`; a payload can't be read.
        """
        return self.store.told(self.load())

    def load(self) -> Tape:
        """The tape as it stands in the file.

        Raises:
            TapeError: it can't be read, or is no tape.
            UsageError: there is no file.
        """
        try:
            return self.store.load_file(self.path)
        except FileNotFoundError:
            raise UsageError(f"{self.name}: there is no such file") from None


class Finder:
    """Finds tapes for a run of the command in one working directory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = Path.cwd() if folder is None else folder

    @cached_property
    def project(self) -> Project:
        """The project around the working directory."""
        return project_of(self._folder)

    def folder(self, name: str | None) -> Path:
        """The directory that is meant: by default that of the project's tapes.

        A directory around it, the root of the project above all, means the tapes in it and not every
        JSON file there.

        Raises:
            UsageError: there is none.
        """
        if name is None:
            if not self.project.tapes.is_dir():
                raise UsageError(
                    f"{shown_path(self.project.tapes)}: there is no directory of tapes; record some with "
                    "pytest --record-tapes, or name the directory"
                )
            return self.project.tapes
        path = Path(name)
        if not path.is_dir():
            raise UsageError(f"{name}: there is no such directory")
        around = Path(os.path.abspath(path)) in self.project.tapes.parents
        return self.project.tapes if around and self.project.tapes.is_dir() else path

    def tapes(self, names: Sequence[str]) -> list[TapeFile]:
        """The tapes that are meant by files, directories and node ids; all of the project without any.

        Raises:
            UsageError: there is no such thing.
            TapeError: a directory can't be listed.
        """
        found: dict[Path, TapeFile] = {}
        for name in names or (None,):
            for one in self._named(name):
                found.setdefault(one.path.absolute(), one)
        return list(found.values())

    def one(self, name: str) -> TapeFile:
        """The tape of a file or node id.

        Raises:
            UsageError: it is neither.
        """
        path = self.path_of(name)
        if path.is_dir():
            raise UsageError(f"{name} is a directory; name one tape in it")
        if os.path.lexists(path):
            return TapeFile(path, TapeStore(self.root_of(path)))
        if path != Path(name):
            raise UsageError(f"{name} has no tape: there is no {shown_path(path)}")
        raise UsageError(f"{name}: there is no such file")

    def path_of(self, name: str) -> Path:
        """The file that is meant by its path or by a node id, be it there or not."""
        if "::" in name and not os.path.lexists(name):
            return TapeStore(self.project.tapes).path_for(name)
        return Path(name)

    def root_of(self, path: Path) -> Path:
        """The directory of the tapes that ``path`` is in.

        That of the project, or the nearest one with payloads, or what is left when a tape's own place is
        taken off; or else the directory itself.
        """
        here = Path(os.path.abspath(path))
        folder = here if here.is_dir() else here.parent
        around = (folder, *folder.parents)
        if self.project.tapes in around:
            return self.project.tapes
        nearest = next((one for one in around if one.joinpath(PAYLOADS).is_dir()), None)
        return nearest or _root_by_name(here) or folder

    def _named(self, name: str | None) -> Iterable[TapeFile]:
        if name is not None and not os.path.isdir(name):
            return [self.one(name)]
        folder = self.folder(name)
        store = TapeStore(self.root_of(folder))
        return [TapeFile(path, store) for path in Listing.of(folder).tapes]


def _root_by_name(path: Path) -> Path | None:
    """The root that the node id inside a tape tells; ``None`` if it doesn't."""
    try:
        owner = TapeStore(path.parent).load_file(path).test
    except (TapeError, OSError):
        return None
    if not owner:
        return None
    steps = len(tape_path(owner).parts)
    root = path.parents[steps - 1] if steps <= len(path.parents) else None
    inside = root is not None and path.relative_to(root).parent == Path(tape_path(owner)).parent
    return root if inside else None


def shown_path(path: Path) -> str:
    """``path``, relative to the working directory where it is inside it."""
    here = os.path.abspath(path)
    relative = os.path.relpath(here)
    return here if relative.startswith("..") else relative
