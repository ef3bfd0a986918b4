"""The command line: `python -m relnotes notes v1.0.0 v1.1.0`, `... archive v1.1.0`, `... status DIR ...`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from .archive import differences, verify, write_archive
from .history import latest_tag
from .notes import release_notes
from .status import statuses
from .tools import ToolError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="relnotes", description="Release notes and source releases.")
    parser.add_argument("-C", dest="repo", type=Path, default=Path(), help="the repository")
    commands = parser.add_subparsers(dest="command", required=True)
    notes = commands.add_parser("notes", help="print what changed since a tag")
    notes.add_argument("since", nargs="?", help="the latest tag, if left out")
    notes.add_argument("until", nargs="?", default="HEAD")
    archive = commands.add_parser("archive", help="write <repository>-<revision>.tar.gz here, and check it")
    archive.add_argument("revision")
    status = commands.add_parser("status", help="say what is uncommitted, in many repositories")
    status.add_argument("repos", nargs="+", type=Path)
    return parser


def _notes(repo: Path, since: str | None, until: str) -> None:
    since = since or latest_tag(repo)
    if since is None:
        raise ToolError("there is no tag yet; name the revision to start from")
    print(release_notes(repo, since, until), end="")


def _archive(repo: Path, revision: str) -> None:
    prefix = f"{repo.resolve().name}-{revision.removeprefix('v')}"
    target = Path(f"{prefix}.tar.gz")
    write_archive(repo, revision, prefix, target)
    verify(target)
    problems = differences(repo, revision, prefix, target)
    if problems:
        raise ToolError(f"{target}: {'; '.join(problems)}")
    print(target)


def _status(repos: Sequence[Path]) -> None:
    for one in asyncio.run(statuses(repos)):
        state = one.problem or f"{one.branch}, {len(one.changed)} changed, {len(one.untracked)} untracked"
        print(f"{one.name}: {state}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        match chosen.command:
            case "notes":
                _notes(chosen.repo, chosen.since, chosen.until)
            case "archive":
                _archive(chosen.repo, chosen.revision)
            case "status":
                _status(chosen.repos)
    except ToolError as error:
        print(f"relnotes: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
