"""What happened between two revisions: tags, commits, the version that git describes."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .tools import TIMEOUT_S, ToolFailed, environment, run

_SUBJECT = re.compile(r"(?P<kind>[a-z]+)(?:\((?P<scope>[^)]+)\))?(?P<breaking>!)?: (?P<summary>.+)")
_DESCRIBED = re.compile(r"v?(?P<tag>.+)-(?P<distance>\d+)-g(?P<commit>[0-9a-f]+)")


@dataclass(frozen=True)
class Commit:
    """One commit, its subject taken apart as https://www.conventionalcommits.org says.

    Attributes:
        hash: all 40 digits.
        author: the name alone.
        date: of the author, as in `2024-03-01`.
        kind: `feat`, `fix` and so on; `""` where the subject does not follow the convention.
        scope: the part of the program, or `""`.
        summary: the subject behind these.
        breaking: users have to change something.
        body: the message below the subject.
    """

    hash: str
    author: str
    date: str
    kind: str
    scope: str
    summary: str
    breaking: bool
    body: str


def commits(repo: Path, since: str, until: str) -> list[Commit]:
    """The commits that `until` has and `since` has not, newest first, without merges.

    Raises:
        ToolFailed: one of the revisions is unknown.
    """
    log = ["git", "log", "-z", "--no-merges", "--date=short", "--format=%H%n%an%n%ad%n%s%n%b"]
    records = run([*log, f"{since}..{until}", "--"], cwd=repo).split("\0")
    return [_commit(record) for record in records if record]


def _commit(record: str) -> Commit:
    name, author, date, subject, body = record.split("\n", 4)
    found = _SUBJECT.fullmatch(subject)
    return Commit(
        hash=name,
        author=author,
        date=date,
        kind=found["kind"] if found else "",
        scope=(found["scope"] or "") if found else "",
        summary=found["summary"] if found else subject,
        breaking="BREAKING CHANGE:" in body or bool(found and found["breaking"]),
        body=body.strip(),
    )


def tags(repo: Path) -> dict[str, str]:
    """Every tag and the date it was made, the oldest version first."""
    each = "--format=%(refname:short) %(creatordate:short)"
    listed = run(["git", "for-each-ref", "--sort=version:refname", each, "refs/tags"], cwd=repo)
    return {tag: date for tag, _, date in (line.rpartition(" ") for line in listed.splitlines())}


def latest_tag(repo: Path, revision: str = "HEAD") -> str | None:
    """The newest tag that `revision` contains; `None` where there is none yet."""
    try:
        return subprocess.check_output(
            ["git", "describe", "--tags", "--abbrev=0", revision],
            cwd=repo,
            env=environment(),
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            timeout=TIMEOUT_S,
        ).rstrip("\n")
    except subprocess.CalledProcessError:
        return None


def version() -> str:
    """The version of the working directory's repository, as packaging wants it (PEP 440).

    Two commits behind the tag `v1.1.0` make it `1.1.0.post2+gd9366e0b`.

    Raises:
        ToolFailed: there is no tag to count from, or no repository.
    """
    command = "git describe --tags --long --abbrev=8"
    status, said = subprocess.getstatusoutput(command, encoding="utf-8")
    found = _DESCRIBED.fullmatch(said)
    if status != 0 or found is None:
        raise ToolFailed(command.split(), status, said)
    if found["distance"] == "0":
        return found["tag"]
    return f"{found['tag']}.post{found['distance']}+g{found['commit']}"
