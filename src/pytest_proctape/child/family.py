"""A child and all that it has started: who they are, and how they are ended.

A child often runs in the process group of pytest itself, and then its group must not be signalled. So
the processes are looked for one by one, in ``/proc``: proc(5). Where there is none, a child that leads a
group of its own is ended with that group, and any other one alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable

from ..clock import REAL
from ..frozen import Value

_KILL = os.kill
_KILLPG = os.killpg
_GETPGID = os.getpgid
"""As they were when no tape was active: a signal of ours is none of the parent's."""

_ROUNDS = 200
_PATIENCE_NS = 3 * 10**9
"""Real nanoseconds after which those who start new processes faster than we look are left alone."""


class Process(Value):
    """What the kernel tells of one: proc_pid_stat(5). ``began`` is in its own ticks."""

    pid: int
    parent: int
    group: int
    session: int
    began: int
    dead: bool


class Family:
    """One child and what descends from it.

    Who has lost its parent can't be told by its parent any more. It is known from before, by its process
    group if one of the family leads that, or by the child's output that it still holds.
    """

    def __init__(self, pid: int, pipes: Iterable[int] = ()) -> None:
        """The family of the running process ``pid``.

        Args:
            pid: the child.
            pipes: inodes of the pipes that only the child and its descendants write to.
        """
        self._pid = pid
        self._pipes = {f"pipe:[{inode}]" for inode in pipes}
        self._known: dict[int, int] = {}
        self._groups: set[int] = set()
        own = process_of(pid)
        self._began = 0 if own is None else own.began
        if own is not None:
            self._known[pid] = own.began
        self._leads_a_group = _leads_a_group(pid)

    def signal(self, number: int) -> None:
        """Send a signal to all of them."""
        self._send(number, self.living())

    def end(self) -> None:
        """Kill all of them. They are stopped first, so that none starts others while we look."""
        until_ns = REAL.monotonic_ns() + _PATIENCE_NS
        for _ in range(_ROUNDS):
            stopped: set[int] = set()
            while (found := self.living()) - stopped and REAL.monotonic_ns() < until_ns:
                self._send(signal.SIGSTOP, found - stopped)
                stopped |= found
            self._send(signal.SIGKILL, found)
            if not found or REAL.monotonic_ns() > until_ns:
                return

    def living(self) -> set[int]:
        """Their pids. Nobody else's ever: not of this process, and of none that it descends from."""
        table = processes()
        if not table:
            return set()
        self._known = {pid: at for pid, at in self._known.items() if pid in table and table[pid].began == at}
        ours = os.getpgrp()
        while True:
            before = len(self._known)
            for one in table.values():
                if one.pid in self._known:
                    if one.pid in (one.group, one.session) and one.pid != ours:
                        self._groups.add(one.pid)
                elif one.parent in self._known or {one.group, one.session} & self._groups:
                    self._known[one.pid] = one.began
            if len(self._known) == before and not self._add_holders(table):
                break
        for pid in (0, 1, os.getpid(), os.getppid()):
            self._known.pop(pid, None)
        return {pid for pid in self._known if not table[pid].dead}

    def _add_holders(self, table: dict[int, Process]) -> bool:
        """Who has lost its parent and holds an output of the child. What else we have started may, too."""
        if not self._pipes:
            return False
        ours = _descendants(os.getpid(), table)
        found = [
            one
            for one in table.values()
            if one.pid not in self._known
            and one.pid not in ours
            and one.began >= self._began
            and not one.dead
            and self._holds(one.pid)
        ]
        self._known.update((one.pid, one.began) for one in found)
        return bool(found)

    def _holds(self, pid: int) -> bool:
        folder = f"/proc/{pid}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    if os.readlink(f"{folder}/{name}") in self._pipes:
                        return True
        return False

    def _send(self, number: int, pids: Iterable[int]) -> None:
        pids = set(pids)
        if not pids and not os.path.isdir("/proc/self"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (_KILLPG if self._leads_a_group else _KILL)(self._pid, number)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                _KILL(pid, number)


def _leads_a_group(pid: int) -> bool:
    try:
        return _GETPGID(pid) == pid != os.getpgrp()
    except OSError:
        return False


def _descendants(pid: int, table: dict[int, Process]) -> set[int]:
    found = {pid}
    while True:
        more = {one.pid for one in table.values() if one.parent in found} - found
        if not more:
            return found
        found |= more


def processes() -> dict[int, Process]:
    """All that there are, by pid; nothing where there is no ``/proc``."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return {}
    found = (process_of(int(name)) for name in names if name.isdigit())
    return {one.pid: one for one in found if one is not None}


def began_at(pid: int) -> int:
    """When a process was started, in the kernel's words; 0 where there is none. A pid may be given anew."""
    found = process_of(pid)
    return 0 if found is None else found.began


def process_of(pid: int) -> Process | None:
    """The running or ended process of this number; ``None`` where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name of the program is in round brackets, and may have some of its own.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    state, parent, group, session = fields[0], *map(int, fields[1:4])
    return Process(pid, parent, group, session, int(fields[19]), state in (b"Z", b"X"))
