"""``proctape prune``: remove payloads that no tape uses, and what failed or interrupted recordings left.

Like `git clean` it only shows what it would remove, and the exit code is 1 where that is something; with
--force it removes it. While one tape can't be read no payload is removed: it could be that tape's. Not to
be run while tests are being recorded.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..clock import REAL
from ..errors import TapeError
from ..tape import Listing, TapeStore, discard, payload_hash, payloads_of
from .finding import Finder, shown_path
from .screen import FINE, FOUND, Screen, counted, size_text, visible

_FRESH_NS = 3600 * 1_000_000_000
"""An unfinished file that is younger than this, in nanoseconds, may be one that is being written."""


@dataclass(frozen=True, slots=True)
class _Waste:
    """A file that can go.

    Attributes:
        kind: ``payload``, ``attempt`` or ``unfinished``.
        size: in bytes.
    """

    path: Path
    kind: str
    why: str
    size: int


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("directory", metavar="DIR", nargs="?", help="of the tapes; by default the project's")
    parser.add_argument("-f", "--force", action="store_true", help="remove; without it nothing is touched")
    parser.add_argument("--keep-attempts", action="store_true", help="leave the *.json.failed files")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Show what can go, or remove it."""
    finder = Finder()
    root = finder.root_of(finder.folder(arguments.directory))
    waste = list(_waste(root, arguments.keep_attempts, screen))
    if arguments.force:
        for one in waste:
            discard(one.path, root)
    if arguments.json:
        files = [
            {"path": shown_path(one.path), "kind": one.kind, "why": one.why, "size": one.size}
            for one in waste
        ]
        screen.json({"removed": arguments.force, "files": files})
    else:
        _draw(waste, arguments.force, screen)
    return FOUND if waste and not arguments.force else FINE


def _waste(root: Path, keep_attempts: bool, screen: Screen) -> Iterator[_Waste]:
    listing = Listing.of(root)
    if not keep_attempts:
        for path in listing.attempts:
            yield _Waste(path, "attempt", "left by a recording that failed", path.stat().st_size)
    for path in listing.unfinished:
        status = path.stat()
        if REAL.time_ns() - status.st_mtime_ns > _FRESH_NS:
            yield _Waste(path, "unfinished", "left by a recording that was cut off", status.st_size)
    store = TapeStore(root)
    used: set[str] = set()
    for path in [*listing.tapes, *(listing.attempts if keep_attempts else ())]:
        try:
            used |= {payload.sha256 for payload in payloads_of(store.load_file(path))}
        except TapeError as error:
            screen.error(error)
    if screen.errors_told:
        screen.remark("payloads are left alone: whether they are used can't be known")
        return
    for path in listing.payloads:
        if payload_hash(path) not in used:
            yield _Waste(path, "payload", "no tape uses it", path.stat().st_size)


def _draw(waste: list[_Waste], force: bool, screen: Screen) -> None:
    verb = "removed" if force else "would remove"
    for one in waste:
        told = f"{verb} {visible(shown_path(one.path))}"
        screen.line(f"{told}  {screen.paint(f'{size_text(one.size)}, {one.why}', 'dim')}")
    total = f"{counted(len(waste), 'file')}, {size_text(sum(one.size for one in waste))}"
    if not waste:
        screen.line("nothing to remove")
    elif force:
        screen.line(f"removed {total}")
    else:
        screen.line(screen.paint(f"{total}; remove them with --force", "bold"))
