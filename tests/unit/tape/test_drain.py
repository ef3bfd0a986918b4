"""What is handed over is hashed and written in order, and what the disk says is not lost."""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from pathlib import Path

import pytest

from pytest_proctape.tape import drain as drain_module
from pytest_proctape.tape.drain import Drain

PIECES = [os.urandom(1000) for _ in range(20)]
ALL = b"".join(PIECES)


def test_what_only_passes_is_hashed(tmp_path: Path) -> None:
    drain = Drain()
    drain.hash(PIECES[:7])
    drain.hash(PIECES[7:])
    drain.wait()
    assert drain.hashes == (hashlib.sha256(ALL).hexdigest(), zlib.crc32(ALL))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ahead", [0, 1, 5, 20])
def test_what_was_hashed_before_is_not_hashed_again(tmp_path: Path, ahead: int) -> None:
    drain = Drain()
    drain.hash(PIECES[:ahead])
    drain.open(tmp_path / "tapes")
    for start in range(0, len(ALL), 777):
        drain.write(memoryview(ALL)[start : start + 777])
    drain.wait()
    assert drain.hashes == (hashlib.sha256(ALL).hexdigest(), zlib.crc32(ALL))
    assert drain.file is not None
    assert drain.file.path.read_bytes() == ALL
    drain.remove()
    assert not list((tmp_path / "tapes").iterdir())


def test_the_file_is_sent_to_the_disk_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(drain_module, "_SYNCED", 3000)
    monkeypatch.setattr(drain_module, "_FDATASYNC", lambda fd: sizes.append(os.fstat(fd).st_size))
    drain = Drain()
    drain.open(tmp_path)
    for piece in PIECES:
        drain.write(piece)
    drain.wait()
    assert 1 <= len(sizes) <= len(ALL) // 3000
    assert sizes[0] >= 3000
    drain.remove()


def test_a_disk_that_fails_on_the_way_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(drain_module, "_SYNCED", 3000)
    monkeypatch.setattr(drain_module, "_FDATASYNC", fails)
    drain = Drain()
    drain.open(tmp_path)
    for piece in PIECES:
        drain.write(piece)
    drain.wait()
    assert drain.error is not None
    assert drain.error.errno == errno.EIO
    drain.remove()
