"""Secrets that are known by their shape, whoever holds them; :mod:`.secrets` looks for them.

Each shape has words of which one must be there before its pattern is tried: asking for a word costs next to
nothing, so ten megabytes without any are through in a fraction of a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .alphabet import SMALL, may_have


@dataclass(frozen=True, slots=True)
class _Shape:
    """One kind of secret: the pattern's first group, or all of it."""

    kind: str
    words: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


def _shape(kind: str, words: str, pattern: bytes) -> _Shape:
    return _Shape(kind, tuple(words.encode().split()), re.compile(pattern))


_QUOTES = rb"(?:[\"'\s>]|\\[\"nrt]|%2[027])"
_BETWEEN = _QUOTES + rb"{0,4}(?:[:=]|%3[ADad])" + _QUOTES + rb"{0,6}"
"""What may stand between a label and its value: in text, in JSON, in a URL."""

_KEY_LABELS = (
    rb"(?:x-api-key|api-key|private-token|job-token|deploy-token|x-auth-token|x-vault-token|x-access-token)"
)
_TIGHT = (
    _shape("an AWS access key", "AKIA ASIA", rb"A[KS]IA[A-Z0-9]{16}"),
    _shape("a Google API key", "AIza", rb"AIza[\w-]{30,}"),
    _shape("a Google OAuth token", "ya29. GOCSPX-", rb"(?:ya29\.|GOCSPX-)[\w.-]{16,}"),
    _shape("a DigitalOcean token", "dop_v1_ doo_v1_", rb"do[or]_v1_[0-9a-f]{32,}|dop_v1_[0-9a-f]{32,}"),
    _shape("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[pousr]_[A-Za-z0-9]{20,}"),
    _shape("a GitHub token", "github_pat_", rb"github_pat_\w{20,}"),
    _shape(
        "a GitLab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent-",
        rb"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[\w.-]{16,}",
    ),
    _shape("an npm token", "npm_", rb"npm_[A-Za-z0-9]{24,}"),
    _shape("a PyPI token", "pypi-", rb"pypi-(?:AgE[\w-]{10,}|[\w-]{48,})"),
    _shape("a Docker token", "dckr_pat_", rb"dckr_pat_[\w-]{16,}"),
    _shape(
        "a Slack token",
        "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-",
        rb"(?:xox[abeoprs]|xapp)-[\w.-]{10,}",
    ),
    _shape(
        "a Stripe key",
        "sk_live_ rk_live_ sk_test_ rk_test_ whsec_",
        rb"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{12,}",
    ),
    _shape("a SendGrid key", "SG.", rb"SG\.[\w-]{16,}\.[\w-]{16,}"),
    _shape("an API key", "sk-", rb"(?<![\w-])sk-(?=[\w-]*\d)[\w-]{20,}"),
    _shape("a Hugging Face token", "hf_", rb"hf_[A-Za-z0-9]{24,}"),
    _shape("a Vault token", "hvs. hvb. hvr.", rb"(?<!\w)hv[sbr]\.[\w-]{20,}"),
    _shape("a JSON web token", "eyJ", rb"eyJ[\w-]{6,}(?:\.[\w-]+){2,4}={0,2}"),
    _shape("an age key", "AGE-SECRET-KEY-", rb"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
)
"""These are one run of letters, digits, dots and dashes."""

_LOOSE = (
    _shape(
        "an AWS secret key",
        "secret SECRET Secret",
        rb"(?i)secret[_ -]?(?:access)?[_ -]?key"
        + _BETWEEN
        + rb"((?:[A-Za-z0-9/+]|\\/|%2F|%2B){40})(?![A-Za-z0-9/+=])",
    ),
    _shape(
        "an Azure key",
        "AccountKey= SharedAccessKey=",
        rb"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{32,}={0,2})",
    ),
    _shape("a Slack webhook", "hooks.slack.com", rb"hooks\.slack\.com/(?:services|workflows)/([\w/]{20,})"),
    _shape(
        "a private key",
        "PRIVATE",
        rb"-----BEGIN[A-Z0-9 %+]{0,60}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----"
        rb"(?:[\s\S]{1,40000}?-----END[A-Z0-9 %+]{0,60}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----"
        rb"|[\w\s+/=\\:,.%-]*)",
    ),
    _shape(
        "an authorization header",
        "uthorization UTHORIZATION",
        rb"(?i)authorization" + _BETWEEN + rb"(?:[a-z0-9-]{1,20}(?:\s|%20|\+)+)?([^\s\"'\\,;%]{4,})",
    ),
    _shape("a bearer token", "earer BEARER", rb"(?i)\bbearer\s+(?=\S*\d)([\w.~+/-]{12,}={0,2})"),
    _shape(
        "a key or token behind its name",
        "oken -key -KEY -Key TOKEN",
        rb"(?i)" + _KEY_LABELS + _BETWEEN + rb"([^\s\"'\\,;%]{8,})",
    ),
    _shape("a password in a URL", "%3A%2F%2F", rb"%3A%2F%2F[^\s/:@%]{0,255}%3A([^\s/@\"'<>]{1,255}?)%40"),
    _shape("a password in a URL", r":\/\/", rb":\\/\\/[^\s/:@\"'<>\\]{0,255}:([^\s/@\"'<>]{1,255})@"),
    _shape("a password in a URL", "://", rb"://[^\s/:@\"'<>\\]{0,255}:([^\s/@\"'<>]{1,255})@"),
    _shape("a token in a URL", "://", rb"://([^\s/:@\"'<>\\]{20,255})(?::[^\s/@\"'<>]{0,255})?@"),
)
"""These have other characters in them, or a label before them."""

_SHAPES = (*_TIGHT, *_LOOSE)
_TIGHT_WORDS = tuple(dict.fromkeys(word for shape in _TIGHT for word in shape.words))
_LOOSE_WORDS = tuple(dict.fromkeys(word for shape in _LOOSE for word in shape.words))

_SHORTEST = 12
"""Bytes of the shortest text that any of the shapes fits."""

_IN_RUN = bytes(b"01"[re.match(rb"[\w.-]", bytes([byte])) is not None] for byte in range(256))
_LONG = b"1" * _SHORTEST
_IN_NONE = bytes(byte for byte in range(256) if not 0x20 <= byte < 0x7F and byte not in b"\t\r\n")


def shape_spans(data: bytes, may: Callable[[bytes], bool] | None = None) -> Iterator[tuple[int, int]]:
    """Where something with the shape of a secret stands.

    Args:
        data: to look at.
        may: what :func:`~.alphabet.may_have` says of it, where that is known already.
    """
    return ((start, end) for _, start, end in shapes_in(data, may))


def shapes_in(data: bytes, may: Callable[[bytes], bool] | None = None) -> Iterator[tuple[str, int, int]]:
    """What has the shape of a secret: its kind, with its article, and where it stands."""
    if len(data) < _SHORTEST:
        return
    # Without what no shape has in it, more may seem to be there, but never less. `word in data` looks for a
    # number first, and takes longer.
    small = len(data) <= SMALL
    may = may or may_have(data)
    loose, tight = ([word for word in words if may(word)] for words in (_LOOSE_WORDS, _TIGHT_WORDS))
    text = data if small or not (loose or tight) else data.translate(None, _IN_NONE)
    find, find_tight = text.find, (text if small or not tight else _long_runs(text)).find
    present = {word for word in loose if find(word) >= 0}
    present.update(word for word in tight if find_tight(word) >= 0)
    if not present:
        return
    for shape in _SHAPES:
        if not present.isdisjoint(shape.words):
            group = 1 if shape.pattern.groups else 0
            for found in shape.pattern.finditer(data):
                yield (shape.kind, *found.span(group))


def _long_runs(data: bytes) -> bytes:
    """What is long enough for a tight shape: of most texts very little."""
    kinds = data.translate(_IN_RUN) + b"0"
    runs = []
    start = kinds.find(_LONG)
    while start >= 0:
        end = kinds.index(b"0", start)
        runs.append(data[start:end])
        start = kinds.find(_LONG, end)
    return b"\n".join(runs)
