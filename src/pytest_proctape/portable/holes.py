"""A text of the tape that leaves something open: secrets, and names that were captured.

:mod:`.places` compares arguments with it, a virtual child what it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .names import CapturedNames
from .tokens import Token


class Holes:
    """Fixed text with holes in it; a hole takes anything, but the same name takes the same text.

    A secret may be missing altogether where it is not known.
    """

    def __init__(self, parts: Sequence[bytes | Token], names: CapturedNames) -> None:
        """With the ``parts`` in order: revealed text, and what is open; ``names`` tells what is bound."""
        self._groups: dict[str, Token] = {}
        self._names = names
        seen: dict[bytes, str] = {}
        pattern = []
        for part in parts:
            if isinstance(part, bytes):
                pattern.append(re.escape(part))
            elif names.is_bound(part):
                pattern.append(re.escape(names.value_of(part) or b""))
            elif part.is_secret:
                pattern.append(rb".*?")
            elif part.text in seen:
                pattern.append(f"(?P={seen[part.text]})".encode())
            else:
                group = seen[part.text] = f"h{len(seen)}"
                self._groups[group] = part
                pattern.append(f"(?P<{group}>.+?)".encode())
        self._pattern = re.compile(b"".join(pattern), re.DOTALL)
        fixed = [part for part in parts if isinstance(part, bytes)]
        self.head = fixed[0] if isinstance(parts[0], bytes) else b""
        """What it begins with."""
        self.tail = fixed[-1] if isinstance(parts[-1], bytes) else b""
        """What it ends with; empty if a hole comes last."""

    def fullmatch(self, data: bytes) -> dict[Token, bytes] | None:
        """What is in the holes, if all of ``data`` is such a text."""
        return self._filled(self._pattern.fullmatch(data))

    def prefix(self, data: bytes) -> tuple[int, dict[Token, bytes]] | None:
        """How much of ``data``, and what is in the holes, if it begins with such a text."""
        found = self._pattern.match(data)
        filled = self._filled(found)
        return None if found is None or filled is None else (found.end(), filled)

    def _filled(self, found: re.Match[bytes] | None) -> dict[Token, bytes] | None:
        if found is None:
            return None
        filled = {token: found[group] for group, token in self._groups.items()}
        fits = all(self._names.fits(token, value) for token, value in filled.items())
        return filled if fits else None
