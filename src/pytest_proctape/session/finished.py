"""Spawns that were over as soon as they had begun, kept as they came: most of them nobody ever asks about.

The session of a replay keeps them for the short road, and makes what a test can look at
(:attr:`~.base.Session.spawns`, :attr:`~.base.Session.roll`) when it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..child import Memory, finished_child
from ..tape import STDERR, STDOUT, Content, Entry, Script, Spawn, Stream, ns_from_ms
from .base import TapedSpawn
from .children import TapedChild
from .crossing import SCAN_LIMIT
from .places import Spot


class Finished(NamedTuple):
    """One of them.

    Attributes:
        spawn: what was asked for.
        entry: of the tape.
        script: gives what it did.
        pid: of the child.
        spot: where in the user's code it was started.
        start_ns: from the beginning of the tape.
    """

    spawn: Spawn
    entry: Entry
    script: Callable[[Entry], Script]
    pid: int
    spot: Spot
    start_ns: int

    @property
    def duration_ns(self) -> int:
        """How long it ran when it was recorded."""
        return ns_from_ms(self.entry.duration_ms)

    def told(self, root: str) -> tuple[TapedSpawn, TapedChild]:
        """What a test can look at."""
        spawn = self.spawn
        child = finished_child(self.pid, self.script(self.entry))
        made = TapedSpawn(spawn.program, list(spawn.args), spawn.cwd, spawn.env, True, child.so_far)
        place = self.spot.shown(root)
        return made, TapedChild([spawn.program, *spawn.args], place, self.start_ns, child, self.entry)


def plain_outputs(
    entry: Entry, memory: Memory, decode: Callable[[Stream], Content]
) -> list[tuple[int, Content]] | None:
    """What the child of an entry writes, by its descriptors, if it does nothing else that matters here."""
    stdin = entry.stdin
    if (
        entry.timeline is not None
        or entry.signal is not None
        or entry.running
        or entry.effects
        or entry.fds
        or not memory.is_sent_nothing
        or (stdin is not None and (stdin != "" or memory.inlet is None))
        or entry.stderr_to_stdout is not memory.together
        or (memory.limit_ns is not None and ns_from_ms(entry.duration_ms) > memory.limit_ns)
    ):
        return None
    outputs = []
    for fd, stream in ((STDOUT, entry.stdout), (STDERR, entry.stderr)):
        if stream is None:
            if fd not in memory.discarded and not (fd == STDERR and memory.together):
                return None
        elif stream:
            content = decode(stream)
            if fd not in memory.outlets and fd not in memory.discarded:
                return None
            if content.size <= SCAN_LIMIT:
                data = content.bytes()
                if b"<" in data:
                    return None
                content = Content.of(data)
            outputs.append((fd, content))
    return outputs
