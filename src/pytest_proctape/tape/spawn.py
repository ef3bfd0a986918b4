"""What a parent asked for: the :class:`Spawn`, independent of how it asked and of what it got."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from os.path import basename, join

from ..frozen import Value


class Spawn(Value):
    """One request to start a child, as the caller made it.

    Text that came as bytes is decoded with :func:`os.fsdecode`, so it may hold surrogates.

    Attributes:
        program: what is to be executed, as the caller named it (``"git"``, ``"./configure"``).
        args: the arguments behind it.
        argv0: the child's ``argv[0]`` where it is not ``program`` (``executable=``).
        cwd: where the child is to run, or ``None`` for the parent's working directory.
        env: the child's whole environment, or ``None`` for the parent's own.
        road: the call, for messages (``"subprocess"``, ``"os.posix_spawn"``).
        new_session: a ``setsid`` is asked for.
        process_group: ``-1`` for the parent's group, ``0`` for one of the child's own.
        passed: the descriptors beyond the standard ones that the caller passes on by name, in order.
        now_ns: the clock of who waits for the child, nanoseconds, where it waits by the clock.
        unclocked: who waits for it does so by real time, whatever clock the test has.
    """

    program: str
    args: tuple[str, ...] = ()
    argv0: str | None = None
    cwd: str | None = None
    env: Mapping[str, str] | None = None
    road: str = "subprocess"
    new_session: bool = False
    process_group: int = -1
    passed: tuple[int, ...] = ()
    now_ns: Callable[[], int] | None = None
    unclocked: bool = False
    _apart = ("now_ns", "unclocked")

    @property
    def argv(self) -> list[str]:
        """The whole command line, ``argv[0]`` first."""
        return [self.program if self.argv0 is None else self.argv0, *self.args]


def program_of(argv0: str, candidates: tuple[bytes, ...], path: str | None) -> str:
    """What the caller called the program, from what ``_fork_exec`` was given.

    ``subprocess`` has by then turned a bare name into one candidate for each directory on PATH;
    see ``Popen._execute_child`` in CPython's ``Lib/subprocess.py``.

    Args:
        argv0: the first argument.
        candidates: the executables that are to be tried in turn.
        path: the PATH that was searched, or ``None`` for the parent's.
    """
    if path is None:
        path = os.environ.get("PATH")
    return _program_of(argv0, candidates, os.defpath if path is None else path)


@lru_cache(256)
def _program_of(argv0: str, candidates: tuple[bytes, ...], path: str) -> str:
    if not candidates:
        return argv0
    first = os.fsdecode(candidates[0])
    if len(candidates) == 1 and first == argv0:
        return argv0
    name = basename(first)
    folders = path.split(os.pathsep)
    searched = tuple(os.fsencode(join(folder, name)) for folder in folders)
    return name if searched == candidates else first
