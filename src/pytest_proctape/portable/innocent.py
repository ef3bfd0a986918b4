"""Texts that are too short to hold anything: most words of most commands, and much of what these say.

:mod:`.places` asks before it looks. A path has a slash, or what stands for one in a URL or in JSON, and so
has whatever is written with one; of all else that may stand in a text the shortest is known.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Final

NEVER: Final = 1 << 16
"""As the length of the shortest, where there is none."""

_PLAIN = "".join(sorted({*string.printable} - {*"/%\\<"}))
_LETTERS, _BYTES = frozenset(_PLAIN), _PLAIN.encode()


def is_plain(data: bytes) -> bool:
    """Whether there is no path in ``data``, no placeholder, and nothing that is no ASCII."""
    return not data.translate(None, _BYTES)


def is_plain_text(text: str) -> bool:
    """The same for text."""
    return _LETTERS.issuperset(text)


def shortest(texts: Iterable[bytes]) -> int:
    """The length of the shortest of those that can stand in what is plain."""
    return min((len(text) for text in texts if is_plain(text)), default=NEVER)
