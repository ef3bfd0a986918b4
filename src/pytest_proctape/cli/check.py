"""``proctape check``: check tapes and their payloads, for CI and as a pre-commit hook.

It finds tapes that can't be read; payloads that are missing, damaged, or used by no tape; tapes that lie
where their test will not look for them, that have lost the file of their test, and two tapes of one test;
unknown placeholders; paths of this machine that should have become placeholders; and what looks like a
secret. The exit code is 1 where there is anything of the kind.

With files in place of directories, payloads that nobody uses are not looked for.
"""

from __future__ import annotations

import argparse
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import TapeError
from ..portable import NAMES, home
from ..tape import (
    Listing,
    Tape,
    TapeStore,
    hashed_tape_path,
    payload_hash,
    payloads_of,
    tape_path,
)
from ..tape.names import SHARED, fold
from .finding import Finder, TapeFile, shown_path
from .project import Project
from .screen import FINE, FOUND, Screen, counted, visible
from .secrets import secrets_in
from .texts import texts_of
from .words import word_of

_LEADING = re.compile(r"\A<([a-z][a-z0-9-]*)(?::[\w.-]+)?>(?=/|\Z)", re.ASCII)
_PYTESTS = re.compile(r"/pytest-of-[^/\s]+/")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: the file, as it is told.
        kind: a word for programs: ``unreadable``, ``payload``, ``unused``, ``misplaced``, ``orphan``,
            ``duplicate``, ``placeholder``, ``machine-path``, ``secret``.
        place: in the file, or ``""``.
        next_step: what to do about it.
    """

    path: str
    kind: str
    problem: str
    place: str = ""
    next_step: str = ""


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="directories of tapes, tapes, node ids")
    parser.add_argument("--no-secrets", action="store_true", help="don't look for secrets")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Check everything that was named, and tell what was found."""
    finder = Finder()
    files = finder.tapes(arguments.paths)
    whole = [finder.folder(name) for name in arguments.paths or [None] if name is None or os.path.isdir(name)]
    findings: list[Finding] = []
    tapes: dict[Path, Tape] = {}
    for file in files:
        try:
            tapes[file.path] = tape = file.load()
        except TapeError as error:
            findings.append(_of_error(error))
            continue
        findings += _payload_findings(file, tape)
        findings += _name_findings(file, tape)
        findings += _orphan_findings(file, tape, finder.project)
        findings += _text_findings(file, tape, finder.project, secrets=not arguments.no_secrets)
    findings += _duplicates(tapes)
    for folder in whole:
        findings += _folder_findings(finder, folder, tapes)
    if arguments.json:
        screen.json({"checked": len(files), "findings": [asdict(one) for one in findings]})
    else:
        _draw(findings, len(files), screen)
    return FOUND if findings else FINE


def _of_error(error: TapeError, kind: str = "unreadable") -> Finding:
    problem = error.problem + (f"; expected {error.expected}" if error.expected else "")
    return Finding(shown_path(error.path), kind, problem, error.place, error.next_step)


def _payload_findings(file: TapeFile, tape: Tape) -> Iterator[Finding]:
    """Each payload is there and whole. Its hash is looked at with its first byte."""
    for payload in {one.sha256: one for one in payloads_of(tape)}.values():
        try:
            file.store.decode(payload).read(0, 1)
        except TapeError as error:
            told = _of_error(error, "payload")
            yield Finding(
                file.name,
                "payload",
                f"{shown_path(error.path)}: {told.problem}",
                next_step=error.next_step,
            )


def _name_findings(file: TapeFile, tape: Tape) -> Iterator[Finding]:
    if not tape.test:
        return
    try:
        relative = file.path.absolute().relative_to(file.store.root).as_posix()
    except ValueError:
        return
    homes = [str(tape_path(tape.test)), str(hashed_tape_path(tape.test))]
    if fold(relative) not in map(fold, homes):
        yield Finding(
            file.name,
            "misplaced",
            f"the tape of {tape.test} is looked for at {homes[0]}",
            "test",
            "move it there, correct `test`, or remove the tape if there is no such test any more",
        )


def _orphan_findings(file: TapeFile, tape: Tape, project: Project) -> Iterator[Finding]:
    """The file of the test is gone. What is in it only pytest can say, which counts orphans itself."""
    module = tape.test.partition("::")[0]
    in_project = file.store.root.resolve() == project.tapes.resolve()
    if not module or module in SHARED or not in_project or (project.root / module).exists():
        return
    yield Finding(
        file.name,
        "orphan",
        f"there is no {module}",
        "test",
        "remove the tape; or, if the file was renamed, move it and correct `test`",
    )


def _text_findings(file: TapeFile, tape: Tape, project: Project, *, secrets: bool) -> Iterator[Finding]:
    own = _own_paths(project.root)
    known = (*NAMES, "redacted", *project.placeholders)
    for index, entry in enumerate(tape.entries):
        words = [("program", entry.program), *((f"args[{i}]", one) for i, one in enumerate(entry.args))]
        words += [] if entry.cwd is None else [("cwd", entry.cwd)]
        for name, word in words:
            place = f"entries[{index}].{name}"
            if word_of(word).startswith("<"):
                yield from _placeholder_findings(file.name, place, word_of(word), known)
    told: set[tuple[str, str]] = set()
    for place, text in texts_of(tape, file.store.decode):
        for kind, problem, advice in _of_text(text, own, secrets):
            if any(secrets_in(place)):
                # The name of a variable or a file is part of its place.
                place = place.partition(".")[0]
            if (place, kind) not in told:
                told.add((place, kind))
                yield Finding(file.name, kind, problem, place, advice)


def _placeholder_findings(name: str, place: str, word: str, known: Collection[str]) -> Iterator[Finding]:
    found = _LEADING.match(word)
    if found and found[1] not in known:
        yield Finding(
            name,
            "placeholder",
            f"unknown placeholder {found[0]}",
            place,
            f"the known ones are {', '.join(f'<{one}>' for one in known if not one.startswith('real-'))}",
        )


def _own_paths(root: Path) -> re.Pattern[str]:
    """This machine's home and the project's root, where they are more than a top-level directory."""
    paths = [str(path) for path in (Path(home()), root) if len(path.parts) > 2]
    return re.compile("|".join(rf"(?<![\w./-]){re.escape(path)}(?![\w-])" for path in paths) or r"(?!)")


def _of_text(text: str, own: re.Pattern[str], secrets: bool) -> Iterator[tuple[str, str, str]]:
    found = (own.search(text) or _PYTESTS.search(text)) if "/" in text else None
    if found:
        yield (
            "machine-path",
            f"{found[0]!r} is a path of one machine",
            "record the test again with --record-tapes, or write a placeholder in its place",
        )
    for secret in secrets_in(text) if secrets else ():
        yield (
            "secret",
            f"looks like {secret.kind} ({secret.hint})",
            "take it off the tape and out of the history of git, and revoke it",
        )


def _duplicates(tapes: dict[Path, Tape]) -> Iterator[Finding]:
    by_test = defaultdict(list)
    for path, tape in tapes.items():
        if tape.test:
            by_test[tape.test].append(path)
    for test, paths in by_test.items():
        for path in paths[1:]:
            yield Finding(
                shown_path(path),
                "duplicate",
                f"{shown_path(paths[0])} is a tape of {test}, too",
                "test",
                "remove one of them",
            )


def _folder_findings(finder: Finder, folder: Path, tapes: Mapping[Path, Tape]) -> Iterator[Finding]:
    """Payload files that are not what their name says, or that nobody uses."""
    root = finder.root_of(folder)
    if root.resolve() != folder.resolve():
        return
    listing = Listing.of(root)
    for path in listing.others:
        yield Finding(shown_path(path), "stranger", "no tape and no payload", next_step="move it away")
    store = TapeStore(root)
    used = set()
    try:
        for path in [*listing.tapes, *listing.attempts]:
            tape = tapes.get(path) or store.load_file(path)
            used |= {payload.sha256 for payload in payloads_of(tape)}
    except (TapeError, OSError):
        # Told already; and what can't be read could be what uses it.
        return
    for path in listing.payloads:
        if payload_hash(path) not in used:
            yield Finding(
                shown_path(path), "unused", "no tape uses this payload", next_step="run proctape prune"
            )


def _draw(findings: list[Finding], count: int, screen: Screen) -> None:
    for one in findings:
        place = f", {one.place}" if one.place else ""
        head = f"{visible(one.path)}{visible(place)}: "
        screen.line(f"{screen.paint(head, 'bold')}{screen.paint(one.kind, 'red')}: {visible(one.problem)}")
        if one.next_step:
            screen.line(screen.paint(f"    {visible(one.next_step)}", "dim"))
    told = counted(len(findings), "finding") if findings else "nothing found"
    screen.line(screen.paint(f"{counted(count, 'tape')} checked, {told}", "red" if findings else "green"))
