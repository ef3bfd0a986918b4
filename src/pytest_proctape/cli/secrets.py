"""What looks like a secret in a text: :func:`secrets_in`. ``check`` asks it about every text of a tape.

Only shapes that hardly mean anything else: a check that cries wolf is switched off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_SHAPES = {
    "an AWS access key": (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    "a GitLab token": (("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a Slack token": (("xox",), r"\bxox[abposr]-[A-Za-z0-9-]{10,}"),
    "a Google API key": (("AIza",), r"\bAIza[0-9A-Za-z_-]{35}"),
    "a Stripe key": (("k_live_",), r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    "an npm token": (("npm_",), r"\bnpm_[A-Za-z0-9]{36}"),
    "a PyPI token": (("pypi-",), r"\bpypi-[A-Za-z0-9_-]{32,}"),
    "a JSON web token": (("eyJ",), r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    "a private key": (("PRIVATE KEY",), r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "an authorization header": (
        ("uthorization:", "UTHORIZATION:"),
        r"(?i:\bauthorization:\s*(?:bearer|basic)\s+)[A-Za-z0-9+/._~-]{8,}=*",
    ),
    "a password in a URL": (
        ("://",),
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>\"']{0,256}:(?P<value>[^\s/:@<>\"']{3,256})@",
    ),
}
"""By kind: texts of which one must be there, which are found fast, and the shape."""
_PATTERNS = {kind: (needles, re.compile(shape)) for kind, (needles, shape) in _SHAPES.items()}
_KEPT = 4
_SHORTEST = 12
"""Characters of the shortest text that is looked at."""


class Secret(NamedTuple):
    """Something that looks like one.

    Attributes:
        kind: what it looks like, with its article.
        hint: its first characters, for finding it; never the whole.
    """

    kind: str
    hint: str


def secrets_in(text: str) -> Iterator[Secret]:
    """What in ``text`` looks like a secret, each kind once."""
    if len(text) < _SHORTEST:
        return
    for kind, (needles, pattern) in _PATTERNS.items():
        if not any(needle in text for needle in needles):
            continue
        for found in pattern.finditer(text):
            value = found.groupdict().get("value") or found[0]
            if set(value) <= {"*", "x", "X", "."}:
                continue  # blotted out already
            yield Secret(kind, f"{value[:_KEPT]}...")
            break
