"""Where this machine's values stand in a text, and what stands in their place; :mod:`.places` calls it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from .machine import NAMES, is_concealed, is_path
from .tokens import WRITINGS, Span, Token, written

_BEFORE = re.compile(
    rb"(?:(?<![\w.~/-])|(?<=//)|(?<=[\s\0]-[A-Za-z])|(?<=^-[A-Za-z])"
    # Behind an escape of JSON or of a URL, or a change of colour, the last character belongs to that.
    rb"|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})"
    rb"|(?<=\x1b\[[mK])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm)|(?<=\x1b\[\d;\d\dm)|(?<=\x1b\[\d\d;\d\dm))"
)
_BEHIND = rb"(?![\w-]|\.\w)"
_BEFORE_WORD = re.compile(rb"(?<![\w.-])")

_SHORT = 4096
"""Bytes up to which one search costs less than asking for each value first."""

_SCHEME = b"://"


class Values:
    """The values that placeholders have here and now.

    Not every value is known from the start: ``tmp_path`` exists only once its fixture has run.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        """With the user's ``own`` names."""
        self._order = (*own, *NAMES)
        self._values: dict[str, bytes] = {}
        self._tokens: dict[bytes, tuple[str, str]] = {}
        self._pattern: re.Pattern[bytes] | None = None
        self._made: dict[tuple[bytes, bool], bytes] = {}

    def add(self, name: str, value: str) -> None:
        """``<name>`` stands for ``value`` from now on. The root directory is never a placeholder."""
        raw = os.fsencode(value)
        if is_path(name, raw):
            raw = raw.rstrip(b"/")
        if not raw:
            return
        self._values[name] = raw
        if f"real-{name}" in NAMES:
            self._values[f"real-{name}"] = os.path.realpath(raw)
        self._rebuild()

    def copy_to(self, twin: Values) -> None:
        """Give ``twin`` the same values."""
        twin._values = dict(self._values)
        twin._rebuild()

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
        if self._pattern is None:
            return
        if len(data) > _SHORT and not any(text in data for text in self._tokens):
            return
        # A pattern that begins with what may stand before would be tried at every byte.
        search, at = self._pattern.search, 0
        while found := search(data, at):
            start, at = found.span()
            before = _BEFORE if found[1] is not None else _BEFORE_WORD
            if before.match(data, start):
                after_scheme = data[max(0, start - 3) : start] == _SCHEME
                yield Span(start, at, self._token(found[0], after_scheme))
            else:
                at = start + 1

    def _token(self, text: bytes, after_scheme: bool) -> bytes:
        token = self._made.get((text, after_scheme))
        if token is None:
            token = self._made[text, after_scheme] = self._new_token(text, after_scheme)
        return token

    def _new_token(self, text: bytes, after_scheme: bool) -> bytes:
        name, writing = self._tokens[text]
        usual = "plain"
        if after_scheme and (value := self._values[name]).startswith(b"/"):
            usual = "url"
            if WRITINGS["url"](value) == text:
                writing = usual
        return written(name, "" if writing == usual else writing)

    def _rebuild(self) -> None:
        self._tokens = {}
        self._made = {}
        for name in self._order:
            value = self._values.get(name)
            # Where there is no link, a path and its real one are one, and the plain name comes first.
            if value is None or not is_concealed(name.removeprefix("real-"), os.fsdecode(value)):
                continue
            writings = WRITINGS if is_path(name, value) else ("plain",)
            for writing in writings:
                self._tokens.setdefault(WRITINGS[writing](value), (name, writing))
        paths: list[bytes] = []
        words: list[bytes] = []
        for text in sorted(self._tokens, key=len, reverse=True):
            is_a_path = is_path(self._tokens[text][0], text) or text.startswith(b"\\/")
            (paths if is_a_path else words).append(re.escape(text))
        patterns = []
        if paths:
            patterns.append(b"(" + b"|".join(paths) + b")" + _BEHIND)
        if words:
            # The first group is that of paths, be there any or not.
            patterns.append((b"" if paths else b"(?!)()|") + b"(?:" + b"|".join(words) + b")" + _BEHIND)
        self._pattern = re.compile(b"|".join(patterns)) if patterns else None
