from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeWriteError, UnredactableOutput
from pytest_proctape.tape import Content, Spool, aside
from pytest_proctape.tape import drain as drain_module
from pytest_proctape.tape import files as files_module
from pytest_proctape.tape import spool as spool_module


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.exists() else []


def filled(folder: Path, *parts: bytes, threshold: int = 4) -> Spool:
    spool = Spool(folder, threshold)
    for part in parts:
        spool.write(part)
    return spool


@pytest.mark.parametrize("parts", [(), (b"",), (b"1234",), (b"12", b"34")])
def test_a_small_spool_stays_in_memory(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    folder = tmp_path / "tapes"
    spool = filled(folder, *parts)
    content = spool.content()
    assert content.bytes() == b"".join(parts)
    assert not content.in_file
    assert spool.size == content.size
    assert not folder.exists()
    assert spool.content() is content


@pytest.mark.parametrize("parts", [(b"12345",), (b"1234", b"5"), (b"12", b"3456", b"", b"78" * 99)])
def test_a_large_spool_is_a_temporary_file(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    folder = tmp_path / "tapes"
    spool = filled(folder, *parts)
    content = spool.content()
    assert content == Content.of(b"".join(parts))
    assert content.bytes() == b"".join(parts)
    assert content.in_file
    assert content.temporary
    (name,) = names(folder)
    assert name.startswith(".proctape-")
    assert name.endswith(".tmp")
    del spool, content
    assert names(folder) == []


def test_closing_throws_away(tmp_path: Path) -> None:
    spool = filled(tmp_path, b"12345")
    before = len(os.listdir("/dev/fd"))
    spool.close()
    spool.close()
    assert names(tmp_path) == []
    assert len(os.listdir("/dev/fd")) == before - 1
    with pytest.raises(ValueError, match="closed"):
        spool.content()
    with pytest.raises(ValueError, match="any more"):
        spool.write(b"6")


def test_closing_leaves_the_content_that_was_taken(tmp_path: Path) -> None:
    spool = filled(tmp_path, b"12345")
    content = spool.content()
    spool.close()
    assert content.bytes() == b"12345"
    with pytest.raises(ValueError, match="any more"):
        spool.write(b"6")


def test_an_abandoned_spool_leaves_neither_file_nor_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    spool = filled(tmp_path, b"12345")
    assert len(os.listdir("/dev/fd")) == before + 1
    del spool
    # What was handed over is still written, and the file is let go of behind it.
    aside.finish()
    assert len(os.listdir("/dev/fd")) == before
    assert names(tmp_path) == []


def test_a_forked_child_leaves_the_parents_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = filled(tmp_path, b"12345")
    content = spool.content()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    del spool, content
    assert len(names(tmp_path)) == 1


def test_a_failing_disk_is_reported_by_content_and_not_by_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = filled(tmp_path, b"12345")

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(drain_module, "write_all", full)
    spool.write(b"678")
    spool.write(b"9")
    for _ in range(2):
        with pytest.raises(TapeWriteError, match="No space left") as caught:
            spool.content()
        assert "room on the disk" in caught.value.next_step
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_reported_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    spool = filled(tmp_path / "file" / "tapes", b"12345", b"6")
    assert spool.size == 6
    with pytest.raises(TapeWriteError, match="Not a directory"):
        spool.content()


# -- what must not get onto the disk -----------------------------------------------------------


def is_secret(data: bytes) -> bool:
    return b"secret" in data


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "_WINDOW", 32)
    monkeypatch.setattr(spool_module, "OVERLAP", 8)


def watched(folder: Path, data: bytes, size: int) -> Spool:
    spool = Spool(folder, 10, is_secret=is_secret)
    for start in range(0, len(data), size):
        spool.write(data[start : start + size])
    return spool


@pytest.mark.parametrize("size", [1, 7, 32, 1000])
def test_clean_bytes_are_kept_whole(tmp_path: Path, small_windows: None, size: int) -> None:
    data = bytes(range(97, 123)) * 20
    content = watched(tmp_path, data, size).content()
    assert content.in_file
    assert content == Content.of(data)
    assert content.bytes() == data


@pytest.mark.parametrize("at", [0, 3, 20, 27, 31, 60, 100])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_secret_is_refused_and_never_on_the_disk(
    tmp_path: Path, small_windows: None, monkeypatch: pytest.MonkeyPatch, at: int, size: int
) -> None:
    written = bytearray()
    real = files_module.write_all

    def write_all(fd: int, data: bytes) -> None:
        written.extend(data)
        real(fd, data)

    monkeypatch.setattr(drain_module, "write_all", write_all)
    spool = watched(tmp_path, b"." * at + b"secret" + b"." * 60, size)
    with pytest.raises(UnredactableOutput) as caught:
        spool.content()
    assert caught.value.limit == 10
    assert b"sec" not in written
    assert names(tmp_path) == []


def test_what_stays_in_memory_is_not_asked_about(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10, is_secret=is_secret)
    spool.write(b"a secret")
    assert spool.content().bytes() == b"a secret"


@pytest.mark.parametrize("size", [1, 7, 31, 32, 33, 1000])
@pytest.mark.parametrize("threshold", [10, 100, 10_000])
def test_its_hashes_are_those_of_all_its_bytes(
    tmp_path: Path, small_windows: None, size: int, threshold: int
) -> None:
    data = bytes(range(97, 123)) * 20
    spool = Spool(tmp_path, threshold, is_secret=is_secret)
    for start in range(0, len(data), size):
        spool.write(data[start : start + size])
    content = spool.content()
    assert content.in_file == (threshold < len(data))
    assert content.bytes() == data
    assert (content.sha256, content.crc32) == (Content.of(data).sha256, Content.of(data).crc32)
