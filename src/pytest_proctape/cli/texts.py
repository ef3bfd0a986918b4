"""Every text of a tape, with its place: what ``check`` looks through for paths, placeholders and secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..errors import TapeError
from ..tape import Base64, Content, Payload, Stream, Tape
from ..tape.base import Model
from ..tape.place import place_of

_CHUNK = 1 << 20
_OVERLAP = 1 << 12
"""Bytes that two chunks of a large payload share, so that nothing is missed at their seam."""

Place = Sequence[int | str]


def texts_of(tape: Tape, decode: Callable[[Stream], Content]) -> Iterator[tuple[str, str]]:
    """Place and text of everything on ``tape`` that was recorded, payloads included.

    Bytes that are not UTF-8 are looked at as Latin-1: what is ASCII in them is still to be found. A
    payload that can't be read is passed over; that is another finding.
    """
    pending: list[tuple[Place, object]] = [(("entries", i), one) for i, one in enumerate(tape.entries)]
    while pending:
        place, value = pending.pop()
        if isinstance(value, str):
            yield place_of(place), value
        elif isinstance(value, Base64):
            yield place_of(place), value.decoded().decode("latin-1")
        elif isinstance(value, Payload):
            for text in _payload_texts(value, decode):
                yield place_of(place), text
        elif isinstance(value, tuple) and value and all(isinstance(one, str) for one in value):
            if place[-1] == "args":
                pending.extend(((*place, index), one) for index, one in enumerate(value))
            else:
                # Lines of one text: something may go on from one to the next.
                yield place_of(place), "".join(value)
        else:
            pending.extend(((*place, step), one) for step, one in reversed(list(_inside(value))))


def _inside(value: object) -> Iterator[tuple[int | str, object]]:
    if isinstance(value, Model):
        for name in type(value).model_fields:
            yield name, getattr(value, name)
    elif isinstance(value, tuple):
        yield from enumerate(value)
    elif isinstance(value, dict):
        for name, one in value.items():
            # The name of a variable and of a file was recorded, too.
            yield str(name), str(name)
            yield str(name), one


def _payload_texts(payload: Payload, decode: Callable[[Stream], Content]) -> Iterator[str]:
    try:
        content = decode(payload)
        for offset in range(0, content.size, _CHUNK):
            yield content.read(offset, _CHUNK + _OVERLAP).decode("utf-8", "surrogateescape")
    except TapeError:
        return
