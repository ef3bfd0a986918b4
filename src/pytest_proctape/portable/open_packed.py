"""An archive or a compressed stream of the tape that leaves something open, and what a parent sends for it.

With other names in it an archive has other sizes and sums, so the two are held against each other text by
text: each by the rules of :mod:`.holes`, and what is left of the archive has to be the same. Of a compressed
stream the text counts. :meth:`.Places.holes` makes one; what a command says is for :mod:`.packed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .archive import BLOCK, is_archive
from .holes import Holes
from .packed import Rewriting, packed_for_tape, unpacked_from_tape
from .tokens import SLASHED, Token

_LOOKED_AT = 1 << 20
"""Bytes of a stream up to which it is looked at with each piece that comes; a longer one has to end."""

Filled = dict[Token, bytes]


class Texts(Protocol):
    """What is asked of the placeholders."""

    def holes(self, taped: bytes, /) -> Holes | OpenPacked | None:
        """What a text of the tape leaves open."""

    def reveal(self, data: bytes, /) -> bytes:
        """A text of the tape with the values of this machine."""


class OpenPacked:
    """One that is on the tape."""

    def __init__(self, taped: bytes, places: Texts) -> None:
        """``taped``, which :func:`.is_marked`."""
        self._taped = taped
        self._places = places

    def may_be_whole(self, data: bytes) -> bool:
        """Whether it is worth a look if all of one is there, while more may come."""
        if is_archive(data):
            return len(data) % BLOCK == 0 and not data[-BLOCK:].strip(b"\0")
        return len(data) <= _LOOKED_AT

    def fullmatch(self, data: bytes) -> Filled | None:
        """What is in the holes, if ``data`` is such an archive, or such a stream."""
        taped, sent = _texts_taped(self._taped), _texts_sent(data)
        if not sent or len(taped) != len(sent):
            return None
        filled: Filled = {}
        for (old, is_name), (new, _) in zip(taped, sent, strict=True):
            found = self._name(old, new) if is_name else self._text(old, new)
            if found is None or any(
                filled.setdefault(token, value) != value for token, value in found.items()
            ):
                return None
        return filled if self._is_like(data, [text for text, _ in sent]) else None

    def _is_like(self, data: bytes, sent: list[bytes]) -> bool:
        """Whether an archive is the same but for its texts."""
        if not is_archive(self._taped):
            return True
        texts = iter(sent)
        rewriting = Rewriting(lambda _: next(texts), lambda _: next(texts), bytes)
        return unpacked_from_tape(self._taped, rewriting) == data

    def _text(self, taped: bytes, sent: bytes) -> Filled | None:
        holes = self._places.holes(taped)
        if holes is not None:
            return holes.fullmatch(sent)
        return {} if self._places.reveal(taped) == sent else None

    def _name(self, taped: bytes, sent: bytes) -> Filled | None:
        if taped.startswith(SLASHED) and not taped.startswith(SLASHED + b"="):
            return self._text(taped[len(SLASHED) - 1 :], b"/" + sent)
        return self._text(taped, sent)


_Texts = list[tuple[bytes, bool]]


def _texts_taped(data: bytes) -> _Texts:
    """What is in one of the tape, and which of it is the name of a member; nothing if it is damaged."""
    return _collected(lambda to: unpacked_from_tape(data, to))


def _texts_sent(data: bytes) -> _Texts:
    """The same for one as it is; nothing if it is none, or not whole."""
    return _collected(lambda to: packed_for_tape(data, to))


def _collected(walk: Callable[[Rewriting], bytes | None]) -> _Texts:
    found: _Texts = []

    def of_kind(*, is_name: bool) -> Callable[[bytes], bytes]:
        def kept(text: bytes) -> bytes:
            found.append((text, is_name))
            return text

        return kept

    done = walk(Rewriting(of_kind(is_name=False), of_kind(is_name=True), bytes))
    return [] if done is None else found
