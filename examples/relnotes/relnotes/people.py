"""Who made it: by commits, by trailers, by the lines that are still there."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .history import Commit
from .tools import ToolFailed, environment, run


def contributors(repo: Path, since: str, until: str) -> dict[str, int]:
    """Authors and the number of their commits, the busiest first."""
    # Without a revision shortlog would wait for a log on its standard input.
    listed = run(["git", "shortlog", "-s", "-n", "--no-merges", f"{since}..{until}", "--"], cwd=repo)
    pairs = (line.strip().split("\t", 1) for line in listed.splitlines())
    return {name: int(count) for count, name in pairs}


def co_authors(repo: Path, history: Iterable[Commit]) -> list[str]:
    """The names in the `Co-authored-by` trailers, each once, sorted."""
    found = set()
    for commit in history:
        if commit.body:
            message = f"{commit.summary}\n\n{commit.body}\n"
            for line in run(["git", "interpret-trailers", "--parse"], cwd=repo, text=message).splitlines():
                key, _, value = line.partition(": ")
                if key.lower() == "co-authored-by":
                    found.add(value.partition(" <")[0])
    return sorted(found)


def lines_by_author(repo: Path, path: str, revision: str = "HEAD") -> dict[str, int]:
    """Whose lines a file consists of, read line by line, as the blame of a large file is long.

    Raises:
        ToolFailed: no such revision, or no such file in it.
    """
    command = ["git", "blame", "--line-porcelain", revision, "--", path]
    lines: Counter[str] = Counter()
    with subprocess.Popen(
        command,
        cwd=repo,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as git:
        assert git.stdout is not None
        assert git.stderr is not None
        for line in git.stdout:
            if line.startswith("author "):
                lines[line.removeprefix("author ").rstrip("\n")] += 1
        complaint = git.stderr.read()
    if git.returncode != 0:
        raise ToolFailed(command, git.returncode, complaint)
    return dict(lines.most_common())
