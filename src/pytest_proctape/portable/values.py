"""Where this machine's values stand in a text, and what stands in their place; :mod:`.places` calls it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from ..later import later
from .alphabet import SMALL, may_have
from .innocent import NEVER, shortest
from .machine import NAMES, is_concealed, is_path
from .tokens import WRITINGS, Span, Token, written

_BEFORE = later(
    rb"(?:(?<![\w.~/-])|(?<=//)|(?<=[\s\0]-[A-Za-z])|(?<=^-[A-Za-z])"
    # Behind an escape of JSON or of a URL, or a change of colour, the last character belongs to that.
    rb"|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})"
    rb"|(?<=\x1b\[[mK])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm)|(?<=\x1b\[\d;\d\dm)|(?<=\x1b\[\d\d;\d\dm))"
)
_BEHIND = later(rb"(?![\w-]|\.\w)")
_BEFORE_WORD = later(rb"(?<![\w.-])")

_SCHEME = b"://"


class Values:
    """The values that placeholders have here and now.

    Not every value is known from the start: ``tmp_path`` exists only once its fixture has run. So there is
    no pattern of all of them: making one takes longer than looking for each.

    Attributes:
        state: stays the same object as long as no value is added.
        shortest: bytes of the shortest that can stand in what is plain; see :mod:`.innocent`.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        """With the user's ``own`` names."""
        self._order = (*own, *NAMES)
        self._values: dict[str, bytes] = {}
        self._writings: dict[str, dict[bytes, str]] = {}
        self._tokens: dict[bytes, tuple[str, str]] = {}
        self.state: object = self._tokens
        self._shortest = 0
        self.shortest = NEVER
        self._shortest_of: dict[str, int] = {}

    def add(self, name: str, value: str) -> None:
        """``<name>`` stands for ``value`` from now on. The root directory is never a placeholder."""
        raw = os.fsencode(value)
        if is_path(name, raw):
            raw = raw.rstrip(b"/")
        if not raw:
            return
        self._put(name, raw)
        if f"real-{name}" in NAMES:
            self._put(f"real-{name}", os.path.realpath(raw))
        self._rebuild()

    def copy(self) -> Values:
        """The same values, to be added to apart from these."""
        twin = Values.__new__(Values)
        vars(twin).update(vars(self))
        twin._values, twin._writings = dict(self._values), dict(self._writings)
        twin._shortest_of = dict(self._shortest_of)
        return twin

    def text_of(self, token: Token, *, after_scheme: bool) -> bytes | None:
        """What ``token`` stands for; ``None`` if it has no value here.

        Args:
            token: of a place.
            after_scheme: it stands right behind ``://``, where a path is percent-encoded unless it says
                otherwise.
        """
        value = self._values.get(token.name)
        if value is None or not value.startswith(b"/"):
            return value
        writing = token.detail or ("url" if after_scheme else "plain")
        return WRITINGS[writing](value) if writing in WRITINGS else None

    def spans(self, data: bytes) -> Iterator[Span]:
        """Every value in ``data``, the longest wherever there are several."""
        if len(data) < self._shortest:
            return
        # `text in data` looks for a number first, and takes longer.
        find = data.find
        tokens: Iterable[bytes] = self._tokens
        if len(data) > SMALL:
            tokens = filter(may_have(data), tokens)
        present = [text for text in tokens if find(text) >= 0]
        if not present:
            return
        found = [place for text in present for place in self._places_of(text, data)]
        end = 0
        for start, length in sorted(found, key=lambda place: (place[0], -place[1])):
            if start >= end:
                end = start + length
                after_scheme = data[max(0, start - 3) : start] == _SCHEME
                yield Span(start, end, self._token(data[start:end], after_scheme))

    def _places_of(self, text: bytes, data: bytes) -> Iterator[tuple[int, int]]:
        before = _BEFORE if text.startswith((b"/", b"\\/")) else _BEFORE_WORD
        length, start = len(text), data.find(text)
        while start >= 0:
            stands_alone = before.match(data, start) and _BEHIND.match(data, start + length)
            if stands_alone:
                yield start, length
            start = data.find(text, start + (length if stands_alone else 1))

    def _token(self, text: bytes, after_scheme: bool) -> bytes:
        name, writing = self._tokens[text]
        usual = "plain"
        if after_scheme and (value := self._values[name]).startswith(b"/"):
            usual = "url"
            if WRITINGS["url"](value) == text:
                writing = usual
        return written(name, "" if writing == usual else writing)

    def _put(self, name: str, value: bytes) -> None:
        self._values[name] = value
        self._writings[name] = {}
        if is_concealed(name.removeprefix("real-"), os.fsdecode(value)):
            for writing in WRITINGS if is_path(name, value) else ("plain",):
                self._writings[name].setdefault(WRITINGS[writing](value), writing)
        self._shortest_of[name] = shortest(self._writings[name])

    def _rebuild(self) -> None:
        # Where there is no link, a path and its real one are one, and the plain name comes first.
        self.state = self._tokens = {}
        for name in self._order:
            for text, writing in self._writings.get(name, {}).items():
                self._tokens.setdefault(text, (name, writing))
        self._shortest = min(map(len, self._tokens), default=0)
        self.shortest = min(self._shortest_of.values(), default=NEVER)
