"""What a child has done to the file that was its input, told by the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape.child import inputfile
from pytest_proctape.child.inputfile import InputFile
from pytest_proctape.errors import UnsupportedSpawn
from pytest_proctape.tape import Spool

from .stage import CLOSED, hears, says


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


@pytest.fixture
def both(path: Path) -> Iterator[int]:
    """Open for reading and writing."""
    fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


def _told(file: InputFile) -> list[object]:
    steps: list[object] = list(file.steps())
    file.close()
    return steps


def _input(fd: int, path: Path) -> InputFile:
    return InputFile(fd, lambda: Spool(path.parent))


def test_reading(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    some, all_ = _input(fd, path), _input(fd, path)
    os.read(fd, 4)
    assert _told(some) == [hears(b"0123")]
    os.read(fd, 100)
    assert _told(all_) == [hears(b"0123456789"), CLOSED]
    os.close(fd)


def test_reading_and_writing_through_one_descriptor(path: Path, both: int) -> None:
    file = _input(both, path)
    os.read(both, 4)
    os.write(both, b"45x")
    # The two bytes that were there before may as well have been read.
    assert _told(file) == [hears(b"012345"), says(b"x", fd=0)]


def test_writing_behind_the_end(path: Path, both: int) -> None:
    os.lseek(both, 0, os.SEEK_END)
    file = _input(both, path)
    file.written_as(1, both)
    os.write(both, b"new")
    assert _told(file) == [says(b"new")]


def test_two_positions_tell_of_their_own_direction(path: Path, both: int) -> None:
    end = os.open(path, os.O_WRONLY | os.O_APPEND)
    file = _input(both, path)
    assert file.is_also(end)
    file.written_as(2, end)
    os.write(end, b"new")
    os.read(both, 11)
    assert _told(file) == [hears(b"0123456789"), says(b"new", fd=2), hears(b"n")]
    os.close(end)


def test_nothing_was_done(path: Path, both: int) -> None:
    file = _input(both, path)
    assert _told(file) == []


def test_another_file_is_not_the_same(path: Path, both: int) -> None:
    file = _input(both, path)
    with (path.parent / "other").open("wb") as other:
        assert not file.is_also(other.fileno())
    with open(os.devnull, "wb") as device:
        assert not file.is_also(device.fileno())
    file.close()


def test_too_much_to_be_kept(path: Path, both: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputfile, "_LIMIT", 9)
    with pytest.raises(UnsupportedSpawn, match="both read and written"):
        _input(both, path)
