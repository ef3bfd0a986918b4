"""Source releases: pipelines, files as standard input and output, bytes, and a command that never ends.

Nothing here looks at a file that a command made by itself: the archive is written through a file that
Python opened, so it is there on replay, too.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from relnotes.__main__ import main
from relnotes.archive import compress, differences, members, read_member, verify, write_archive
from relnotes.tools import ToolFailed, ToolStuck

pytestmark = [pytest.mark.tape, pytest.mark.needs("git", "gzip", "tar")]


@pytest.fixture
def archive(repo: Path, tmp_path: Path) -> Path:
    """The source release of version 1.1.0."""
    path = tmp_path / "thimble-1.1.0.tar.gz"
    write_archive(repo, "v1.1.0", "thimble-1.1.0", path)
    return path


def test_the_archive_can_be_read_by_anybody(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        logo = tar.extractfile("thimble-1.1.0/logo.png")

        assert logo is not None
        assert logo.read() == bytes(range(256))
        assert tar.getmember("thimble-1.1.0/readme.md").mtime == 1706961600  # the commit's: 2024-02-03, noon


def test_the_archive_has_every_tracked_file(archive: Path, repo: Path) -> None:
    assert members(archive) == [f"thimble-1.1.0/{name}" for name in ("logo.png", "readme.md", "thimble.py")]
    assert differences(repo, "v1.1.0", "thimble-1.1.0", archive) == []
    assert differences(repo, "v1.0.0", "thimble-1.1.0", archive) == ["unexpected: thimble-1.1.0/logo.png"]


def test_a_member_is_unpacked_to_the_byte(archive: Path) -> None:
    assert read_member(archive, "thimble-1.1.0/logo.png") == bytes(range(256))
    with pytest.raises(ToolFailed, match="Not found in archive"):
        read_member(archive, "thimble-1.1.0/needle.py")


def test_an_archive_that_was_cut_off_is_found_out(archive: Path) -> None:
    verify(archive)
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(ToolFailed, match="unexpected end of file"):
        verify(archive)


def test_an_archive_of_nothing_is_not_left_behind(repo: Path, tmp_path: Path) -> None:
    target = tmp_path / "thimble-9.tar.gz"

    with pytest.raises(ToolFailed, match="fatal: not a valid object name: v9"):
        write_archive(repo, "v9", "thimble-9", target)
    assert not target.exists()


def test_a_stream_that_never_ends_is_given_up(tmp_path: Path) -> None:
    reading, writing = os.pipe()  # nobody closes `writing`, so gzip waits for more
    with (
        open(reading, "rb") as source,
        open(writing, "wb"),
        (tmp_path / "out.gz").open("wb") as target,
        pytest.raises(ToolStuck, match=r"^gzip -n -9 was killed after 0\.1 s$"),
    ):
        compress(source, target, timeout_s=0.1)


def test_the_command_makes_and_checks_an_archive(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.parent)

    assert main(["-C", "thimble", "archive", "v1.1.0"]) == 0
    assert capsys.readouterr().out == "thimble-1.1.0.tar.gz\n"
