"""``proctape diff``: tell how tapes differ, in entries and not in lines of JSON.

  proctape diff                  every tape of the project, against git's HEAD
  proctape diff tape.json        one, or those in a directory, against HEAD
  proctape diff --rev v1.0       against another revision
  proctape diff a.json b.json    two tapes

Durations, moments and the header do not count unless --times is given. Long changes are cut unless --full
is given.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import TapeError
from ..tape import Content, Payload, Stream, Tape, TapeStore, loads
from ..tape.names import PAYLOADS, SUFFIX
from .alike import EntryChange, FieldChange, Side, compare_tapes
from .finding import Finder, TapeFile, shown_path
from .git import Repository
from .screen import FINE, FOUND, Screen, Style, counted, visible, windows
from .words import Decode

_LINES = 5
"""Lines of one side of a change that are shown."""
_WIDTH = 160
_SIGNS: dict[str, tuple[str, Style]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two versions to be held against each other; at most one of the sides is missing."""

    old_name: str
    new_name: str
    old: Side | None
    new: Side | None


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("old", metavar="A", nargs="?", help="a tape, a node id, or a directory of tapes")
    parser.add_argument("new", metavar="B", nargs="?", help="a second tape, to be held against the first")
    parser.add_argument("--rev", metavar="REV", default="HEAD", help="of git; HEAD by default")
    parser.add_argument("--times", action="store_true", help="durations and moments count, too")
    parser.add_argument("--full", action="store_true", help="every line of every change")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Compare.

    Raises:
        UsageError: what was named isn't there, or git can't tell.
        TapeError: one of two named tapes can't be read.
    """
    finder = Finder()
    if arguments.new is not None:
        old, new = finder.one(arguments.old), finder.one(arguments.new)
        pairs: Iterator[_Pair] = iter([_Pair(old.name, new.name, _side(old), _side(new))])
    else:
        pairs = _against_git(finder, arguments.old, arguments.rev, screen)
    told = []
    for pair in pairs:
        changes = _changes(pair, arguments.times)
        if not changes and pair.old is not None and pair.new is not None:
            continue
        told.append({"old": pair.old_name, "new": pair.new_name, "changes": [asdict(one) for one in changes]})
        if not arguments.json:
            _draw(pair, changes, screen, arguments.full)
    if arguments.json:
        screen.json(told)
    return FOUND if told else FINE


def _side(file: TapeFile) -> Side:
    return Side(file.told(), file.store.decode)


def _changes(pair: _Pair, times: bool) -> list[EntryChange]:
    """The changes; against nothing, every entry is one."""
    some = pair.old or pair.new
    assert some is not None
    empty = Side(Tape(), some.decode)
    return compare_tapes(pair.old or empty, pair.new or empty, times=times)


def _against_git(finder: Finder, name: str | None, revision: str, screen: Screen) -> Iterator[_Pair]:
    """The versions of git beside those on the disk; what can't be read is told, and the others follow."""
    single = None if name is None or os.path.isdir(name) else finder.path_of(name)
    folder = finder.folder(name) if single is None else _existing(single.parent)
    root = finder.root_of(single or folder)
    repository = Repository(folder)
    repository.check(revision)
    paths = repository.changed(revision) if single is None else [single]
    for path in paths:
        try:
            pair = _pair(path, root, repository, revision) if single or _is_tape(path) else None
        except TapeError as error:
            screen.error(error)
            continue
        if pair is not None:
            yield pair
        elif single is not None and name is not None:
            # Neither here nor there: told as anything that is missing.
            finder.one(name)


def _existing(folder: Path) -> Path:
    """``folder``, or what is left of it: with its last tape a directory goes away, too."""
    here = folder.absolute()
    return next(one for one in (here, *here.parents) if one.is_dir())


def _is_tape(path: Path) -> bool:
    return path.name.endswith(SUFFIX) and PAYLOADS not in path.parts


def _pair(path: Path, root: Path, repository: Repository, revision: str) -> _Pair | None:
    store = TapeStore(root)
    name = shown_path(path)
    before = repository.read(revision, path)
    old = None
    if before is not None:
        decode = _decode_at(store, repository, revision)
        old = Side(store.told(loads(before, Path(f"{revision}:{name}")), decode), decode)
    new = _side(TapeFile(path, store)) if os.path.lexists(path) else None
    if old is None and new is None:
        return None
    return _Pair(f"{name} ({revision})", name, old, new)


def _decode_at(store: TapeStore, repository: Repository, revision: str) -> Decode:
    """Reads the payloads of an old version: those that are gone since then are in git."""

    def decode(stream: Stream) -> Content:
        try:
            return store.decode(stream)
        except TapeError:
            if isinstance(stream, Payload):
                content = Content.of(repository.read(revision, store.payloads / stream.sha256) or b"")
                if content.sha256 == stream.sha256:
                    return content
            raise

    return decode


def _draw(pair: _Pair, changes: list[EntryChange], screen: Screen, full: bool) -> None:
    old = pair.old_name if pair.old is not None else "(nothing)"
    new = pair.new_name if pair.new is not None else "(nothing)"
    screen.line(screen.paint(f"--- {visible(old)}", "bold"))
    screen.line(screen.paint(f"+++ {visible(new)}", "bold"))
    for change in changes:
        sign, style = _SIGNS[change.kind]
        head = f"{sign} [{_number(change)}] "
        screen.line(screen.paint(head + screen.cut(change.command, len(head)), style))
        for field in change.fields:
            _draw_field(field, screen, full)
    counts = [
        f"{sum(one.kind == kind for one in changes)} {kind}"
        for kind in _SIGNS
        if any(one.kind == kind for one in changes)
    ]
    screen.line(screen.paint(", ".join(counts) or "no entries", "dim"))


def _number(change: EntryChange) -> str:
    numbers = [str(one + 1) for one in (change.old_index, change.new_index) if one is not None]
    return numbers[0] if len(set(numbers)) == 1 else " -> ".join(numbers)


def _told(change: FieldChange, width: int) -> tuple[list[str], list[str]]:
    """The lines of both sides, those that stand opposite each other cut to where they differ."""
    old, new = [visible(line) for line in change.old], [visible(line) for line in change.new]
    for index, pair in enumerate(zip(old, new, strict=False)):
        old[index], new[index] = windows(*pair, width)
    return old, new


def _draw_field(change: FieldChange, screen: Screen, full: bool) -> None:
    unit = {"args": "word", "timeline": "step"}.get(change.field, "line")
    screen.line(f"    {change.field}" + (f", {unit} {change.line}" if change.line else ""))
    for sign, lines in zip("-+", _told(change, (screen.width or _WIDTH) - 8), strict=True):
        style = _SIGNS["removed" if sign == "-" else "added"][1]
        limit = len(lines) if full or len(lines) == _LINES + 1 else _LINES
        for line in lines[:limit]:
            screen.line("      " + screen.paint(f"{sign} {screen.cut(line, 8)}", style))
        if len(lines) > limit:
            told = f"{sign} ... {counted(len(lines) - limit, f'more {unit}')}; --full shows all"
            screen.line("      " + screen.paint(told, "dim"))
