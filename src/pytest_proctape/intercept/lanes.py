"""Pipes of replayed children that a loop need not ask the system about: when they can be read is known.

They are real, with what the child has said in them, and asyncio reads them as it reads any other. Only that
there is something to read is told by :class:`~.pace.Selector`, and not by the system. What somebody watches
in another way than asyncio's own transports do is watched by the system from then on.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterator, Mapping
from io import FileIO
from selectors import EVENT_READ, SelectorKey
from typing import Any

from ..child import VirtualChild

_TRANSPORT: Any = getattr(asyncio.unix_events, "_UnixReadPipeTransport", None)


class _Lane:
    """One pipe.

    Attributes:
        file: the parent's end, while there is one.
        unsaid: something is going to be said into it.
        unread: something has been.
        ended: its child has closed it.
    """

    __slots__ = ("ended", "file", "unread", "unsaid")

    def __init__(self, file: FileIO, unread: bool, unsaid: bool) -> None:
        # Who keeps it open is the test's own affair.
        self.file = weakref.ref(file)
        self.unread = unread
        self.unsaid = unsaid
        self.ended = False


class Lanes:
    """Those of one loop.

    Attributes:
        keys: of those that are being watched, as a selector has them.
        ready: those of them that can be read.
        opened: all of them, by the parent's descriptor.
    """

    def __init__(self) -> None:
        self.keys: dict[int, SelectorKey] = {}
        self.ready: dict[int, None] = {}
        self.opened: dict[int, _Lane] = {}
        self._of: dict[VirtualChild, list[tuple[int, _Lane]]] = {}

    def open(self, child: VirtualChild, files: Mapping[FileIO, bool], *, is_mute: bool = False) -> None:
        """There are these from now on.

        Args:
            child: who has said all that it is going to say.
            files: the parent's ends of its pipes, and whether something is in them.
            is_mute: the child has yet to say it; then :meth:`speak` follows.
        """
        opened = self._of[child] = [
            (file.fileno(), _Lane(file, says and not is_mute, says and is_mute))
            for file, says in files.items()
        ]
        for fd, lane in opened:
            if fd in self.keys:
                # Closed by somebody who told nobody.
                self.forget(fd)
            self.opened[fd] = lane

    def speak(self, child: VirtualChild) -> None:
        """The child has said what it has to say. It is asked after each of its steps."""
        for fd, lane in self._of.get(child, ()):
            if lane.unsaid:
                lane.unread, lane.unsaid = True, False
                if fd in self.keys and self.opened[fd] is lane:
                    self.ready[fd] = None

    def close(self, child: VirtualChild) -> None:
        """The child has ended: who reads its pipes gets the rest, and the end."""
        for fd, lane in self._of.pop(child, ()):
            lane.ended = True
            if fd in self.keys and self.opened[fd] is lane:
                self.ready[fd] = None

    def watch(self, fd: int, events: int, data: Any) -> SelectorKey | None:
        """Watch ``fd``; ``None`` where the system has to."""
        lane = self.opened.get(fd)
        if lane is None:
            return None
        file = lane.file()
        # The number may mean something else by now.
        if events != EVENT_READ or file is None or not _is_transports(data, file):
            del self.opened[fd]
            return None
        key = self.keys[fd] = SelectorKey(fd, fd, events, data)
        if lane.unread or lane.ended:
            self.ready[fd] = None
        return key

    def forget(self, fd: int) -> SelectorKey:
        """Watch it no more."""
        self.ready.pop(fd, None)
        if self.opened[fd].ended:
            del self.opened[fd]
        return self.keys.pop(fd)

    def events(self) -> list[tuple[SelectorKey, int]]:
        """What can be read. A transport takes all that there is, and then there is only the end."""
        found = []
        for fd in tuple(self.ready):
            found.append((self.keys[fd], EVENT_READ))
            lane = self.opened[fd]
            lane.unread = False
            if not lane.ended:
                del self.ready[fd]
        return found


def _is_transports(data: Any, file: FileIO) -> bool:
    """Whether it is asyncio's own transport that wants to read from ``file``."""
    reader = data[0] if isinstance(data, tuple) else None
    transport: Any = getattr(getattr(reader, "_callback", None), "__self__", None)
    return type(transport) is _TRANSPORT and transport._pipe is file and not file.closed


class BothMaps(Mapping[Any, SelectorKey]):
    """What a selector watches, and the lanes."""

    def __init__(self, lanes: Lanes, watched: Mapping[Any, SelectorKey]) -> None:
        self._keys = lanes.keys
        self._watched = watched

    def __getitem__(self, fileobj: Any) -> SelectorKey:
        return self._keys[fileobj] if fileobj in self._keys else self._watched[fileobj]

    def __iter__(self) -> Iterator[Any]:
        yield from self._watched
        yield from self._keys

    def __len__(self) -> int:
        return len(self._watched) + len(self._keys)
