"""What a child did to files, as the package works with it: :class:`FileEffect`, and its form on a tape.

:func:`effect_of` and :func:`file_effect_of` lead to the model's ``Effect`` and back. The effects room
makes and applies them; the session encodes and decodes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..frozen import Value
from .content import Content, decode_argument, encode_argument
from .model import Effect, Stream
from .times import ms_from_ns, ns_from_ms, ns_of, time_of

Kind = Literal["file", "link", "same_as", "directory", "fifo", "socket", "gone", "kept"]
"""``kept`` is a thing that stayed what it was, but for its mode and its modification time."""

DEFAULT_MODES = {"file": 0o644, "directory": 0o755, "fifo": 0o644, "socket": 0o755}
"""Permissions that a tape does not mention."""


TAPED = "taped"
"""In the place of a hash in ``was``: the file is as an earlier effect of the same tape left it."""


class FileEffect(Value):
    """What became of one name.

    Attributes:
        path: absolute, with surrogates for what is not text.
        kind: what is there now.
        content: of a file; of one with holes, what lies between them.
        target: of a link its text, of a further name the path of the other one.
        size: of a file with holes, in bytes.
        parts: offset and length of what lies between the holes.
        mode: permissions; ``None`` where they stayed, or there are none.
        mtime_ns: nanoseconds of the epoch; ``None`` for whatever the file system says.
        by_clock: the modification time is that of the act, and nobody set it.
        was: what was there before; see the model.
        in_place: the same file was written anew.
        placeholders: they hold in the content.
        pid: ``<pid>`` in the content is the number of the child's process.
    """

    path: str
    kind: Kind
    content: Content | None = None
    target: str = ""
    size: int | None = None
    parts: tuple[tuple[int, int], ...] = ()
    mode: int | None = None
    mtime_ns: int | None = None
    by_clock: bool = False
    was: str | None = None
    in_place: bool = False
    placeholders: bool = False
    pid: bool = False


def effect_of(
    file: FileEffect,
    began_ns: int,
    encode: Callable[[FileEffect], Stream],
    conceal: Callable[[str], str],
) -> Effect:
    """The form on a tape.

    Args:
        file: what became of a name.
        began_ns: when the child was started, nanoseconds of the epoch.
        encode: keeps the content.
        conceal: puts placeholders into a path.
    """
    by_clock = file.by_clock and file.mtime_ns is not None and file.mtime_ns >= began_ns
    at_ms = ms_from_ns((file.mtime_ns or 0) - began_ns) if by_clock else None
    return Effect(
        path=encode_argument(conceal(file.path)),
        file=encode(file) if file.kind == "file" else None,
        link=encode_argument(conceal(file.target)) if file.kind == "link" else None,
        same_as=encode_argument(conceal(file.target)) if file.kind == "same_as" else None,
        kind=file.kind if file.kind in {"directory", "fifo", "socket", "gone"} else None,
        size=file.size,
        parts=file.parts or None,
        mode=None if file.mode in {None, DEFAULT_MODES.get(file.kind)} else f"{file.mode:03o}",
        at_ms=at_ms,
        mtime=None if by_clock or file.mtime_ns is None else time_of(file.mtime_ns),
        was=file.was,
        in_place=file.in_place,
        placeholders=file.placeholders,
        pid=file.pid,
    )


def file_effect_of(
    effect: Effect,
    began_ns: int | None,
    decode: Callable[[Effect], Content],
    reveal: Callable[[str], str],
) -> FileEffect:
    """What ``effect`` means here.

    Args:
        effect: from a tape that has been checked by the codec.
        began_ns: the entry's; ``None`` where it says nothing.
        decode: gives the content of ``effect.file``.
        reveal: takes placeholders out of a path.
    """
    kind = kind_of(effect)
    target = effect.link if effect.link is not None else effect.same_as
    mtime_ns = None if effect.mtime is None else ns_of(effect.mtime)
    if effect.at_ms is not None and began_ns is not None:
        mtime_ns = began_ns + ns_from_ms(effect.at_ms)
    return FileEffect(
        path=reveal(decode_argument(effect.path)),
        kind=kind,
        content=decode(effect) if kind == "file" else None,
        target="" if target is None else reveal(decode_argument(target)),
        size=effect.size,
        parts=effect.parts or (),
        mode=DEFAULT_MODES.get(kind) if effect.mode is None else int(effect.mode, 8),
        mtime_ns=mtime_ns,
        by_clock=effect.at_ms is not None,
        was=effect.was,
        in_place=effect.in_place,
        placeholders=effect.placeholders,
        pid=effect.pid,
    )


def kind_of(effect: Effect) -> Kind:
    """What is at the path now."""
    if effect.kind is not None:
        return effect.kind
    if effect.file is not None:
        return "file"
    if effect.link is not None:
        return "link"
    return "kept" if effect.same_as is None else "same_as"


_PID = b"<pid>"
_PID_LIMIT = 32


def without_pid(file: FileEffect, pid: int) -> FileEffect:
    """``file`` of a child with this number: one that holds nothing else holds another one on replay."""
    content = file.content
    if content is None or content.size > _PID_LIMIT or content.bytes().strip() != b"%d" % pid:
        return file
    return file.but(content=Content.of(content.bytes().replace(b"%d" % pid, _PID)), pid=True)


def with_pid(file: FileEffect, pid: int) -> FileEffect:
    """The opposite of :func:`without_pid`."""
    if not file.pid or file.content is None:
        return file
    return file.but(content=Content.of(file.content.bytes().replace(_PID, b"%d" % pid)))
