"""The state of many working trees, asked for at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .tools import environment


@dataclass(frozen=True)
class Status:
    """What git says about one working tree.

    Attributes:
        name: of its directory.
        branch: the one that is checked out, or `""`.
        changed: tracked files that differ from the last commit.
        untracked: files that git was never told about.
        problem: why there is nothing to say, or `""`.
    """

    name: str
    branch: str = ""
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    problem: str = ""


async def status_of(repo: Path) -> Status:
    """Ask one working tree; that it is none is an answer too."""
    git = await asyncio.create_subprocess_exec(
        *("git", "status", "--porcelain=v2", "--branch", "--no-renames"),
        cwd=repo,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    name = repo.resolve().name
    said, complaint = await git.communicate()
    if git.returncode != 0:
        return Status(name, problem=complaint.decode("utf-8", "replace").strip())
    lines = said.decode("utf-8").splitlines()
    return Status(
        name,
        branch=next((line.split(" ", 2)[2] for line in lines if line.startswith("# branch.head ")), ""),
        # "1 <XY> <sub> <mode> <mode> <mode> <hash> <hash> <path>": git-status(1), Porcelain Format Version 2
        changed=tuple(line.split(" ", 8)[8] for line in lines if line.startswith("1 ")),
        untracked=tuple(line.removeprefix("? ") for line in lines if line.startswith("? ")),
    )


async def statuses(repos: Iterable[Path]) -> list[Status]:
    """Ask all of them at once; the answers are in the order of `repos`."""
    return await asyncio.gather(*(status_of(repo) for repo in repos))
