"""``os.spawn*`` and ``os.system``: children that inherit everything and tell no errors.

Every function here stands in for the standard library's own of the same name and has its signature.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..child import KIN, add_ended
from . import door, guard
from .clocked import notice
from .spawning import ForkExec, environment_list, launch, spawn_of

_REAL_SPAWNVEF: Callable[..., int] = os._spawnvef  # type: ignore[attr-defined]
_REAL_SYSTEM = os.system
_EXEC_FAILED = 127 << 8
"""What a forked child that could not exec ends with: ``os._spawnvef``, and the shell."""


def spawnvef(mode: int, file: Any, args: Any, env: Mapping[Any, Any] | None, func: Callable[..., Any]) -> int:
    """Stands in for ``os._spawnvef``, which every ``os.spawn*`` ends in. See ``Lib/os.py``."""
    if door.current() is None:
        door.count_outside()
        return _REAL_SPAWNVEF(mode, file, args, env, func)
    if not isinstance(args, tuple | list):
        raise TypeError("argv must be a tuple or a list")
    if not args or not args[0]:
        raise ValueError("argv first element cannot be empty")
    name = os.fsencode(file)
    searched = func in (os.execvp, os.execvpe) and not os.path.dirname(name)
    folders = os.get_exec_path(env) if searched else []
    executables = (
        tuple(os.path.join(os.fsencode(folder), name) for folder in folders) if searched else (name,)
    )
    pid = _fork_exec_plainly("os.spawn", args, executables, env)
    if mode == os.P_NOWAIT:
        return pid
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def system(command: Any) -> int:
    """Stands in for :func:`os.system`."""
    if door.current() is None:
        door.count_outside()
        with KIN.hiding():
            return _REAL_SYSTEM(command)
    line = os.fsencode(command)
    if b"\0" in line:
        raise ValueError("embedded null byte")
    guard.announce("os.system", line)
    pid = _fork_exec_plainly("os.system", ["sh", "-c", line], (b"/bin/sh",), None)
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        # SIGCHLD is ignored: nobody is told how a child ended. See system(3).
        return -1


def _fork_exec_plainly(
    road: str, args: Sequence[Any], executables: tuple[bytes, ...], env: Mapping[Any, Any] | None
) -> int:
    """Start a child that inherits everything; one that can't exec ends with 127 instead of an error."""
    try:
        call = ForkExec.inheriting(args, executables, environment_list(env))
        spawn = spawn_of(call).but(road=road)
    except ValueError:
        # The real one finds that out after its fork, and has nobody to tell.
        return add_ended(_EXEC_FAILED)

    def live() -> int:
        started = launch(call, call.wiring())
        return started.pid if started.error is None else _failed(started.pid)

    notice()
    started = door.spawn(spawn, call.wiring(), lambda wiring: launch(call, wiring), live)
    if started.error is not None:
        return _failed(started.pid)
    return started.pid


def _failed(pid: int) -> int:
    """A child that ends like one that was forked and could not exec, in the place of ``pid``."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    return add_ended(_EXEC_FAILED, told=True)


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for these roads."""
    return [(os, "_spawnvef", spawnvef), (os, "system", system)]
