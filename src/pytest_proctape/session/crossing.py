"""A child's script between the terms of a tape and those of this machine. The sessions call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import UnredactableOutput
from ..frozen import Value
from ..portable import Holes, Places, Token
from ..tape import OVERLAP, Content, Script, script

if TYPE_CHECKING:
    from ..portable.open_packed import OpenPacked

SCAN_LIMIT = 1 << 26
"""Streams of more bytes than this have no placeholders; where a secret is in one, it is refused."""

_Moving = script.Input | script.Output


def to_tape(played: Script, places: Places) -> Script:
    """``played`` with placeholders in the place of this machine's values, and without secrets.

    A stream is looked at as a whole, so that nothing is missed where its pieces meet.

    Raises:
        UnredactableOutput: there is a secret in a stream that is too large to be rewritten.
    """
    streams: dict[tuple[bool, int], list[tuple[int, _Moving]]] = {}
    for index, step in enumerate(played.steps):
        if isinstance(step, _Moving):
            stream = (True, 0) if isinstance(step, script.Input) else (False, step.fd)
            streams.setdefault(stream, []).append((index, step))
    changed: dict[int, script.Step | None] = {}
    for (sent, _), moving in streams.items():
        if sum(step.data.size for _, step in moving) > SCAN_LIMIT:
            _refuse_secrets([step.data for _, step in moving], places)
            continue
        pieces = [step.data.bytes() for _, step in moving]
        concealed = places.conceal_pieces(pieces, late=sent)
        if concealed == pieces:
            continue
        if sum(map(len, concealed)) > SCAN_LIMIT:
            _refuse_secrets([step.data for _, step in moving], places)
            continue
        for (index, step), piece, text in zip(moving, pieces, concealed, strict=True):
            if piece != text:
                changed[index] = step.but(data=Content.of(text)) if text else None
    if not changed:
        return played
    steps = [changed.get(index, step) for index, step in enumerate(played.steps)]
    return played.but(steps=tuple(step for step in steps if step is not None))


def _refuse_secrets(pieces: list[Content], places: Places) -> None:
    """One piece alone was looked at on its way to the disk, if it is there."""
    if places.rules.keep_unscanned or (len(pieces) == 1 and pieces[0].in_file):
        return
    held = b""
    for piece in pieces:
        for chunk in piece.chunks():
            held = held[-OVERLAP:] + chunk
            if places.secrets.are_in(held):
                raise UnredactableOutput(SCAN_LIMIT)


def from_tape(taped: Script, places: Places) -> Script:
    """``taped`` with this machine's values; input that leaves something open takes whatever comes there."""
    if not any(
        isinstance(step, _Moving) and step.data.size <= SCAN_LIMIT and step.data.has(b"<")
        for step in taped.steps
    ):
        return taped
    steps: list[script.Step] = []
    last_input = max((i for i, step in enumerate(taped.steps) if isinstance(step, script.Input)), default=-1)
    for index, step in enumerate(taped.steps):
        if not isinstance(step, _Moving) or step.data.size > SCAN_LIMIT:
            steps.append(step)
            continue
        data = step.data.bytes()
        if b"<" in data:
            revealed = Content.of(places.reveal(data))
            if isinstance(step, script.Input):
                awaits = None
                if places.holes(data) is not None:
                    awaits = _Open(data, places, is_last=index == last_input)
                step = step.but(data=revealed, open=awaits)
            else:
                step = step.but(data=revealed)
        steps.append(step)
    return taped.but(steps=tuple(steps))


class _Open(Value):
    """Input with holes in it; see :class:`~..tape.script.OpenInput`."""

    taped: bytes
    places: Places
    is_last: bool

    def met(self, got: bytes, *, ended: bool) -> int | None:
        """See :class:`~..tape.script.OpenInput`."""
        holes = self.places.holes(self.taped)
        if holes is None:
            return self._met_exactly(got, self.places.reveal(self.taped), ended=ended)
        if not isinstance(holes, Holes):
            return self._met_packed(holes, got, ended=ended)
        head = holes.head[: len(got)]
        if not got.startswith(head):
            raise ValueError(got)
        if self.is_last:
            return self._met_wholly(holes, got, ended=ended)
        found = holes.prefix(got) if holes.tail else _whole(holes, got)
        if found is None:
            if ended:
                raise ValueError(got)
            return None
        self.places.names.bind(found[1])
        return found[0]

    def _met_packed(self, holes: OpenPacked, got: bytes, *, ended: bool) -> int | None:
        """An archive, say; nothing is sent behind it, as it was rewritten as a whole."""
        if not ended and not holes.may_be_whole(got):
            return None
        filled = holes.fullmatch(got)
        if filled is None:
            if ended:
                raise ValueError(got)
            return None
        self.places.names.bind(filled)
        return len(got)

    def _met_wholly(self, holes: Holes, got: bytes, *, ended: bool) -> int | None:
        """Nothing is sent behind it. Where a hole comes last, only the end of input tells where it ends."""
        if not ended and not (holes.tail and got.endswith(holes.tail)):
            return None
        filled = holes.fullmatch(got)
        if filled is not None:
            self.places.names.bind(filled)
            return len(got)
        if ended:
            raise ValueError(got)
        return None

    def _met_exactly(self, got: bytes, awaited: bytes, *, ended: bool) -> int | None:
        """Every name in it has been said meanwhile."""
        if not awaited.startswith(got[: len(awaited)]) or (ended and len(got) < len(awaited)):
            raise ValueError(got)
        return len(awaited) if len(got) >= len(awaited) else None


def _whole(holes: Holes, got: bytes) -> tuple[int, dict[Token, bytes]] | None:
    filled = holes.fullmatch(got) if got else None
    return None if filled is None else (len(got), filled)


def names_on_tape(places: Places) -> dict[str, str] | None:
    """The captured names of a recording, as a tape keeps them; ``None`` if there are none."""
    recorded = places.names.recorded
    return {key: recorded[key].decode() for key in sorted(recorded)} or None


def load_names(places: Places, names: Mapping[str, str] | None) -> None:
    """Take up the captured names of a tape."""
    places.names.load({key: value.encode() for key, value in (names or {}).items()})
