"""The files that a test gives to a command beside its input.

What a command says depends on them, so a recording keeps what they held, as a hash, and a replay holds them
against it. Kept is what the test has written itself, and text of the project that was there before the run:
what other commands have made is theirs, and programs that were built are another machine's as well.

They are those that the command line names; and below a temporary directory that it names, or that the
command works in, what the test has written there, each with the first command that could read it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from os.path import basename, dirname, join, normpath
from pathlib import Path

from .. import effects
from ..cwd import working_directory
from ..later import later
from ..match import Difference, asked_by
from ..portable import Places
from ..rows import Row
from ..tape import Content, Entry, Spawn
from .crossing import SCAN_LIMIT
from .modules import hash_of, package_of

MOST = 100
"""Files of one command line that are kept."""

PACKAGE = "package "
"""Before the name of what Python code runs."""

_SHELLS = frozenset(["sh", "bash", "dash", "ksh", "zsh"])
_BETWEEN_WORDS = later(r"[\s;|&<>()'\"`$]+")
_SAYS_COMMANDS = later(r"-[a-z]*c")

_ACCESS, _STAT, _EXISTS = os.access, os.stat, os.path.lexists
"""As they were when the package was imported: a test may put others in their place."""


class Given(Row):
    """A file that a command was given.

    Attributes:
        name: as the command line has it.
        path: absolute.
        sha256: of what it held, as far as that is the same on every machine.
        is_own: the test has written it itself; else it is the project's.
    """

    name: str
    path: str
    sha256: str
    is_own: bool


class Inputs:
    """The files of one tape's commands."""

    def __init__(self, places: Places, root: Path) -> None:
        """Look at them for a tape.

        Args:
            places: the values of its placeholders.
            root: of the project.
        """
        self._places = places
        self._root, self._prefix = f"{root}/", f"{sys.prefix}/"
        self._has_looked = False
        self._packages: dict[str, str] = {}
        """Their hashes, as the test does not change what it tests."""
        self.since = 0
        """What was written before may lie there for other tests as well: see :meth:`.Written.follow`."""
        self._lain: dict[str, int] = {}
        """What a command could read, by path, with its :meth:`.Written.number_of`: each is kept once."""

    def given(self, spawn: Spawn) -> tuple[Given, ...]:
        """What a command that is about to be started, and recorded, is given."""
        effects.WRITTEN.settle()
        found: dict[str, Given] = {}
        folder = normpath(_folder_of(spawn))
        folders = {folder: ""}
        for word in _names(spawn.program, spawn.args):
            # A shell, or the command itself, looks for what has such a name.
            name = dirname(word.partition("*")[0]) if "*" in word else word
            # Few words name anything.
            if name and _ACCESS(join(folder, name), os.R_OK) and name not in found and len(found) < MOST:
                path = normpath(join(folder, name))
                given = self._given(name, path)
                if given is None:
                    folders.setdefault(path, name.rstrip("/") + "/")
                else:
                    found[name] = given
                    self._lain[path] = effects.WRITTEN.number_of(path)
        for path, name in folders.items():
            self._add_lying(found, path, name)
        package = self._package(spawn)
        if package is not None:
            found[package.name] = package
        return tuple(found.values())

    def _add_lying(self, found: dict[str, Given], folder: str, name: str) -> None:
        """What the test has written into a directory that the command is given, or that it works in."""
        lying = effects.WRITTEN.below(folder, self.since)
        new = [path for path, number in lying.items() if self._lain.get(path) != number]
        if not new or self._root.startswith(f"{folder}/") or not self._places.is_temporary(new[0]):
            return
        unfinished = _unfinished(new)
        kept_by_tools = _KeptByTools(folder)
        for path in new:
            if path in unfinished or kept_by_tools.has(path):
                continue
            if len(found) == MOST:
                return
            self._lain[path] = lying[path]
            given = self._given(name + path[len(folder) + 1 :], path)
            if given is not None:
                found[given.name] = given

    def _package(self, spawn: Spawn) -> Given | None:
        """The project's own Python code, where that is what runs."""
        root = self._root.rstrip("/")
        found = package_of(spawn.program, spawn.args, (_folder_of(spawn), root, join(root, "src")))
        if found is None or not self._is_projects(found[1]):
            return None
        name, path = found
        sha256 = self._packages.get(path)
        if sha256 is None:
            sha256 = self._packages[path] = hash_of(path)
        return Given(PACKAGE + name, path, sha256, is_own=True) if sha256 else None

    def _given(self, name: str, path: str) -> Given | None:
        is_own = effects.WRITTEN.has(path)
        # A name that is no text can't stand on a tape.
        if not (is_own or self._is_old(path)) or not _is_text(name):
            return None
        data = self._read(path)
        if data is None or (not is_own and b"\0" in data):
            return None
        plain = _without_chance(data)
        # The hash of a short secret can be guessed.
        if self._places.secrets.are_in(plain):
            return None
        return Given(name, path, Content.of(self._places.anywhere(plain)).sha256, is_own)

    def on_tape(self, given: Iterable[Given]) -> dict[str, str]:
        """The hashes by name, once the recording is over.

        What of the project has been changed meanwhile is none of it: a command has written there, and a
        replay finds what that has left.
        """
        conceal = self._places.conceal_text
        return {conceal(one.name): one.sha256 for one in given if one.is_own or self._is_old(one.path)}

    def _is_old(self, path: str) -> bool:
        """Whether this is the project's, and was there before the run."""
        if not self._is_projects(path):
            return False
        try:
            status = _STAT(path)
        except OSError:
            return False
        return max(status.st_mtime_ns, status.st_ctime_ns) < effects.WRITTEN.since_ns

    def _is_projects(self, path: str) -> bool:
        """Whether ``path`` lies in the project, and is not of the environment that lies there, too."""
        return path.startswith(self._root) and not (
            self._prefix.startswith(self._root) and path.startswith(self._prefix)
        )

    def now(self, spawn: Spawn, entry: Entry) -> dict[str, str]:
        """The hashes of those of the tape's files that can be held against it, ``""`` for one that is gone.

        Args:
            spawn: what the test asks for.
            entry: that it is but for its files.
        """
        folder = _folder_of(spawn)
        here = self._here(spawn, entry)
        found, lying = {}, {}
        for name in entry.inputs or ():
            if name in here:
                path = normpath(join(folder, here[name]))
                digest = self._present(path)
                # A part of the project that is made by building it need not be on each machine.
                if digest or not self._is_projects(path):
                    found[name] = digest
            elif name.startswith(PACKAGE):
                package = self._package(spawn)
                if package is not None and package.name == name:
                    found[name] = package.sha256
            else:
                lying[name] = normpath(join(folder, self._lies_at(name, here)))
        # Another thread of the test may be about to write what lay in a directory.
        unfinished = _unfinished(lying.values())
        present = {name: self._present(path) for name, path in lying.items() if path not in unfinished}
        return found | {name: digest for name, digest in present.items() if digest}

    def _lies_at(self, name: str, here: dict[str, str]) -> str:
        """The path here of what lay in a directory; that may have a random name in the command line."""
        for known, word in here.items():
            if name.startswith(known.rstrip("/") + "/"):
                return join(word, name[len(known.rstrip("/")) + 1 :])
        return self._places.reveal_text(name)

    def _here(self, spawn: Spawn, entry: Entry) -> dict[str, str]:
        """How the command line has what has these names on the tape."""
        names = _names(spawn.program, spawn.args)
        taped = asked_by(entry)
        known = _names(taped.program, taped.args)
        if len(known) == len(names):
            # Two of them may have a random name, and only their places tell them apart.
            return dict(zip(known, names, strict=True))
        return {self._places.conceal_text(name): name for name in names}

    def _present(self, path: str) -> str:
        """The hash of a file; ``""`` where there is none that can be read."""
        data = self._read(path)
        if data is None:
            return ""
        return Content.of(self._places.anywhere(_without_chance(data))).sha256

    def _read(self, path: str) -> bytes | None:
        found = effects.regular(path, SCAN_LIMIT)
        self._has_looked = True
        return None if found is None else found[1]

    def end(self) -> None:
        """The tape is over; a file that the test has locked is let go of as soon as it is not any more."""
        if self._has_looked:
            effects.shut_kept()


def notes_on_inputs(differences: Sequence[Difference]) -> tuple[str, ...]:
    """Lines for the report, where nothing but files differs."""
    if not differences or not all(one.field.startswith("inputs[") for one in differences):
        return ()
    if any(one.field.startswith(f"inputs[{PACKAGE}") for one in differences):
        return (
            "the command runs Python code of this project that is not what it was when this was recorded;",
            "a replay runs none of it, so let it run for real, by tapes_live or the marker:",
            '  @pytest.mark.tape(live=["its command"])',
        )
    return (
        "a file that the command is given is not what it was when this was recorded, so the answer on the",
        "tape may be another one now; where the file differs in every run, and the answer does not:",
        '  @pytest.mark.tape(match_on=["program", "args", "cwd", "env", "stdin"])',
    )


def _folder_of(spawn: Spawn) -> str:
    folder = working_directory()
    return folder if spawn.cwd is None else join(folder, spawn.cwd)


def _names(program: str, args: Sequence[str]) -> list[str]:
    """What may name a file in a command line."""
    names = [program] if "/" in program else []
    if len(args) > 1 and basename(program) in _SHELLS and _SAYS_COMMANDS.fullmatch(args[0]):
        names += filter(None, _BETWEEN_WORDS.split(args[1]))
        args = args[2:]
    for word in args:
        if word and word[0] != "-":
            names.append(word)
            if word[0] == "@":
                names.append(word[1:])
        if "=" in word:
            names.append(word.partition("=")[2])
    return names


class _KeptByTools:
    """What tools and libraries keep for themselves: times and random names are in it.

    That is what a hidden directory has, or a bare repository of git.
    """

    def __init__(self, folder: str) -> None:
        self._parent = dirname(folder)
        self._known: dict[str, bool] = {self._parent: False}
        self._folder = folder

    def has(self, path: str) -> bool:
        """Whether ``path`` is of that, somewhere below the folder."""
        return self._is_one(dirname(path))

    def _is_one(self, directory: str) -> bool:
        known = self._known.get(directory)
        if known is None:
            hidden = basename(directory)[0] == "." and directory != self._folder
            git = _EXISTS(join(directory, "objects")) and _EXISTS(join(directory, "HEAD"))
            known = self._known[directory] = hidden or git or self._is_one(dirname(directory))
        return known


def _unfinished(paths: Collection[str]) -> set[str]:
    """Those of ``paths`` that are open for writing."""
    being_written = effects.being_written() if paths else ()
    found = set()
    for path in paths if being_written else ():
        with contextlib.suppress(OSError):
            status = _STAT(path)
            if (status.st_dev, status.st_ino) in being_written:
                found.add(path)
    return found


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_chance(data: bytes) -> bytes:
    """An archive that the test has packed has times in it."""
    return data if len(data) > effects.MASKED_LIMIT else effects.masked(data)
