"""Which tools there were: what :func:`shutil.which` said in the recording, for the replay to say again.

A test that looks for its tool before it runs it, or is skipped where there is none, would not replay where
the tool is missing. What a machine has is no affair of one test, so one tape has it for all of them.
"""

from __future__ import annotations

import os
import shutil
import stat
from os.path import join
from typing import TYPE_CHECKING

from ..clock import REAL
from ..genuine import threading
from ..portable import Places
from ..tape import FORMAT_VERSION, TOOLS, Argument, Tape, TapeStore, decode_argument, encode_argument
from .stamp import recorded_at

if TYPE_CHECKING:
    from .base import Mode

REAL_WHICH = shutil.which
_ACCESS, _EXISTS, _ISDIR, _STAT = os.access, os.path.exists, os.path.isdir, os.stat
_EXECUTABLE = os.F_OK | os.X_OK


class Tools:
    """The tools of one run."""

    def __init__(self, store: TapeStore, places: Places) -> None:
        """Begin with what is on the tape.

        Args:
            store: where that is.
            places: of the run.
        """
        self._store = store
        self._places = places
        self._searched = _searched(None)
        """Where this machine has its tools: what a test puts before or behind it is its own."""
        self._taped: dict[str, Argument | None] | None = None
        self._news: dict[str, Argument | None] = {}
        self._lock = threading.RLock()

    def which(self, name: str, path: str | None, mode: Mode) -> str | None:
        """Where the program ``name`` is, in a session of ``mode``.

        Args:
            name: without a directory.
            path: the directories to search, ``None`` for those of the environment.
            mode: ``"replay"`` and ``"update"`` answer from the tape; what a recording finds gets onto it.

        Raises:
            TapeError: the tape can't be read.
        """
        before, mine, behind = self._parted(_searched(path))
        if not mine or mode in {"live", "verify"}:
            return REAL_WHICH(name, path=path)
        first = _found(name, before)
        if first is not None:
            # The test has put it there.
            return first
        found = self._of_the_machine(name, mode) or _found(name, behind)
        # What a test has put in the place of a look at files has the last word, in this test alone.
        return found if _is_shown(found) else REAL_WHICH(name, path=path)

    def _of_the_machine(self, name: str, mode: Mode) -> str | None:
        if mode != "record":
            taped = self._on_tape()
            if name in taped:
                found = taped[name]
                return None if found is None else self._places.reveal_text(decode_argument(found))
        found = _found(name, self._searched)
        if mode != "replay":
            with self._lock:
                concealed = None if found is None else self._places.conceal_text(found)
                self._news[name] = None if concealed is None else encode_argument(concealed)
        return found

    def _on_tape(self) -> dict[str, Argument | None]:
        with self._lock:
            if self._taped is None:
                tape = self._store.load(TOOLS)
                self._taped = dict((tape and tape.tools) or {})
            return self._taped

    def _parted(self, searched: list[str]) -> tuple[list[str], list[str], list[str]]:
        """What is searched before the machine's directories, these, and behind; none of them: all before."""
        mine = self._searched
        for start in range(len(searched) - len(mine) + 1):
            if searched[start : start + len(mine)] == mine:
                return searched[:start], mine, searched[start + len(mine) :]
        return searched, [], []

    def save(self) -> None:
        """Store what is new; what others asked for stays.

        Raises:
            TapeWriteError: it can't be stored.
        """
        with self._lock:
            news, self._news = self._news, {}
        if not news:
            return

        def changed(old: Tape | None) -> Tape | None:
            before = (old and old.tools) or {}
            after = dict(sorted({**before, **news}.items()))
            if after == before:
                return None
            return Tape(version=FORMAT_VERSION, test=TOOLS, recorded=recorded_at(REAL.time_ns()), tools=after)

        self._store.update(TOOLS, changed)
        with self._lock:
            self._taped = None


def _searched(path: str | None) -> list[str]:
    """The directories that :func:`shutil.which` searches."""
    if path is None:
        path = os.environ.get("PATH")
        if path is None:
            path = os.defpath
    return path.split(os.pathsep)


def _found(name: str, searched: list[str]) -> str | None:
    """As :func:`shutil.which`, which asks what a test may have put in the place of ``os.path.exists``."""
    for folder in searched:
        path = join(folder, name)
        if _ACCESS(path, _EXECUTABLE) and not stat.S_ISDIR(_STAT(path).st_mode):
            return path
    return None


def _is_shown(found: str | None) -> bool:
    """Whether :func:`shutil.which` would say the same, should the machine have just that."""
    exists, access, isdir = os.path.exists, os.access, os.path.isdir
    if exists is _EXISTS and access is _ACCESS and isdir is _ISDIR:
        return True
    return (
        found is not None
        and (exists is _EXISTS or exists(found))
        and (access is _ACCESS or access(found, _EXECUTABLE))
        and (isdir is _ISDIR or not isdir(found))
    )
