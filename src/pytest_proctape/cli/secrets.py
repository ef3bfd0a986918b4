"""What looks like a secret in a text: :func:`secrets_in`. ``check`` asks it about every text of a tape.

It knows the shapes that a recording takes out, so what it finds was written by hand or is older than a shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..portable import shapes_in

_KEPT = 4
_PLACEHOLDER = re.compile(r"[^<]{0,8}<[a-z][^<>]*>")
"""What a recording has put in its place, with what may stand before it."""
_BLOTTED = frozenset("*xX.")


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
    data = text.encode("utf-8", "surrogatepass")
    told: set[str] = set()
    known: list[tuple[int, int]] = []
    for kind, start, end in shapes_in(data):
        value = data[start:end].decode("utf-8", "replace")
        within = any(a <= start and end <= b for a, b in known)
        if kind in told or within or _BLOTTED.issuperset(value) or _PLACEHOLDER.match(value):
            continue
        told.add(kind)
        known.append((start, end))
        yield Secret(kind, f"{value[:_KEPT]}...")
