"""What the test itself does to files while a command runs is known, and is no effect of the command."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_proctape.effects.parent import OwnDoings

from .watching import Watched


@pytest.fixture
def own() -> Iterator[OwnDoings]:
    """One that notes."""
    doings = OwnDoings()
    doings.begin()
    yield doings
    doings.end()


DOINGS: dict[str, Callable[[Path], object]] = {
    "written": lambda path: path.write_text("x"),
    "appended to": lambda path: os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)),
    "made a directory": Path.mkdir,
    "made a link": lambda path: path.symlink_to("x"),
    "connected to": lambda path: sqlite3.connect(path).close(),
    "moved there": lambda path: Path(tempfile.mkdtemp(dir=path.parent)).rename(path),
    "copied there": lambda path: shutil.copytree(tempfile.mkdtemp(dir=path.parent), path),
}


@pytest.mark.parametrize("doing", DOINGS)
def test_a_path_that_was(own: OwnDoings, tmp_path: Path, doing: str) -> None:
    DOINGS[doing](tmp_path / "a")

    assert own.hold(str(tmp_path / "a"))
    assert not own.hold(str(tmp_path / "other"))


@pytest.mark.parametrize(
    "doing",
    [
        Path.unlink,
        os.utime,
        lambda path: path.chmod(0o600),
        lambda path: os.truncate(path, 1),
    ],
    ids=["removed", "given another time", "given another mode", "cut"],
)
def test_a_file_that_was(tmp_path: Path, doing: Callable[[Path], object]) -> None:
    (tmp_path / "a").write_text("xyz")
    own = OwnDoings()
    own.begin()
    try:
        doing(tmp_path / "a")
        assert own.hold(str(tmp_path / "a"))
    finally:
        own.end()


def test_a_socket(own: OwnDoings, tmp_path: Path) -> None:
    # A path of tmp_path may be too long for one.
    with contextlib.chdir(tmp_path), socket.socket(socket.AF_UNIX) as server:
        server.bind("s")

        assert own.hold(str(tmp_path / "s"))


def test_reading_is_nothing(own: OwnDoings, tmp_path: Path) -> None:
    own.clear()
    os.listdir(tmp_path)
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / "a").read_text()

    assert not own.paths
    assert not own.trees


def test_what_moved_takes_along_what_is_below_it(own: OwnDoings, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    own.clear()
    (tmp_path / "a").rename(tmp_path / "b")

    assert own.hold(str(tmp_path / "b/c/d"))
    assert own.hold(str(tmp_path / "a/c"))
    assert not own.hold(str(tmp_path / "bc"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks /proc where a descriptor leads")
def test_a_name_relative_to_a_descriptor(own: OwnDoings, tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        os.mkdir("a", dir_fd=fd)
    finally:
        os.close(fd)

    assert own.hold(str(tmp_path / "a"))


def test_a_name_relative_to_the_working_directory(own: OwnDoings, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        Path("a").write_text("x")

    assert own.hold(str(tmp_path / "a"))


def test_after_the_end_nothing_is_noted(tmp_path: Path) -> None:
    own = OwnDoings()
    own.begin()
    own.end()
    own.end()
    (tmp_path / "a").write_text("x")

    assert not own.hold(str(tmp_path / "a"))


def test_what_the_watch_does_itself_is_not_the_tests_doing(own: OwnDoings, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    own.clear()
    os.utime(tmp_path / "b")
    with own.unnoted(str(tmp_path / "a")):
        os.utime(tmp_path / "a")
    with own.unnoted(str(tmp_path / "b")):
        os.utime(tmp_path / "b")

    assert not own.hold(str(tmp_path / "a"))
    assert own.hold(str(tmp_path / "b"))


def test_the_test_writes_beside_a_command(watched: Watched) -> None:
    def meanwhile() -> None:
        (watched.folder / "own").write_text("x")
        (watched.folder / "moved").mkdir()
        (watched.folder / "moved").rename(watched.folder / "there")

    assert watched.sh("echo a > a; echo more > there/a", meanwhile) == {"a": "file"}
    assert watched.sh("rm own; rm -r there") == {"own": "gone", "there": "gone", "there/a": "gone"}
