"""Which real processes are this test run's own affair, so that it may signal them in every mode.

Those are the process itself, its ancestors, and what descends from it without a recorded command between:
workers of :mod:`multiprocessing`, commands that are never taped. Linux tells: proc_pid_stat(5). Where
nobody tells, every process counts as ours, as if there were no tape.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..child import TABLE, process_of, processes

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
    if not _TOLD or pgid == os.getpgrp():
        return True
    return any(is_ours(pid) for pid, one in processes().items() if one.group == pgid)


def _ancestry(pid: int) -> Iterator[int]:
    """The process, its parent, and so on; nothing if there is none."""
    while (found := process_of(pid)) is not None:
        yield pid
        pid = found.parent
