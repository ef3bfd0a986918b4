"""What a command did to files, in words, for ``show`` and ``diff``."""

from __future__ import annotations

from collections.abc import Iterable

from ..tape import DEFAULT_MODES, Effect, decode_argument
from .screen import counted, visible
from .words import Decode, shown


def effect_words(effect: Effect, decode: Decode) -> str:
    """One line: the path, and what became of it."""
    path = visible(decode_argument(effect.path))
    became = _became(effect, decode)
    mode = "" if effect.mode is None or became.startswith("mode ") else f", mode {effect.mode}"
    time = "" if effect.mtime is None else f", of {visible(str(effect.mtime))}"
    return f"{path}: {became}{mode}{time}"


def effect_lines(effects: Iterable[Effect], decode: Decode) -> list[str]:
    """Several, with what text files hold, a line each; without the times that are those of the moment."""
    lines = []
    for effect in effects:
        lines.append(effect_words(effect, decode))
        held = () if effect.file is None else shown(effect.file, decode).lines or ()
        lines += [f"{visible(decode_argument(effect.path))} | {line}" for line in held]
    return lines


def _became(effect: Effect, decode: Decode) -> str:
    if effect.kind == "gone":
        return f"removed, {_kind(effect.was)}" if effect.was else "removed"
    if effect.file is not None:
        told = shown(effect.file, decode).about
        holes = f", {counted(effect.size, 'byte')} with the holes in it" if effect.size is not None else ""
        if effect.was is None:
            return f"a new file, {told}{holes}"
        how = "written anew" if effect.in_place and effect.was.startswith("file") else "in the place of"
        old = "" if how == "written anew" else f" {_kind(effect.was)}"
        return f"a file {how}{old}, {told}{holes}"
    place = f" in the place of {_kind(effect.was)}" if effect.was else ""
    if effect.link is not None:
        return f"a link to {visible(decode_argument(effect.link))}{place}"
    if effect.same_as is not None:
        return f"another name of {visible(decode_argument(effect.same_as))}{place}"
    if effect.kind is not None:
        return f"a new {effect.kind}{place}"
    if effect.mode is not None:
        return f"mode {effect.mode}"
    return "touched"


def _kind(was: str | None) -> str:
    """``"a file"`` for what was there before."""
    kind = (was or "").partition(" ")[0]
    return f"a {kind}" if kind in {*DEFAULT_MODES, "link"} else "something"
