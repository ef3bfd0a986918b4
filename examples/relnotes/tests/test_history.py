"""Tags, commits and versions: short commands whose output is parsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from relnotes.history import commits, latest_tag, tags, version
from relnotes.tools import ToolFailed, ToolMissing

pytestmark = [pytest.mark.tape, pytest.mark.needs("git")]


def test_tags_come_with_their_dates(repo: Path) -> None:
    assert tags(repo) == {"v1.0.0": "2024-01-02", "v1.1.0": "2024-02-04"}


def test_latest_tag_is_the_nearest_one_behind_a_revision(repo: Path) -> None:
    assert latest_tag(repo) == "v1.1.0"
    assert latest_tag(repo, "v1.1.0~1") == "v1.0.0"


def test_a_new_repository_has_no_latest_tag(fresh_repo: Path) -> None:
    assert latest_tag(fresh_repo) is None


def test_commits_between_two_tags_are_taken_apart(repo: Path) -> None:
    greet, stop, logo = commits(repo, "v1.0.0", "v1.1.0")

    assert (greet.kind, greet.scope, greet.summary) == ("feat", "greeting", "greet somebody")
    assert greet.breaking
    assert (stop.author, stop.date) == ("Zoë Müller", "2024-02-02")
    assert stop.body.startswith("People asked.\n")
    assert (logo.kind, logo.scope, logo.summary, logo.body) == ("feat", "", "a logo", "")


def test_an_unknown_revision_fails_in_the_words_of_git(repo: Path) -> None:
    with pytest.raises(ToolFailed, match=r"128: fatal: bad revision 'v9\.9\.9\.\.HEAD'") as caught:
        commits(repo, "v9.9.9", "HEAD")

    assert caught.value.returncode == 128


def test_version_of_the_working_directory(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)

    assert version() == "1.1.0.post2+gd9366e0b"


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing-here"))

    with pytest.raises(ToolMissing, match="git is not installed"):
        tags(tmp_path)
