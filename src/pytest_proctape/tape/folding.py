"""A timeline whose streams are large: its bytes in payload files, and how many came when on the tape.

What one event says goes to a file of its own where it is large, by :func:`~.content.encode`. A dialog of
many short lines is large all the same. :func:`folded` puts what the events of such a stream say into one
payload, in :attr:`.Entry.streams`, and :func:`unfolded` takes it apart again. The store calls both, so
whoever has a tape of :meth:`~.store.TapeStore.load` finds each event as it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..uncollected import uncollected
from .content import Content, decode, encode
from .model import Base64, Entry, Event, Payload, Stream, Tape, Timeline

_OUTPUTS = ("stdin", "stdout", "stderr")
_NOWHERE = Path()
"""Only payloads are looked for in a directory, and none is decoded here."""


def folded(tape: Tape, add_payload: Callable[[Content], Payload], threshold: int) -> Tape:
    """``tape`` with one payload for each stream of a timeline that is larger than ``threshold`` bytes in all.

    Args:
        tape: as it was recorded.
        add_payload: keeps the bytes.
        threshold: up to which a stream stands in its events.

    Raises:
        TapeWriteError, TapeError: a payload could not be written.
    """
    return tape.but(entries=tuple(_folded(entry, add_payload, threshold) for entry in tape.entries))


def unfolded(tape: Tape, decode: Callable[[Stream], Content]) -> Tape:
    """``tape`` with all that its events say in them.

    Args:
        tape: that the codec has checked.
        decode: reads a payload.

    Raises:
        TapeCorrupt: a payload is missing or damaged.
        TapeError: its path leads out of the store.
    """
    with uncollected():
        return tape.but(entries=tuple(_unfolded(entry, decode) for entry in tape.entries))


def _folded(entry: Entry, add_payload: Callable[[Content], Payload], threshold: int) -> Entry:
    timeline = entry.timeline or ()
    said: dict[str, dict[int, bytes]] = {}
    for index, event in enumerate(timeline):
        name, stream = _said_by(event)
        if isinstance(stream, str | tuple | Base64):
            said.setdefault(name, {})[index] = decode(stream, _NOWHERE).bytes()
    events, streams = list(timeline), dict(entry.streams or {})
    for name, parts in said.items():
        if name in streams or sum(map(len, parts.values())) <= threshold:
            continue
        streams[name] = add_payload(Content.of(b"".join(parts.values())))
        for index, data in parts.items():
            events[index] = Event(at_ms=timeline[index].at_ms, stream=name, size=len(data))
    return entry.but(timeline=tuple(events), streams=streams) if streams else entry


def _said_by(event: Event) -> tuple[str, object]:
    """The name of the stream that an event is about, as in :attr:`.Entry.streams`, and what it says."""
    for name in _OUTPUTS:
        said = getattr(event, name)
        if said is not None:
            return name, said
    return str(event.fd), event.data


def _unfolded(entry: Entry, decode: Callable[[Stream], Content]) -> Entry:
    if not entry.streams:
        return entry
    left = {name: _Left(decode(payload).bytes()) for name, payload in entry.streams.items()}
    timeline = _told(entry.timeline or (), left)
    return Entry(**{**vars(entry), "timeline": timeline, "streams": None})


class _Left:
    """What the events have not taken yet."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> Stream:
        """The next bytes, as they stand on a tape."""
        start, self._at = self._at, self._at + size
        return encode(self._data[start : self._at])


def _told(timeline: Iterable[Event], left: dict[str, _Left]) -> Timeline:
    events = []
    for event in timeline:
        name = event.stream
        if name is not None:
            said = left[name].take(event.size or 0)
            about = {name: said} if name in _OUTPUTS else {"fd": int(name), "data": said}
            event = Event(at_ms=event.at_ms, **about)
        events.append(event)
    return tuple(events)
