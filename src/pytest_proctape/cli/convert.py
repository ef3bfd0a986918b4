"""``proctape convert``: make tapes of what other tools have: cassettes, registrations, bare lists.

  a .yaml file   a cassette of subprocess-vcr; needs pytest-proctape[yaml]
  a .py file     tests with registrations of pytest-subprocess, as in
                 fp.register([...], stdout=...): what is literal in them
                 becomes tapes. The file is read and never run.
  a .json file   a bare list of entries becomes a full tape; a tape is
                 written as the package writes it

The tapes go where their tests look for them. A tape that is there is kept unless --force is given. What
can't be converted is told, with its line, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import TapeError, UsageError
from ..tape import FORMAT_VERSION, TapeStore, loads
from .cassettes import read_cassette
from .finding import Finder, shown_path
from .moving import moved
from .reading import Owned, Unconvertible, read_source
from .registrations import read_registrations
from .screen import FINE, FOUND, Screen, counted, visible


@dataclass(slots=True)
class _Report:
    """What was done with the sources."""

    written: list[dict[str, object]] = field(default_factory=list)
    problems: list[Unconvertible] = field(default_factory=list)


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a .yaml, .py or .json file")
    parser.add_argument("--to", metavar="DIR", help="directory of the tapes; by default the project's")
    parser.add_argument("--test", metavar="NODEID", help="the test that the one tape is for")
    parser.add_argument("--force", action="store_true", help="replace tapes that are there")
    parser.add_argument("-n", "--dry-run", action="store_true", help="write nothing, tell what would be")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Convert every source.

    Raises:
        UsageError: a source is not there, or is of no kind that is known.
    """
    finder = Finder()
    store = TapeStore(Path(arguments.to) if arguments.to else finder.project.tapes)
    report = _Report()
    for name in arguments.sources:
        path = Path(name)
        try:
            tapes, problems = _read(path, finder.project.root, arguments)
            report.problems += problems
            source = TapeStore(finder.root_of(path))
            for owned in tapes:
                _write(owned, source, name, store, arguments, report)
        except TapeError as error:
            screen.error(error)
    if arguments.json:
        screen.json({"tapes": report.written, "problems": [asdict(one) for one in report.problems]})
    else:
        _draw(report, arguments.dry_run, screen)
    return FOUND if report.problems else FINE


def _read(path: Path, root: Path, arguments: argparse.Namespace) -> tuple[list[Owned], list[Unconvertible]]:
    owned: list[Owned]
    problems: list[Unconvertible]
    if path.suffix in {".yaml", ".yml"}:
        owned, problems = read_cassette(path, root)
    elif path.suffix == ".py":
        owned, problems = read_registrations(path, root)
    elif path.suffix == ".json":
        owned, problems = [_full(path, arguments.test)], []
    else:
        raise UsageError(f"{path}: only .yaml, .py and .json files can be converted")
    if arguments.test is not None:
        if len(owned) != 1:
            raise UsageError(f"--test is for one tape; {path} has {counted(len(owned), 'tape')}")
        owned = [Owned(arguments.test, owned[0].tape, owned[0].remark)]
    return owned, problems


def _full(path: Path, test: str | None) -> Owned:
    """A tape in any of its forms."""
    tape = loads(read_source(path), path)
    owner = test or tape.test
    if not owner:
        raise UsageError(f"{path} does not say whose it is: name its test with --test NODEID")
    return Owned(owner, tape)


def _write(
    owned: Owned,
    source: TapeStore,
    name: str,
    store: TapeStore,
    arguments: argparse.Namespace,
    report: _Report,
) -> None:
    tape = owned.tape.model_copy(update={"test": owned.test, "version": FORMAT_VERSION})
    path = store.path_for(owned.test)
    if os.path.lexists(path) and not arguments.force:
        problem = f"{shown_path(path)} is there already; replace it with --force"
        report.problems.append(Unconvertible(name, 0, problem))
        return
    if not arguments.dry_run:
        path = store.save(owned.test, moved(tape, source, store))
    report.written.append(
        {
            "source": name,
            "test": owned.test,
            "path": shown_path(path),
            "entries": len(tape.entries),
            "remark": owned.remark,
        }
    )


def _draw(report: _Report, dry_run: bool, screen: Screen) -> None:
    verb = "would write" if dry_run else "wrote"
    for one in report.written:
        count = counted(int(str(one["entries"])), "entry")
        screen.line(f"{verb} {visible(str(one['path']))}  {screen.paint(count, 'dim')}")
        if one["remark"]:
            screen.line(f"    {visible(str(one['remark']))}")
    for problem in report.problems:
        place = f"{problem.source}:{problem.line}" if problem.line else problem.source
        screen.line(screen.paint(f"{visible(place)}: {visible(problem.problem)}", "yellow"))
    told = f"{counted(len(report.written), 'tape')} {'to write' if dry_run else 'written'}"
    if report.problems:
        told += f", {counted(len(report.problems), 'problem')}"
    screen.line(screen.paint(told, "bold"))
