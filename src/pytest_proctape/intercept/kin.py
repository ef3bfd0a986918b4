"""Which real processes are this test run's own affair, so that it may signal them in every mode.

Those are the process itself, its ancestors, and what descends from it without a recorded command between:
workers of :mod:`multiprocessing`, commands that are never taped. Linux tells: proc_pid_stat(5). Where
nobody tells, every process counts as ours, as if there were no tape.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..child import TABLE

_TOLD = os.path.exists("/proc/self/stat")


def is_ours(pid: int) -> bool:
    """Whether ``pid`` is the number of such a process, be it the group that it leads."""
    if not _TOLD:
        return True
    own = os.getpid()
    for one in _ancestry(pid):
        if one == own:
            return True
        if TABLE.get(one) is not None:
            return False
    return pid in _ancestry(own)


def is_our_group(pgid: int) -> bool:
    """Whether ``pgid`` is our own group, or one that a process of ours is in."""
    return pgid == os.getpgrp() or any(is_ours(pid) for pid in _members(pgid)) if _TOLD else True


def _members(pgid: int) -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit() and _stat(int(name))[1] == pgid:
            yield int(name)


def _ancestry(pid: int) -> Iterator[int]:
    """The process, its parent, and so on; nothing if there is none."""
    parent = _stat(pid)[0]
    while parent >= 0:
        yield pid
        pid, parent = parent, _stat(parent)[0]


def _stat(pid: int) -> tuple[int, int]:
    """Parent and group of a process; -1 for both where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold anything.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return -1, -1
    return int(fields[1]), int(fields[2])
