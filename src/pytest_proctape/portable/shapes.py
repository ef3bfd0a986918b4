"""Secrets that are known by their shape, whoever holds them; :mod:`.secrets` looks for them.

Each shape has words of which one must be there before its pattern is tried. The words of most are only looked
for in runs that are long enough for the shape, which most texts have few of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from ..frozen import Value
from .alphabet import SMALL, may_have
from .probes import Need, Probe, probes_of


class _Shape(Value):
    """One kind of secret: the pattern's first group, or all of it.

    Attributes:
        words: it begins with one of them; they are in lower case where the pattern takes either.
        has: bytes that each of it has besides.
        run: bytes of the shortest run of letters, digits, dots and dashes that fits it, if it is a tight one;
            none of these is less than :data:`~.runs.SHORTEST`.
        folded: upper and lower case are the same to it.
    """

    kind: str
    words: tuple[bytes, ...]
    source: bytes
    has: bytes
    run: int
    folded: bool

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """Compiled when a word of the shape is met, which is seldom: all take as long as ten tests."""
        return _compiled(self.source)


@cache
def _compiled(source: bytes) -> re.Pattern[bytes]:
    return re.compile(source)


def _shape(kind: str, words: str, pattern: bytes, *, has: bytes = b"", run: int = 0) -> _Shape:
    return _Shape(kind, tuple(words.encode().split()), pattern, has, run, pattern.startswith(b"(?i)"))


def _tight(kind: str, words: str, pattern: bytes, *, run: int = 20) -> _Shape:
    return _shape(kind, words, pattern, run=run)


_QUOTES = rb"(?:[\"'\s>]|\\[\"nrt]|%2[027])"
_BETWEEN = _QUOTES + rb"{0,4}(?:[:=]|%3[ADad])" + _QUOTES + rb"{0,6}"
"""What may stand between a label and its value: in text, in JSON, in a URL."""

_KEY_LABELS = (
    rb"(?:x-api-key|api-key|private-token|job-token|deploy-token|x-auth-token|x-vault-token|x-access-token)"
)
_TIGHT = (
    _tight("an AWS access key", "AKIA ASIA", rb"A[KS]IA[A-Z0-9]{16}"),
    _tight("a Google API key", "AIza", rb"AIza[\w-]{30,}"),
    _tight("a Google OAuth token", "ya29. GOCSPX-", rb"(?:ya29\.|GOCSPX-)[\w.-]{16,}"),
    _tight("a DigitalOcean token", "dop_v1_ doo_v1_", rb"do[or]_v1_[0-9a-f]{32,}|dop_v1_[0-9a-f]{32,}"),
    _tight("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[pousr]_[A-Za-z0-9]{20,}"),
    _tight("a GitHub token", "github_pat_", rb"github_pat_\w{20,}"),
    _tight(
        "a GitLab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent-",
        rb"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[\w.-]{16,}",
    ),
    _tight("an npm token", "npm_", rb"npm_[A-Za-z0-9]{24,}"),
    _tight("a PyPI token", "pypi-", rb"pypi-(?:AgE[\w-]{10,}|[\w-]{48,})", run=15),
    _tight("a Docker token", "dckr_pat_", rb"dckr_pat_[\w-]{16,}"),
    _tight(
        "a Slack token",
        "xox xapp-",
        rb"(?:xox[abeoprs]|xapp)-[\w.-]{10,}",
        run=15,
    ),
    _tight(
        "a Stripe key",
        "sk_live_ rk_live_ sk_test_ rk_test_ whsec_",
        rb"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{12,}",
        run=18,
    ),
    _tight("a SendGrid key", "SG.", rb"SG\.[\w-]{16,}\.[\w-]{16,}"),
    _tight("an API key", "sk-", rb"(?<![\w-])sk-(?=[\w-]*\d)[\w-]{20,}"),
    _tight("a Hugging Face token", "hf_", rb"hf_[A-Za-z0-9]{24,}"),
    _tight("a Vault token", "hv", rb"(?<!\w)hv[sbr]\.[\w-]{20,}"),
    _tight("a JSON web token", "eyJ", rb"eyJ[\w-]{6,}(?:\.[\w-]+){2,4}={0,2}", run=13),
    _tight("an age key", "AGE-SECRET-KEY-", rb"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
)
"""These are one run of letters, digits, dots and dashes."""

_LOOSE = (
    _shape(
        "an AWS secret key",
        "secret",
        rb"(?i)secret[_ -]?(?:access)?[_ -]?key"
        + _BETWEEN
        + rb"((?:[A-Za-z0-9/+]|\\/|%2F|%2B){40})(?![A-Za-z0-9/+=])",
        has=b"key",
    ),
    _shape(
        "an Azure key",
        "AccountKey= SharedAccessKey=",
        rb"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{32,}={0,2})",
    ),
    _shape("a Slack webhook", "hooks.slack.com", rb"hooks\.slack\.com/(?:services|workflows)/([\w/]{20,})"),
    _shape(
        "a private key",
        "-----BEGIN",
        rb"-----BEGIN[A-Z0-9 %+]{0,60}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----"
        rb"(?:[\s\S]{1,40000}?-----END[A-Z0-9 %+]{0,60}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----"
        rb"|[\w\s+/=\\:,.%-]*)",
    ),
    _shape(
        "an authorization header",
        "authorization",
        rb"(?i)authorization" + _BETWEEN + rb"(?:[a-z0-9-]{1,20}(?:\s|%20|\+)+)?([^\s\"'\\,;%]{4,})",
    ),
    _shape("a bearer token", "bearer", rb"(?i)\bbearer\s+(?=\S*\d)([\w.~+/-]{12,}={0,2})"),
    _shape(
        "a key or token behind its name",
        "api-key private-token job-token deploy-token x-auth-token x-vault-token x-access-token",
        rb"(?i)" + _KEY_LABELS + _BETWEEN + rb"([^\s\"'\\,;%]{8,})",
    ),
    _shape("a password in a URL", "%3A%2F%2F", rb"%3A%2F%2F[^\s/:@%]{0,255}%3A([^\s/@\"'<>]{1,255}?)%40"),
    _shape(
        "a password in a URL",
        r":\/\/",
        rb":\\/\\/[^\s/:@\"'<>\\]{0,255}:([^\s/@\"'<>]{1,255})@",
        has=b"@",
    ),
    _shape("a password in a URL", "://", rb"://[^\s/:@\"'<>\\]{0,255}:([^\s/@\"'<>]{1,255})@", has=b"@"),
    _shape("a token in a URL", "://", rb"://([^\s/:@\"'<>\\]{20,255})(?::[^\s/@\"'<>]{0,255})?@", has=b"@"),
)
"""These have other characters in them, or a label before them."""

_SHAPES = (*_TIGHT, *_LOOSE)

_EXACT_WORDS = [word for shape in _SHAPES if not shape.folded for word in shape.words]
_TIGHT_WORDS = [word for shape in _TIGHT for word in shape.words]
_FOLDED_WORDS = [word for shape in _SHAPES if shape.folded for word in shape.words]
_FOLDED_BYTES = frozenset(b"".join([*_FOLDED_WORDS, *(shape.has for shape in _SHAPES if shape.folded)]))
_SMALL_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")

SHORTEST = 12
"""Bytes of the shortest text that any of the shapes fits."""


class _Probes(Value):
    """What large texts are asked for the words of shapes."""

    exact: tuple[Probe, ...]
    loose: tuple[Probe, ...]
    folded: tuple[Probe, ...]


@cache
def _probes() -> _Probes:
    loose = tuple(shape for shape in _LOOSE if not shape.folded)
    folded = tuple(shape for shape in _LOOSE if shape.folded)
    return _Probes(
        probes_of(_needs((*_TIGHT, *loose)), b"_%\\=JzxvI-./"),
        probes_of(_needs(loose), b"%\\=I./"),
        probes_of(_needs(folded), b"-zb"),
    )


def _needs(shapes: Iterable[_Shape]) -> Iterator[Need]:
    for shape in shapes:
        for word in shape.words:
            yield word, word + shape.has, max(0, shape.run - len(word))


def shape_spans(
    data: bytes, may: Callable[[bytes], bool] | None = None, few: bytes | None = None
) -> Iterator[tuple[int, int]]:
    """Where something with the shape of a secret stands.

    Args:
        data: to look at.
        may: what :func:`~.alphabet.may_have` says of it, where that is known already.
        few: what :func:`~.runs.few_runs` says of it, where that is known already.
    """
    return ((start, end) for _, start, end in shapes_in(data, may, few))


def shapes_in(
    data: bytes, may: Callable[[bytes], bool] | None = None, few: bytes | None = None
) -> Iterator[tuple[str, int, int]]:
    """What has the shape of a secret: its kind, with its article, and where it stands."""
    if len(data) < SHORTEST:
        return
    present = _words_in(data, may or may_have(data), few)
    for shape in _SHAPES if present else ():
        words = present.intersection(shape.words)
        if words:
            group = 1 if shape.pattern.groups else 0
            for found in _matches(shape, data, words):
                yield (shape.kind, *found.span(group))


def _matches(shape: _Shape, data: bytes, words: Iterable[bytes]) -> Iterator[re.Match[bytes]]:
    """Where the pattern fits, as ``finditer`` tells it: it is tried only where a word stands."""
    if shape.source.startswith(re.escape(shape.words[0])):
        # It begins with letters, and `finditer` does that by itself.
        yield from shape.pattern.finditer(data)
        return
    text = data.lower() if shape.folded else data
    end = 0
    for start in sorted(start for word in words for start in _places_of(word, text)):
        found = shape.pattern.match(data, start) if start >= end else None
        if found is not None:
            yield found
            end = found.end()


def _places_of(word: bytes, text: bytes) -> Iterator[int]:
    start = text.find(word)
    while start >= 0:
        yield start
        start = text.find(word, start + 1)


def _words_in(data: bytes, may: Callable[[bytes], bool], few: bytes | None) -> set[bytes]:
    """The words of shapes that stand in ``data`` where the shape may; more may seem to, but never less."""
    if len(data) <= SMALL:
        return _found(data, _EXACT_WORDS) | _found(data.lower(), _FOLDED_WORDS)
    probes = _probes()
    exact = probes.exact if few is None else probes.loose
    present = {word for probe in exact for word in probe.words_in(data, may)}
    if few:
        present |= _found(few, _TIGHT_WORDS)
    either = {byte for byte in _FOLDED_BYTES if may(bytes([byte])) or may(bytes([byte]).upper())}.issuperset
    likely = b"".join(word for probe in probes.folded for word in probe.likely(either))
    if likely:
        capitals = any(may(bytes([byte]).upper()) for byte in set(likely) & _SMALL_LETTERS)
        lowered = data.lower() if capitals else data
        present.update(word for probe in probes.folded for word in probe.words_in(lowered, either))
    return present


def _found(data: bytes, words: Iterable[bytes]) -> set[bytes]:
    # `word in data` looks for a number first, and takes longer.
    find = data.find
    return {word for word in words if find(word) >= 0}
