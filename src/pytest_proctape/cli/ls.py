"""``proctape ls``: list tapes, with their entries, sizes, ages and the commit that touched each last.

The age is the time since the recording, as the tape itself tells it. Sizes are those of the tape and of
the payloads it names. A tape that git does not know has no commit.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..clock import REAL
from ..errors import TapeError
from ..tape import payloads_of
from .finding import Finder, TapeFile
from .git import Commit, Repository
from .screen import FINE, Screen, age_text, counted, size_text, visible


@dataclass(frozen=True, slots=True)
class _Row:
    """A tape, told.

    Attributes:
        size: of the file; payload_size: of what it names, in bytes.
        recorded_at: ISO 8601; ``""`` on a tape that was written by hand.
    """

    file: TapeFile
    test: str
    entries: int
    size: int
    payload_size: int
    recorded_at: str
    commit: Commit | None


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="tapes, directories of tapes, node ids")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """List; a tape that can't be read is told and the others are listed."""
    rows = []
    commits: dict[Path, dict[Path, Commit]] = {}
    for file in Finder().tapes(arguments.paths):
        root = file.store.root
        if root not in commits:
            commits[root] = Repository(root).last_commits()
        try:
            rows.append(_row(file, commits[root].get(file.path.absolute())))
        except TapeError as error:
            screen.error(error)
    if arguments.json:
        screen.json([_as_json(row) for row in rows])
    else:
        _draw(rows, screen)
    return FINE


def _row(file: TapeFile, commit: Commit | None) -> _Row:
    tape = file.load()
    payloads = {payload.sha256: payload.size for payload in payloads_of(tape)}
    return _Row(
        file=file,
        test=tape.test,
        entries=len(tape.entries),
        size=file.path.stat().st_size,
        payload_size=sum(payloads.values()),
        recorded_at="" if tape.recorded is None else tape.recorded.at,
        commit=commit,
    )


def _as_json(row: _Row) -> dict[str, object]:
    commit = row.commit
    return {
        "path": row.file.name,
        "test": row.test,
        "entries": row.entries,
        "size": row.size,
        "payload_size": row.payload_size,
        "recorded_at": row.recorded_at or None,
        "commit": None if commit is None else {"id": commit.id, "at": commit.at, "subject": commit.subject},
    }


def _draw(rows: list[_Row], screen: Screen) -> None:
    now = REAL.time_ns() / 1e9
    names = [visible(row.file.name) for row in rows]
    counts = [counted(row.entries, "entry") for row in rows]
    sizes = [size_text(row.size + row.payload_size) for row in rows]
    ages = [_age(row.recorded_at, now) for row in rows]
    room = max(map(len, names), default=0)
    if screen.width is not None:
        room = min(room, max(screen.width - 40, 20))
    for row, name, count, size, age in zip(rows, names, counts, sizes, ages, strict=True):
        if len(name) > room:
            # Its end tells more than its beginning, which all have in common.
            name = "..." + name[len(name) - room + 3 :]
        line = f"{name:<{room}}  {count:>{max(map(len, counts))}}  {size:>7}  {age:<9}"
        commit = row.commit
        told = "" if commit is None else f"{commit.id} {visible(commit.subject)}"
        fits = screen.width is None or screen.width - len(line) > 12
        line = f"{line}  {screen.paint(screen.cut(told, len(line) + 2), 'dim')}" if told and fits else line
        screen.line(line.rstrip())
    total = sum(row.size + row.payload_size for row in rows)
    entries = sum(row.entries for row in rows)
    told = f"{counted(len(rows), 'tape')}, {counted(entries, 'entry')}, {size_text(total)}"
    screen.line(screen.paint(told, "bold"))


def _age(recorded_at: str, now: float) -> str:
    """Since when, seen from ``now``, in seconds since the epoch."""
    if not recorded_at:
        return "by hand"
    try:
        return age_text(now - datetime.fromisoformat(recorded_at).timestamp())
    except ValueError:
        return "?"
