"""Who made it: a command that is given input, and one that is read line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from relnotes.history import commits
from relnotes.people import co_authors, contributors, lines_by_author
from relnotes.tools import ToolFailed

pytestmark = [pytest.mark.tape, pytest.mark.needs("git")]


def test_the_busiest_contributor_comes_first(repo: Path) -> None:
    counted = contributors(repo, "v1.0.0", "HEAD")

    assert list(counted.items()) == [("Zoë Müller", 3), ("Ada Lovelace", 2)]


def test_co_authors_are_in_the_trailers(repo: Path) -> None:
    assert co_authors(repo, commits(repo, "v1.0.0", "HEAD")) == ["Grace Hopper"]


def test_blame_counts_the_lines_that_are_left(repo: Path) -> None:
    assert lines_by_author(repo, "thimble.py") == {"Ada Lovelace": 2, "Zoë Müller": 1}


def test_blame_of_a_file_that_is_not_there(repo: Path) -> None:
    with pytest.raises(ToolFailed, match=r"no such path '?needle\.py'? in HEAD"):
        lines_by_author(repo, "needle.py")
