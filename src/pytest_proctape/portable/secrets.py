"""What must not get onto a tape, and where it stands in a text; :mod:`.places` asks before anything is kept.

Three sources: the values of environment variables whose names look secret, in every writing in which tools
print them; known shapes (:mod:`.shapes`); the user's own patterns.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from urllib.parse import quote_from_bytes, quote_plus

from ..later import later
from .alphabet import may_have
from .encoded import encoded_spans, may_be_encoded
from .innocent import shortest
from .repeats import condensed
from .runs import few_runs
from .shapes import SHORTEST, shape_spans
from .tokens import REDACTED, Span, written

MIN_SECRET = 6
"""Bytes of the shortest value that is a secret. What is shorter stands in texts by chance."""

_STRONG_TEXT = """
token tokens secret secrets password passwords passwd passphrase pwd apikey apikeys credential
credentials bearer jwt
"""
_STRONG = frozenset(_STRONG_TEXT.split())
_STRONG_ENDS = ("token", "secret", "password", "passwd", "passphrase", "apikey")
_STRONG_PAIRS = frozenset(
    ["api key", "access key", "private key", "secret key", "signing key", "encryption key"]
)
_WEAK_TEXT = """
auth authorization cookie cred creds key keys pass pat sas dsn
"""
_WEAK = frozenset(_WEAK_TEXT.split())
"""Words of names that hold other things as well: ``SORT_KEY``, ``AUTH_MODE``."""
_TELLS_ANOTHER_TEXT = """
dir endpoint file header method mode path scheme sock socket ttl type uri url
"""
_TELLS_ANOTHER = frozenset(_TELLS_ANOTHER_TEXT.split())
"""Last words of names that tell something about a secret, and not the secret."""
_NOT_SECRET = frozenset(["PWD", "OLDPWD"])
_WELL_KNOWN_TEXT = """
true false yes no on off none null undefined enabled disabled default required optional never always
auto password passwd passw0rd secret changeme change-me admin administrator root user username guest
test testing tester tests dummy example sample demo postgres postgresql mysql mariadb mongodb redis
rabbitmq minio minioadmin localhost public private basic bearer token
"""
_WELL_KNOWN = frozenset(_WELL_KNOWN_TEXT.split())
"""Values that protect nobody; taking them out would take the word out of every tape."""

_PASSWORD_OF = "PASSWORD_OF_"
"""What a variable that holds a URL is called where only the password in it is meant."""

_SHORT = 256
_SEEN_LIMIT = 4096
_HEAD = 1 << 16
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_SPLIT = later(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Whether the name of an environment variable says that its value is a secret."""
    return _strength(name) > 0


@lru_cache(maxsize=4096)
def _strength(name: str) -> int:
    """2 where the name says so, 1 where it may, 0 where it does not."""
    # Most names are of one case, and need no pattern.
    is_simple = name in (name.upper(), name.lower()) and name.isascii() and name.replace("_", "").isalnum()
    parts = name.split("_") if is_simple else _SPLIT.split(name)
    words = [word.lower() for word in parts if word]
    if not words or name in _NOT_SECRET or words[-1] in _TELLS_ANOTHER:
        return 0
    pairs = {f"{left} {right}" for left, right in pairwise(words)}
    if pairs & _STRONG_PAIRS or any(word in _STRONG or word.endswith(_STRONG_ENDS) for word in words):
        return 2
    return 1 if _WEAK.intersection(words) else 0


def is_secret_value(name: str, value: str) -> bool:
    """Whether what the variable ``name`` holds is a secret.

    It is none if it is short, a small number, a word that everybody knows or a file; where the name may mean
    something else, a plain word is none either.
    """
    if len(os.fsencode(value)) < MIN_SECRET or value.lower() in _WELL_KNOWN:
        return False
    if value.isdecimal() and len(value) < 8:
        return False
    if _strength(name) < 2 and len(value) < 12 and not any(map(str.isdecimal, value)):
        return False
    folder = os.path.dirname(value)
    return not (value.startswith("/") and folder != "/" and os.path.isdir(folder))


class Secrets:
    """The secrets that are known by now.

    Attributes:
        state: stays the same object as long as no secret is added.
        shortest: bytes of the shortest that can stand in what is plain; see :mod:`.innocent`.
    """

    def __init__(self, patterns: tuple[re.Pattern[bytes], ...] = ()) -> None:
        """With the user's ``patterns``."""
        self._patterns = patterns
        self._known: dict[tuple[str, str], None] = {}
        self._needles: dict[bytes, bytes] = {}
        self._plain: dict[bytes, bytes] = {}
        self._seen: dict[bytes, list[Span]] = {}
        self.state: object = self._seen
        self._learned: dict[bytes, bytes] = {}
        # Of a pattern nobody knows how much it takes.
        self.shortest = 0 if patterns else SHORTEST

    def copy(self) -> Secrets:
        """The same secrets, to be added to apart from these."""
        twin = Secrets(self._patterns)
        twin._known, twin._needles, twin._plain = dict(self._known), dict(self._needles), dict(self._plain)
        twin._seen, twin.state, twin._learned = self._seen, self.state, self._learned
        twin.shortest = self.shortest
        return twin

    def learn(self, environment: Mapping[str, str]) -> None:
        """Take up the secrets of an environment."""
        # Every recorded spawn asks, and reading os.environ decodes each variable anew: hold its bytes against
        # those of the last time. CPython keeps them in `_data`; without it this is slower, and nothing else.
        raw = getattr(environment, "_data", None)
        changed: Iterable[tuple[str, str]] = environment.items()
        if isinstance(raw, dict):
            if raw == self._learned:
                return
            new = raw.items() - self._learned.items()
            # Most often it is one of them; of several that are equal the first gives its name.
            ordered = new if len(new) == 1 else [one for one in raw.items() if one in new]
            changed = [(os.fsdecode(name), os.fsdecode(value)) for name, value in ordered]
            self._learned = dict(raw)
        for name, value in changed:
            if (name, value) in self._known:
                continue
            if looks_secret(name):
                self._known[name, value] = None
                self._add(name, value)
            elif "://" in value and "@" in value:
                self._known[name, value] = None
                for start, end in shape_spans(os.fsencode(value)):
                    self._add(_PASSWORD_OF + name, os.fsdecode(os.fsencode(value)[start:end]))

    def names(self, name: str) -> bool:
        """Whether a variable of this name holds a secret."""
        return looks_secret(name)

    def token(self, name: str) -> bytes:
        """What stands on the tape for the value of a variable."""
        plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
        return written(REDACTED, plain if re.match(r"[A-Za-z_]", plain) else "")

    def are_in(self, data: bytes) -> bool:
        """Whether there is any secret of at most :data:`~.repeats.LONGEST` bytes in ``data``."""
        return bool(self._find(condensed(data)))

    def spans(self, data: bytes) -> list[Span]:
        """Every secret in ``data``, in order and without overlap."""
        if len(data) > _SHORT:
            return self._find(data)
        # The words of command lines come again and again.
        spans = self._seen.get(data)
        if spans is None:
            if len(self._seen) >= _SEEN_LIMIT:
                self._seen.clear()
            spans = self._seen[data] = self._find(data)
        return spans

    def _find(self, data: bytes) -> list[Span]:
        may = may_have(data)
        found = list(self._named(data, may))
        anonymous = written(REDACTED)
        for pattern in self._patterns:
            group = 1 if pattern.groups else 0
            found += [Span(*match.span(group), anonymous) for match in pattern.finditer(data)]
        if len(data) >= SHORTEST:
            may_be = may_be_encoded(may)
            # Looked for only where it spares two searches.
            runs = few_runs(data) if may_be else None
            found += [Span(start, end, anonymous) for start, end in shape_spans(data, may, runs)]
            if may_be:
                found += [
                    Span(start, end, anonymous) for start, end in encoded_spans(data, self._holds, runs)
                ]
        return _joined(span for span in found if 0 <= span.start < span.end) if found else []

    def _add(self, name: str, value: str) -> None:
        value = value.strip()
        if not is_secret_value(name, value):
            return
        token = self.token(name)
        self.state = self._seen = {}
        # A key of several lines may be printed line by line.
        for part in (value, *(line.strip() for line in value.split("\n") if len(line.strip()) >= 16)):
            raw = os.fsencode(part)
            self._plain.setdefault(raw, token)
            needles = _needles(raw)
            self.shortest = min(self.shortest, shortest(needles))
            for needle in needles:
                self._needles.setdefault(needle, token)

    def _named(self, data: bytes, may: Callable[[bytes], bool]) -> Iterator[Span]:
        size = len(data)
        # `needle in data` looks for a number first, and takes longer.
        find = data.find
        present = [one for one in self._needles if len(one) <= size and may(one) and find(one) >= 0]
        for needle in present:
            at = data.find(needle)
            while at >= 0:
                token = self._needles[needle]
                # Only what stands there as it is can be put in again.
                exact = needle in self._plain
                yield Span(at, at + len(needle), token if exact else token.replace(b">", b".encoded>"))
                at = data.find(needle, at + len(needle))

    def _holds(self, text: bytes) -> bool:
        """Whether there is one in what was base64."""
        return any(text.find(one) >= 0 for one in self._plain) or (
            _is_text(text) and next(shape_spans(text), None) is not None
        )


@lru_cache(maxsize=256)
def _needles(raw: bytes) -> tuple[bytes, ...]:
    """``raw`` in every writing, itself first."""
    text = os.fsdecode(raw)
    found = [raw, quote_from_bytes(raw, safe="").encode(), quote_from_bytes(raw).encode()]
    found.append(quote_from_bytes(raw, safe="").lower().encode() if b"%" in found[1] else raw)
    found.append(quote_plus(raw).encode())
    for ascii_only in (True, False):
        escaped = os.fsencode(json.dumps(text, ensure_ascii=ascii_only)[1:-1])
        found += [escaped, escaped.replace(b"/", rb"\/")]
    found.append(os.fsencode(repr(text)[1:-1]))
    found.append(os.fsencode(text.replace("'", "'\\''")))
    found.append(os.fsencode(text.replace("'", "'\"'\"'")))
    found.append(re.sub(rb"([^\w/.,:=@%+~\x80-\xff-])", rb"\\\1", raw))
    found += [os.fsencode(html.escape(text)), os.fsencode(html.escape(text, quote=False))]
    found += [raw.hex().encode(), raw.hex().upper().encode()]
    found += _base64_cores(raw)
    return tuple(dict.fromkeys(found))


def _is_text(data: bytes) -> bool:
    """Whether it is worth looking for shapes in: what is short, or begins as text does."""
    head = data[:_HEAD]
    return len(data) < _HEAD or len(head.translate(None, _PRINTABLE)) * 4 < len(head)


def _base64_cores(raw: bytes) -> Iterable[bytes]:
    """The digits that ``raw`` alone decides, wherever it begins within a group of three bytes."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + raw)
        start = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        core = digits[start:end]
        if len(core) >= MIN_SECRET:
            yield core
            yield core.translate(bytes.maketrans(b"+/", b"-_"))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """In order, with those that overlap made one; it has the name of one that covers all of it."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        last = joined[-1] if joined else None
        if last is None or span.start >= last.end:
            joined.append(span)
        elif (span.start, span.end) == (last.start, last.end):
            joined[-1] = max(span, last, key=lambda one: len(one.token))
        elif span.end > last.end:
            joined[-1] = Span(last.start, span.end, written(REDACTED))
    return joined
