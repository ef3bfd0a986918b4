"""Drift of files: what a real command made of the watched directories, held against the tape's effects. Pure.

:mod:`.drift` asks. Times are chance unless a command set them, as are those that some formats keep inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..effects import MASKED_LIMIT, masked
from ..tape import Content, FileEffect, Script, script, time_of
from .sides import NO_LINE, Normaliser, first_difference

_AS_IT_WAS = "(left as it was)"
_OF_THE_MOMENT = "(that of the moment)"
_RECENT_NS = 24 * 3600 * 10**9
"""A time that is so little before the command was copied from something that this run made."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One way in which a file is not what the tape says.

    Attributes:
        path: as on the tape.
        field: ``"file"`` where it is missing or one too many, ``"kind"``, ``"content"``, ``"mode"``,
            ``"link target"`` or ``"modification time"``.
        tape, now: the two sides.
        line: of the content, from 1; 0 where it is no text.
    """

    path: str
    field: str
    tape: str
    now: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one file by the end of a command.

    Attributes:
        file: it.
        time: of its modification, nanoseconds of the epoch; ``None`` where that is chance.
    """

    file: FileEffect
    time: int | None


def made_by(played: Script, normaliser: Normaliser) -> dict[str, Made]:
    """What a command made of each file in the end; the keys are what is the same of its path in every run."""
    by_path: dict[str, FileEffect] = {}
    for step in played.steps:
        for file in step.files if isinstance(step, script.Effects) else ():
            before = by_path.get(file.path)
            by_path[file.path] = file if before is None else _then(before, file)
    made: dict[str, Made] = {}
    for path, file in sorted(by_path.items()):
        time = _set_time(file, played.began_ns)
        came_and_went = file.kind == "gone" and file.was is None
        only_touched = file.kind == "kept" and file.mode is None and time is None
        if not came_and_went and not only_touched:
            key = normaliser.word(path, "path")
            # Several names may be volatile in the same place: then their order tells them apart.
            made[next(one for one in _numbered(key) if one not in made)] = Made(file, time)
    return made


def _numbered(key: str) -> Iterator[str]:
    yield key
    number = 1
    while True:
        number += 1
        yield f"{key}\0{number}"


def _then(before: FileEffect, after: FileEffect) -> FileEffect:
    """One effect for two that followed one another."""
    if after.kind == "kept":
        mode = before.mode if after.mode is None else after.mode
        timed = before if after.mtime_ns is None else after
        return before.but(mode=mode, mtime_ns=timed.mtime_ns, by_clock=timed.by_clock)
    return after.but(was=before.was if before.kind != "kept" else after.was)


def _set_time(file: FileEffect, began_ns: int) -> int | None:
    by_chance = file.by_clock or file.mtime_ns is None or file.mtime_ns > began_ns - _RECENT_NS
    return None if by_chance or file.kind == "gone" else file.mtime_ns


def file_changes(old: dict[str, Made], new: dict[str, Made], normaliser: Normaliser) -> Iterator[FileChange]:
    """What differs, by path.

    Args:
        old: what the tape says, from :func:`made_by`.
        new: what was made now.
        normaliser: applied to both contents.
    """
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before is not None and after is not None:
            yield from _of_one(before, after, normaliser)
        elif before is not None:
            yield FileChange(before.file.path, "file", _told(before), _absent(before))
        elif after is not None:
            yield FileChange(after.file.path, "file", _absent(after), _told(after))


def _of_one(old: Made, new: Made, normaliser: Normaliser) -> Iterator[FileChange]:
    path, before, after = old.file.path, old.file, new.file
    if before.kind != after.kind:
        yield FileChange(path, "kind", _told(old), _told(new))
        return
    if normaliser.word(before.target, "path") != normaliser.word(after.target, "path"):
        yield FileChange(path, "link target", before.target, after.target)
    if before.content is not None and after.content is not None:
        yield from _of_contents(before, after, normaliser)
    if before.mode != after.mode:
        yield FileChange(path, "mode", _mode(before), _mode(after))
    if old.time != new.time:
        yield FileChange(path, "modification time", _time(old.time), _time(new.time))


def _of_contents(old: FileEffect, new: FileEffect, normaliser: Normaliser) -> Iterator[FileChange]:
    assert old.content is not None
    assert new.content is not None
    path = old.path
    if (old.size, old.parts) != (new.size, new.parts):
        yield FileChange(path, "content", _extent(old), _extent(new))
    elif old.content.sha256 != new.content.sha256:
        if max(old.content.size, new.content.size) > MASKED_LIMIT:
            yield FileChange(path, "content", _hashed(old.content), _hashed(new.content))
            return
        left, right = (normaliser.data(masked(one.bytes()), path) for one in (old.content, new.content))
        told = first_difference(left, right)
        if told is not None and _is_text(left) and _is_text(right):
            yield FileChange(path, "content", told[1], told[2], told[0])
        elif told is not None:
            at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
            at = min(len(left), len(right)) if at is None else at
            yield FileChange(path, "content", _bytes_at(left, at), _bytes_at(right, at))


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _bytes_at(data: bytes, at: int) -> str:
    found = data[at : at + 8].hex(" ") or NO_LINE
    return f"{len(data):,} bytes, from byte {at:,} on {found}"


def _hashed(content: Content) -> str:
    return f"{content.size:,} bytes, SHA-256 {content.sha256[:16]}"


def _extent(file: FileEffect) -> str:
    size = file.size if file.size is not None or file.content is None else file.content.size
    holes = f", written in {len(file.parts)} parts" if file.parts else ""
    return f"{size or 0:,} {'byte' if size == 1 else 'bytes'}{holes}"


def _told(made: Made) -> str:
    file = made.file
    match file.kind:
        case "file":
            return f"a file, {_extent(file)}"
        case "link":
            return f"a link to {file.target}"
        case "same_as":
            return f"another name of {file.target}"
        case "gone":
            return "removed"
        case "kept" if file.mode is not None:
            return f"mode {_mode(file)}"
        case "kept":
            return f"modification time {_time(made.time)}"
        case _:
            return f"a {file.kind}"


def _absent(other: Made) -> str:
    """What is said of the side that did nothing, where the other one did this."""
    return NO_LINE if other.file.was is None and other.file.kind != "kept" else _AS_IT_WAS


def _mode(file: FileEffect) -> str:
    return _AS_IT_WAS if file.mode is None else f"{file.mode:03o}"


def _time(time_ns: int | None) -> str:
    return _OF_THE_MOMENT if time_ns is None else str(time_of(time_ns))


def without_shared(
    changes: Iterable[tuple[int, FileChange, bool]],
) -> Iterator[tuple[int, FileChange]]:
    """Without what one command made and another one did not, if these two ran at the same time.

    Which of them gets such a file is chance.

    Args:
        changes: the index of the entry, the change, and whether others ran at the same time.
    """
    given = list(changes)
    halves: dict[str, list[int]] = {}
    for number, (_, change, shared) in enumerate(given):
        if shared and change.field == "file":
            halves.setdefault(change.path, []).append(number)
    dropped: set[int] = set()
    for numbers in halves.values():
        sides = {(given[one][1].tape, given[one][1].now): one for one in numbers}
        for (tape, now), one in sides.items():
            if (now, tape) in sides:
                dropped |= {one, sides[now, tape]}
    for number, (index, change, _) in enumerate(given):
        if number not in dropped:
            yield index, change
