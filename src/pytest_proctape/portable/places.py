"""The one door between this machine and a tape: placeholders for paths, for random names and for secrets.

:meth:`Places.conceal` leads out and :meth:`Places.reveal` leads back, its exact inverse but for secrets.
The sessions call both for every text that a tape holds.
"""

from __future__ import annotations

import os
import re
import shlex
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..later import later
from .holes import Holes
from .innocent import is_plain, is_plain_text
from .machine import NAMES
from .names import CapturedNames
from .rules import Rules, temporary_names
from .secrets import Secrets
from .tokens import SLASHED, Span, Token, escaped, is_marked, lookalike, token_of
from .values import Values

if TYPE_CHECKING:
    from .open_packed import OpenPacked

_REAL = later(rb"<(?:real-)?([a-z][a-z0-9_-]*)(?::(?:plain|url|json|slash|shell))?>")

_PACKED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0")
"""How compressed streams begin: of gzip, bzip2 and xz."""

_KNOWN_LIMIT = 4096
_KNOWN_SIZE = 256


class _Known:
    """What texts become on a tape, as far as these secrets and values go.

    The words of command lines come again and again.

    Attributes:
        innocent: bytes up to which what is plain stays as it is; see :mod:`.innocent`.
    """

    def __init__(self, secrets: object = None, values: object = None, shortest: int = 0) -> None:
        self.secrets = secrets
        self.values = values
        self.innocent = shortest - 1
        self.texts: dict[str, str] = {}

    def add(self, text: str, concealed: str) -> None:
        """One more, unless it is long; from time to time all are forgotten."""
        if len(text) <= _KNOWN_SIZE:
            if len(self.texts) >= _KNOWN_LIMIT:
                self.texts.clear()
            self.texts[text] = concealed


class Places:
    """What is this machine's, and what stands for it on a tape.

    Attributes:
        rules: the user's own.
        names: the values that were captured.
        secrets: what must not get onto a tape.
        environment: of the spawn that is being answered; the secrets of a tape get their values from it.
        capturing: values that match a pattern of the user's become placeholders.
    """

    def __init__(self, values: Mapping[str, str] | None = None, rules: Rules | None = None) -> None:
        """Start with ``values``: placeholder name to absolute path."""
        self.rules = rules or Rules()
        self.names = CapturedNames(self.rules.captures)
        self.secrets = Secrets(self.rules.redact)
        self.environment: Mapping[str, str] | None = None
        self.capturing = False
        self._values = Values(self.rules.names)
        self._known = _Known()
        self._temporary: tuple[bytes, ...] = ()
        self._lookalike = lookalike((*NAMES, *self.rules.names))
        for name, value in (*self.rules.values, *(values or {}).items()):
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """``<name>`` stands for ``value`` from now on. The root directory is never a placeholder."""
        self._values.add(name, value)
        if name in ("tempdir", "basetemp"):
            self._look_below(os.fsencode(value).rstrip(b"/"))

    def _look_below(self, folder: bytes) -> None:
        """Capture the random names below one more directory; mostly it is below the first one itself."""
        if not any((folder + b"/").startswith(known + b"/") for known in self._temporary):
            self._temporary = (*self._temporary, folder)
            for capture in temporary_names(self._temporary):
                self.names.also(capture)

    def is_temporary(self, path: str) -> bool:
        """Whether random names in ``path``, which is absolute, become placeholders."""
        raw = os.fsencode(path)
        return any(
            raw.startswith(top + b"/")
            for known in self._temporary
            for top in (known, os.path.realpath(known))
        )

    def copy(self) -> Places:
        """The same values and rules, to be added to apart from these."""
        twin = Places.__new__(Places)
        vars(twin).update(vars(self))
        twin.names, twin.secrets, twin._values = self.names.fresh(), self.secrets.copy(), self._values.copy()
        twin.environment, twin.capturing = None, False
        return twin

    # -- to the tape -------------------------------------------------------------------------------

    def conceal(self, data: bytes) -> bytes:
        """Put placeholders in the place of this machine's values, and of secrets."""
        if self._is_innocent(data):
            return data
        packed = self._packed(data)
        if packed is not data:
            return packed
        spans = self._spans(data)
        return _assembled(data, spans, 0, len(data)) if spans else data

    def conceal_pieces(self, pieces: Sequence[bytes], *, late: bool = False) -> list[bytes]:
        """:meth:`conceal` for a stream that came in pieces.

        What lies across a border goes whole to the piece before it; with ``late`` to the one behind.
        """
        data = b"".join(pieces)
        if self._is_innocent(data):
            return list(pieces)
        packed = self._packed(data)
        if packed is not data:
            rest = [b""] * (len(pieces) - 1)
            return [*rest, packed] if late else [packed, *rest]
        spans = self._spans(data)
        if not spans:
            return list(pieces)
        starts = [span.start for span in spans]
        edges, at = [0], 0
        for piece in pieces:
            at += len(piece)
            before = spans[max(0, bisect_left(starts, at) - 1)]
            across = before.start < at < before.end
            edges.append((before.start if late else before.end) if across else at)
        return [
            _assembled(data, spans[bisect_left(starts, start) : bisect_left(starts, end)], start, end)
            for start, end in pairwise(edges)
        ]

    def _packed(self, data: bytes) -> bytes:
        """An archive or a compressed stream that has something to conceal, without it; all else as it is."""
        if not (data.startswith(_PACKED) or data.startswith(b"ustar", 257)):
            return data
        from .packed import Rewriting, packed_for_tape

        return packed_for_tape(data, Rewriting(self.conceal, self._conceal_member, self._redacted))

    def _conceal_member(self, name: bytes) -> bytes:
        """A name in an archive: tar takes the first slash from it. A short path without it may be no path."""
        if not name.startswith(b"/"):
            whole = self.conceal(b"/" + name)
            token = whole[: whole.find(b">") + 1]
            if whole.startswith(b"<") and self.reveal(token).count(b"/") > 1:
                return SLASHED + whole[1:]
        return self.conceal(name)

    def conceal_words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """:meth:`conceal_text` for each of them."""
        if max(map(len, words)) <= self.state.innocent and is_plain_text("".join(words)):
            return words
        return tuple(map(self.conceal_text, words))

    def conceal_text(self, text: str) -> str:
        """:meth:`conceal` for what :func:`os.fsdecode` gave."""
        known = self.state
        if len(text) <= known.innocent and is_plain_text(text):
            return text
        if self.capturing and self.names.are_in(raw := os.fsencode(text)):
            return os.fsdecode(self.conceal(raw))
        concealed = known.texts.get(text)
        if concealed is None:
            concealed = os.fsdecode(self.conceal(os.fsencode(text)))
            known.add(text, concealed)
        return concealed

    @property
    def state(self) -> _Known:
        """Stays the same object as long as a text that was concealed would be so again."""
        known = self._known
        if known.secrets is not self.secrets.state or known.values is not self._values.state:
            shortest = min(self.secrets.shortest, self._values.shortest) if self.names.are_paths else 0
            known = self._known = _Known(self.secrets.state, self._values.state, shortest)
        return known

    def _is_innocent(self, data: bytes) -> bool:
        return len(data) <= self.state.innocent and is_plain(data)

    def are_innocent(self, texts: Collection[bytes]) -> bool:
        """Whether there is surely nothing to conceal in any of them."""
        return max(map(len, texts), default=0) <= self.state.innocent and is_plain(b"".join(texts))

    def redact_text(self, text: str) -> str:
        """Without secrets, and else as it is: for what is shown and not kept."""
        return os.fsdecode(self._redacted(os.fsencode(text)))

    def _redacted(self, data: bytes) -> bytes:
        spans = self.secrets.spans(data)
        return _assembled(data, spans, 0, len(data)) if spans else data

    def conceal_variable(self, name: str, value: str) -> str:
        """:meth:`conceal` for the value of an environment variable; what is no text becomes escapes."""
        raw = os.fsencode(value)
        on_tape = self.secrets.token(name) if self.secrets.names(name) else self.conceal(raw)
        return on_tape.decode("utf-8", "backslashreplace")

    def anywhere(self, data: bytes) -> bytes:
        """What ``data`` is in every run on any machine, but for secrets; only good for comparing."""
        if self._is_innocent(data):
            return data
        drawn = [Span(start, end, b"<%s>" % name.encode()) for start, end, name, _ in self.names.found(data)]
        spans = self._others(data, drawn)
        return _assembled(data, spans, 0, len(data)) if spans else data

    def _spans(self, data: bytes) -> list[Span]:
        """What is to be replaced, in order; where two overlap, a secret wins, and then the earlier kind."""
        kept = self.secrets.spans(data)
        if self.capturing:
            kept = _merged(kept, list(self.names.spans(data)))
        return self._others(data, kept)

    def _others(self, data: bytes, kept: list[Span]) -> list[Span]:
        """These, and what becomes placeholders beside them."""
        if b"<" in data:
            found = self._lookalike.finditer(data)
            kept = _merged(kept, [Span(one.start(), one.end(), escaped(one)) for one in found])
        return _merged(kept, list(self._values.spans(data)))

    # -- from the tape -----------------------------------------------------------------------------

    def reveal(self, data: bytes) -> bytes:
        """Put this machine's values in the place of placeholders. One without a value here stays."""
        if b"<" not in data:
            return data
        if is_marked(data):
            from .packed import Rewriting, unpacked_from_tape

            unpacked = unpacked_from_tape(data, Rewriting(self.reveal, self._reveal_member, bytes))
            if unpacked is not None:
                return unpacked
        return self._lookalike.sub(self._revealed, data)

    def _reveal_member(self, name: bytes) -> bytes:
        if not name.startswith(SLASHED) or name.startswith(SLASHED + b"="):
            return self.reveal(name)
        inner = name[len(SLASHED) - 1 :]
        whole = self.reveal(inner)
        return self.reveal(name) if whole == inner else whole[1:]

    def reveal_text(self, text: str) -> str:
        """:meth:`reveal` for what :func:`os.fsdecode` takes."""
        return os.fsdecode(self.reveal(os.fsencode(text)))

    def _revealed(self, found: re.Match[bytes]) -> bytes:
        token = token_of(found)
        if token.escapes:
            return token.escapes
        after_scheme = found.string[max(0, found.start() - 3) : found.start()] == b"://"
        value = self._value_of(token, after_scheme=after_scheme)
        return token.text if value is None else value

    def _value_of(self, token: Token, *, after_scheme: bool) -> bytes | None:
        if token.is_secret:
            return self._secret_of(token)
        if token.number:
            return self.names.value_of(token)
        return self._values.text_of(token, after_scheme=after_scheme)

    def _secret_of(self, token: Token) -> bytes | None:
        """What the variable of this name holds here: a secret that is there is read back."""
        if not self.secrets.names(token.detail):
            return None
        environment = os.environ if self.environment is None else self.environment
        value = environment.get(token.detail)
        return os.fsencode(value) if value else None

    # -- comparing ---------------------------------------------------------------------------------

    def alike(self, taped: str, asked: str) -> bool:
        """Whether a text of the tape is what was asked for here.

        Two places may have one value here and two where the tape was made, a link may be there and not here,
        one path may need quotes and the other none; what was redacted or captured may be anything.

        Args:
            taped: as it stands on the tape.
            asked: from :meth:`conceal_text`.
        """
        if taped == asked:
            return True
        if "<" not in taped and "<" not in asked:
            return False
        if self._canonical(taped) == self._canonical(asked):
            return True
        holes = self.holes(os.fsencode(taped))
        if holes is not None:
            return holes.fullmatch(os.fsencode(self.reveal_text(asked))) is not None
        return self._same_words(taped, asked)

    def learn(self, taped: str, asked: str) -> None:
        """The parent said ``asked`` where the tape has ``taped``: the captured names in it are bound."""
        holes = self.holes(os.fsencode(taped)) if "<" in taped else None
        if holes is not None:
            self.names.bind(holes.fullmatch(os.fsencode(self.reveal_text(asked))) or {})

    def holes(self, taped: bytes) -> Holes | OpenPacked | None:
        """What ``taped`` leaves open; ``None`` where it says every byte."""
        parts: list[bytes | Token] = []
        at = 0
        is_open = False
        for found in self._lookalike.finditer(taped):
            token = token_of(found)
            if token.escapes or not (token.is_secret or token.number):
                continue
            parts += [self.reveal(taped[at : found.start()]), token]
            at = found.end()
            is_open = is_open or token.is_secret or not self.names.is_bound(token)
        if is_open and is_marked(taped):
            from .open_packed import OpenPacked

            return OpenPacked(taped, self)
        return Holes([*parts, self.reveal(taped[at:])], self.names) if is_open else None

    def _canonical(self, text: str) -> bytes:
        here = self.conceal(self.reveal(os.fsencode(text)))
        return _REAL.sub(rb"<\1>", here)

    def _same_words(self, taped: str, asked: str) -> bool:
        """Whether the two are one command line for a shell, quoted as the paths in it need it."""
        if self.reveal_text(taped) == taped:
            return False
        try:
            words, others = shlex.split(taped), shlex.split(asked)
        except ValueError:
            return False
        mapped = [self._canonical(word) for word in words]
        return mapped == [self._canonical(word) for word in others]


def _merged(first: list[Span], second: list[Span]) -> list[Span]:
    """Both in order, without those of the second that overlap one of the first."""
    if not first or not second:
        return first or second
    kept, rest = list(first), iter(first)
    ahead = next(rest, None)
    for span in second:
        while ahead is not None and ahead.end <= span.start:
            ahead = next(rest, None)
        if ahead is None or span.end <= ahead.start:
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _assembled(data: bytes, spans: Sequence[Span], start: int, end: int) -> bytes:
    parts = []
    for span in spans:
        parts += [data[start : span.start], span.token]
        start = span.end
    return b"".join([*parts, data[start:end]])
