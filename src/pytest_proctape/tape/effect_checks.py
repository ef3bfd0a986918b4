"""What must hold in the effects of an entry beyond the types of their fields. :mod:`.checks` asks.

A tape may come from anywhere, so this is the first of two locks: a path that could lead out of a watched
directory by its text is no path of a tape. The second is the effects room, which follows no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..later import later
from .content import decode_argument
from .model import Effect
from .problem import Problem
from .times import ns_of

TIME_EXPECTED = 'a time in UTC, as in "2024-02-03T12:00:00Z"'
_PATH_EXPECTED = 'a plain path behind a placeholder, as in "<tmp>/out/a.txt", or an absolute one'
_MODE = later(r"1?[0-7]{3}\Z", re.ASCII)
_WAS = later(r"(file|link)( [0-9a-f]{16}| taped)?\Z|(directory|fifo|socket)\Z", re.ASCII)
_START = later(r"/|<=*[a-z-]+>(/|\Z)")
_FORMS = ("file", "link", "same_as", "kind")


def effect_problems(effects: Iterable[Effect], place: str) -> Iterator[Problem]:
    """Everything that is wrong with ``effects``, which stand at ``place``."""
    seen = set()
    for index, effect in enumerate(effects):
        here = f"{place}[{index}]"
        path = decode_argument(effect.path)
        if path in seen:
            yield Problem(f"{here}.path", f"{path!r} stands twice", "each path once")
        seen.add(path)
        yield from _path_problems(path, f"{here}.path")
        if effect.same_as is not None:
            yield from _path_problems(decode_argument(effect.same_as), f"{here}.same_as")
        yield from _form_problems(effect, here)
        yield from _field_problems(effect, here)


def is_time(text: str) -> bool:
    """Whether ``text`` is a time as tapes have it."""
    try:
        ns_of(text)
    except ValueError:
        return False
    return True


def _path_problems(path: str, place: str) -> Iterator[Problem]:
    names = path.split("/")
    first = 1 if path.startswith(("/", "<")) else 0
    if not _START.match(path) or "\0" in path or any(name in {"", ".", ".."} for name in names[first:]):
        yield Problem(place, f"{path!r} is no path that an effect can have", _PATH_EXPECTED)


def _form_problems(effect: Effect, here: str) -> Iterator[Problem]:
    forms = [name for name in _FORMS if getattr(effect, name) is not None]
    if len(forms) > 1:
        yield Problem(f"{here}.{forms[1]}", f"an effect with {' and '.join(forms)}", "at most one of them")
    if effect.kind == "gone" and effect.was is None:
        yield Problem(f"{here}.was", "something is gone that was not there", "what was there before")
    for name in ("in_place", "placeholders", "pid", "size", "parts"):
        if getattr(effect, name) and effect.file is None:
            yield Problem(f"{here}.{name}", f"{name} without file", "file, the bytes that are there now")
    if effect.link is not None and (not effect.link or "\0" in decode_argument(effect.link)):
        yield Problem(f"{here}.link", "no text that a symbolic link can have", "where it points to")


def _field_problems(effect: Effect, here: str) -> Iterator[Problem]:
    if effect.mode is not None and not _MODE.match(effect.mode):
        yield Problem(f"{here}.mode", f"no permissions: {effect.mode!r}", 'three octal digits, as in "755"')
    if effect.was is not None and not _WAS.match(effect.was):
        yield Problem(f"{here}.was", f"no kind of file: {effect.was!r}", '"file", "link" or "directory"')
    if isinstance(effect.mtime, str) and not is_time(effect.mtime):
        yield Problem(f"{here}.mtime", f"no time: {effect.mtime!r}", TIME_EXPECTED)
    if effect.mtime is not None and effect.at_ms is not None:
        yield Problem(f"{here}.mtime", "two modification times: at_ms and mtime", "one of them")
    if effect.parts is not None:
        yield from _parts_problems(effect.parts, effect.size, f"{here}.parts")
    if isinstance(effect.mtime, int) and not -(2**63) <= effect.mtime < 2**63:
        yield Problem(f"{here}.mtime", "no time that a file can have", TIME_EXPECTED)


def _parts_problems(parts: tuple[tuple[int, int], ...], size: int | None, place: str) -> Iterator[Problem]:
    end = 0
    for offset, length in parts:
        if offset < end or length < 1 or offset + length > (size or 0):
            yield Problem(place, f"no part of the file: [{offset}, {length}]", "parts in order, within size")
            return
        end = offset + length
