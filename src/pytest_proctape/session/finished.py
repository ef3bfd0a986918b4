"""Spawns whose child needed no machine, kept as they came: most of them nobody ever asks about.

The session of a replay keeps those of the short roads, and makes what a test can look at
(:attr:`~.base.Session.spawns`, :attr:`~.base.Session.roll`) when it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable

from ..child import Streams, VirtualChild, finished_child
from ..rows import Row
from ..tape import STDERR, STDOUT, Entry, Script, Spawn, Stream, ns_from_ms
from .children import TapedChild, TapedSpawn
from .places import Spot, Where

_FIELDS = "program args cwd inputs phase stdin stdout stderr stderr_to_stdout exit_code"
_SAYING = frozenset(f"{_FIELDS} seen_running duration_ms note".split())
"""What is set in an entry whose child says something and ends."""


class Finished(Row):
    """One of them.

    Attributes:
        spawn: what was asked for.
        entry: of the tape.
        script: gives what it did.
        pid: of the child.
        spot: where in the user's code it was started.
        start_ns: from the beginning of the tape.
        child: what the parent has, if it has one.
    """

    spawn: Spawn
    entry: Entry
    script: Callable[[Entry], Script]
    pid: int
    spot: Where
    start_ns: int
    child: VirtualChild | None = None

    @property
    def duration_ns(self) -> int:
        """How long it ran when it was recorded."""
        return ns_from_ms(self.entry.duration_ms)

    def told(self, root: str) -> tuple[TapedSpawn, TapedChild]:
        """What a test can look at."""
        spawn = self.spawn
        child = self.child or finished_child(self.pid, self.script(self.entry))
        made = TapedSpawn(spawn.program, list(spawn.args), spawn.cwd, spawn.env, True, child.so_far)
        place = Spot(*self.spot).shown(root)
        return made, TapedChild([spawn.program, *spawn.args], place, self.start_ns, child, self.entry)


def said_at_once(
    entry: Entry, streams: Streams, sent: bytes | None, limit_ns: int | None, reveal: Callable[[bytes], bytes]
) -> tuple[bytes | None, bytes | None] | None:
    """What the parent sees of the child of an entry, if all that matters here is some text and an exit code.

    Args:
        entry: of the tape.
        streams: what the parent asks for.
        sent: all that it is going to send; ``None`` where the child's stdin is the parent's own.
        limit_ns: how long it waits at most.
        reveal: puts values in the place of placeholders.
    """
    stdin, stdout, stderr = entry.stdin, entry.stdout, entry.stderr
    if (
        # The fields that were given.
        not _SAYING.issuperset(vars(entry))
        or entry.stderr_to_stdout is not streams.together
        or (limit_ns is not None and ns_from_ms(entry.duration_ms) > limit_ns)
        or ((sent or stdin is not None) and not _is_awaited(sent, stdin))
    ):
        return None
    out = b"" if stdout == "" else _seen(STDOUT, stdout, streams, reveal)
    if out is None:
        return None
    piped = streams.piped
    if streams.together:
        return None if stderr else (out if STDOUT in piped else None, None)
    err = b"" if stderr == "" else _seen(STDERR, stderr, streams, reveal)
    if err is None:
        return None
    return out if STDOUT in piped else None, err if STDERR in piped else None


def _is_awaited(sent: bytes | None, stdin: object) -> bool:
    """Whether a child takes what it is sent, to the byte and to its end."""
    return sent is not None and awaited_by(stdin) == sent


def awaited_by(stdin: object) -> bytes | None:
    """All that a child with this ``stdin`` on the tape is sent; ``None`` where that is left open."""
    text = stdin if type(stdin) is str else "".join(stdin) if type(stdin) is tuple else None
    return None if text is None or "<" in text else text.encode()


def _seen(fd: int, stream: Stream | None, streams: Streams, reveal: Callable[[bytes], bytes]) -> bytes | None:
    """What a child writes there, word for word; ``None`` where that has to be looked at closer."""
    if stream is None:
        return b"" if fd in streams.discarded else None
    if fd not in streams.piped and fd not in streams.discarded:
        return None
    text = "".join(stream) if type(stream) is tuple else stream
    if type(text) is not str:
        return None
    data = text.encode()
    return data if "<" not in text or reveal(data) == data else None
