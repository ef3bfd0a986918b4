"""Several repositories asked at the same time, with asyncio."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relnotes.status import Status, statuses

pytestmark = [pytest.mark.tape, pytest.mark.needs("git")]


def test_three_directories_at_once(repo: Path, fresh_repo: Path, tmp_path: Path) -> None:
    repo.joinpath("readme.md").write_text("# Needle\n")
    fresh_repo.joinpath("idea.txt").write_text("a thimble that glows\n")
    no_repo = tmp_path / "photos"
    no_repo.mkdir()

    thimble, fresh, photos = asyncio.run(statuses([repo, fresh_repo, no_repo]))

    assert thimble == Status("thimble", branch="main", changed=("readme.md",))
    assert fresh == Status("fresh", branch="main", untracked=("idea.txt",))
    assert photos.problem.startswith("fatal: not a git repository")
