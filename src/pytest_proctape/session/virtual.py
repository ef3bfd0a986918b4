"""Spawns that a module of the virtual toolchain answers, ahead of tape and host, in every mode.

:meth:`.base.Session.answering` asks here first. What the test itself says of a command comes before its
module.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..child import TABLE, Started, Wiring, add_ended
from ..cwd import working_directory
from ..errors import OutputLimitExceeded, ProctapeError, RecordError, SpawnTimeout, WasiError
from ..tape import End, Script, Spawn, SpawnError
from .base import Session, group_of
from .player import Player
from .report import command_line

if TYPE_CHECKING:
    from ..match import Asked
    from ..wasi import Request, Toolchain

_STALL = "let the test send what it asks for, or end it"
_TRAP = "run it by itself to see why, or build it with debug information"
_LIMITS: Mapping[str, tuple[type[RecordError], str]] = {
    "time": (SpawnTimeout, "a module's time is counted in instructions, a nanosecond each: allow it more"),
    "output": (OutputLimitExceeded, "let the command say less, or raise tapes_max_output"),
}


def toolchain_of(folder: str) -> VirtualToolchain | None:
    """The modules in ``folder`` for one session; ``None`` where none are asked for."""
    return VirtualToolchain(_toolchain(folder)) if folder else None


@cache
def _toolchain(folder: str) -> Toolchain:
    # Here and not above: who has no toolchain needs no wasmtime.
    from ..wasi import Toolchain

    return Toolchain(Path(folder))


class VirtualToolchain:
    """The modules that answer the spawns of one session."""

    def __init__(self, toolchain: Toolchain) -> None:
        from ..wasi import ToolTime

        self.toolchain = toolchain
        self.time = ToolTime()
        self._started = 0

    def has(self, program: str) -> bool:
        """Whether there is a module for ``program``."""
        return self.toolchain.path_of(program) is not None

    def answering(self, session: Session) -> _Answering:
        """Who answers such a spawn of ``session``."""
        return _Answering(self, session)

    def start(self, session: Session, spawn: Spawn, asked: Asked, wiring: Wiring) -> Started:
        """Run the module for ``spawn``.

        Raises:
            WasiError: it can't be run.
        """
        from ..wasi import ModuleChild

        folder = os.path.normpath(os.path.join(working_directory(), spawn.cwd or ""))
        request = self._request(spawn, _folders(session, folder), session)
        if not os.path.isdir(folder):
            error = SpawnError(type="OSError", errno="ENOENT", message="noexec:chdir")
            session.note_spawn(spawn, lambda: Script((), End(None, error)), replayed=False, virtual=True)
            session.enroll(spawn, error)
            return Started(add_ended(255 << 8), error)
        pid = TABLE.new_pid()
        child = ModuleChild(
            pid,
            group_of(spawn, pid),
            request,
            self.time,
            session.limits,
            new_session=spawn.new_session,
            now_ns=spawn.now_ns,
            waits=session.waits,
            on_failed=_Failures(session, request.tool.path, asked),
            on_end=TABLE.tell,
        )
        session.note_spawn(spawn, child.so_far, replayed=False, virtual=True)
        session.enroll(spawn, child)
        if isinstance(session, Player):
            session.children.append(child)
        TABLE.add(child)
        child.start(wiring)
        return Started(pid)

    def _request(self, spawn: Spawn, folders: Mapping[str, str], session: Session) -> Request:
        from ..wasi import BUDGET, Request

        path = self.toolchain.path_of(spawn.program)
        assert path is not None
        self._started += 1
        limit = session.limits.spawn
        return Request(
            self.toolchain.load(path),
            spawn.argv,
            dict(os.environ if spawn.env is None else spawn.env),
            folders,
            seed="\0".join([str(self._started), *spawn.argv]).encode("utf-8", "surrogateescape"),
            fuel=BUDGET if limit is None else limit.ns,
        )


def _folders(session: Session, folder: str) -> dict[str, str]:
    """What a module may open, by name: where it runs, and the test's temporary directories."""
    found = {".": folder, folder: folder}
    for root in () if session.files is None else session.files.roots:
        if root.pattern is None and os.path.isdir(root.path):
            found.setdefault(root.path, root.path)
    return found


class _Answering:
    """Answers spawns of one session with modules; see :class:`~pytest_proctape.intercept.Replayer`."""

    def __init__(self, virtual: VirtualToolchain, session: Session) -> None:
        self._virtual = virtual
        self._session = session

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """Run the module, unless the test itself says what the command does."""
        session = self._session
        asked = session.asked(spawn)
        started = session.answered_first(spawn, asked, wiring) if isinstance(session, Player) else None
        if started is not None:
            return started
        try:
            return self._virtual.start(session, spawn, asked, wiring)
        except WasiError as error:
            error.place = session.place()
            raise session.latch(error) from None

    def record(self, spawn: Spawn, wiring: Wiring, _launch: object) -> Started:
        """The same while others are run for real."""
        return self.replay(spawn, wiring)


class _Failures:
    """Makes the errors of one child."""

    def __init__(self, session: Session, path: Path, asked: Asked) -> None:
        self._session = session
        self._path = path
        self._asked = asked
        self._place = session.place()

    def __call__(self, kind: str, words: str) -> ProctapeError:
        """The error for what went wrong; the session has latched it."""
        session = self._session
        if kind in _LIMITS:
            error, advice = _LIMITS[kind]
            command = session.places.redact_text(command_line(self._asked))
            return session.latch(error(words, command=command, place=self._place, next_step=advice))
        return session.latch(
            WasiError(self._path, words, _STALL if kind == "stall" else _TRAP, place=self._place)
        )
