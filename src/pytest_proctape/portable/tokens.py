"""How a placeholder is written on a tape, and how text that merely looks like one survives.

::

    <home>            a place, as it is
    <home:url>        the same in another writing, see :data:`WRITINGS`
    <port:2>          the second value that was captured under a name of the user's
    <redacted:TOKEN>  a secret, named by the variable that holds it; <redacted> if there is none
    <=home>           text of the command's own that looked like one of these

:mod:`.places` makes and reads them, :mod:`.holes` compares with them.
"""

from __future__ import annotations

import json
import os
import re
import string
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import quote_from_bytes

from ..frozen import Value
from ..later import later
from ..rows import Row

REDACTED = "redacted"

SLASHED = b"//<"
"""How a name in an archive begins whose placeholder stands for a path without its first slash."""

_SHELL_SPECIAL = later(rb"([^\w/.,:=@%+~\x80-\xff-])", re.ASCII)
_SHELL_PLAIN = f"{string.ascii_letters}{string.digits}_/.,:=@%+~-".encode()


def _json(path: bytes) -> bytes:
    return json.dumps(os.fsdecode(path))[1:-1].encode()


def _url(path: bytes) -> bytes:
    return quote_from_bytes(path).encode()


def _slash(path: bytes) -> bytes:
    return _json(path).replace(b"/", rb"\/")


def _shell(path: bytes) -> bytes:
    # Nearly all.
    return path if not path.translate(None, _SHELL_PLAIN) else _SHELL_SPECIAL.sub(rb"\\\1", path)


WRITINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "url": _url,
    "json": _json,
    "slash": _slash,
    "shell": _shell,
}
"""Percent-encoded; as in a JSON string, without and with ``\\/``; with backslashes for the shell."""


class Span(Row):
    """A part of a text that gets another text on the tape."""

    start: int
    end: int
    token: bytes


class Token(Value):
    """A placeholder that was found on a tape.

    Attributes:
        text: as it stands there.
        escapes: it is text that only looks like one; this is what it was.
        name: of the place, or ``"redacted"``.
        detail: the writing, the number, or the name of the secret; ``""`` if there is none.
    """

    text: bytes
    escapes: bytes
    name: str
    detail: str

    @property
    def is_secret(self) -> bool:
        """Nobody knows what stood here."""
        return self.name == REDACTED

    @property
    def number(self) -> int:
        """Of a captured value; 0 for anything else."""
        return int(self.detail) if self.detail.isdecimal() and not self.is_secret else 0


@lru_cache
def lookalike(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """What finds placeholders of these names, escaped ones too."""
    longest_first = sorted((re.escape(name.encode()) for name in names), key=len, reverse=True)
    writings = "|".join(WRITINGS).encode()
    return later(
        rb"<(=*)(?:(" + b"|".join(longest_first) + rb")(?::(" + writings + rb"|[1-9][0-9]{0,8}))?"
        rb"|(redacted)(?::([A-Za-z_][\w.-]*))?)>"
    )


def token_of(found: re.Match[bytes]) -> Token:
    """The placeholder that :func:`lookalike` found."""
    escapes = b"<" + found[0][2:] if found[1] else b""
    name, detail = found[2] or found[4], found[3] or found[5] or b""
    return Token(found[0], escapes, name.decode(), detail.decode())


def written(name: str, detail: str | int = "") -> bytes:
    """A placeholder as it stands on a tape."""
    return f"<{name}:{detail}>".encode() if detail else f"<{name}>".encode()


def escaped(found: re.Match[bytes]) -> bytes:
    """The command's own text on its way to the tape."""
    return b"<=" + found[0][1:]


def is_marked(taped: bytes) -> bool:
    """Whether it is an archive or a compressed stream that a recording has rewritten; see :mod:`.packed`."""
    return taped.startswith(b"<places:", 500) or taped.startswith(b"<packed:", 10)
