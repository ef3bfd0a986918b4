"""A content is poured into a pipe whole, or somebody is told that it is damaged before the last of it."""

from __future__ import annotations

import hashlib
import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeCorrupt
from pytest_proctape.tape import Content, Pour, can_pour

DATA = os.urandom(1 << 20)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        os.close(end)


def in_file(path: Path, data: bytes, told: bytes = DATA, *, crc: bool = True) -> Content:
    path.write_bytes(data)
    crc32 = zlib.crc32(told) if crc else None
    return Content.from_file(path, len(data), hashlib.sha256(told).hexdigest(), crc32=crc32)


def poured(content: Content, pipe: tuple[int, int]) -> bytes:
    """All that came out, until the pipe was closed or something went wrong."""
    pour, got = Pour(content), b""
    while pour.offset < content.size:
        pour.into(pipe[1])
        got += os.read(pipe[0], 1 << 20)
    return got


@pytest.mark.skipif(not hasattr(os, "splice"), reason="only Linux splices")
@pytest.mark.parametrize("crc", [True, False], ids=["crc", "sha"])
class TestPour:
    def test_everything_comes_in_order(self, tmp_path: Path, pipe: tuple[int, int], crc: bool) -> None:
        content = in_file(tmp_path / "payload", DATA, crc=crc)
        for _ in range(2):
            assert poured(content, pipe) == DATA

    @pytest.mark.parametrize("at", [0, len(DATA) // 2, len(DATA) - 1])
    def test_the_last_of_it_is_held_back_where_it_is_damaged(
        self, tmp_path: Path, pipe: tuple[int, int], at: int, crc: bool
    ) -> None:
        wrong = bytearray(DATA)
        wrong[at] ^= 1
        pour = Pour(in_file(tmp_path / "payload", bytes(wrong), crc=crc))
        got = 0

        def drain() -> None:
            nonlocal got
            while True:
                pour.into(pipe[1])
                got += len(os.read(pipe[0], 1 << 20))

        with pytest.raises(TapeCorrupt, match="another hash"):
            drain()
        assert 0 < got < len(DATA)

    def test_a_file_that_lost_its_end_is_damaged(
        self, tmp_path: Path, pipe: tuple[int, int], crc: bool
    ) -> None:
        content = in_file(tmp_path / "payload", DATA, crc=crc)
        pour = Pour(content)
        pour.into(pipe[1])
        os.truncate(tmp_path / "payload", len(DATA) // 2)
        os.read(pipe[0], 1 << 20)

        def drain() -> None:
            while True:
                pour.into(pipe[1])
                os.read(pipe[0], 1 << 20)

        with pytest.raises(TapeCorrupt, match="ended after"):
            drain()

    def test_a_file_that_is_gone_is_told(self, tmp_path: Path, pipe: tuple[int, int], crc: bool) -> None:
        content = in_file(tmp_path / "payload", DATA, crc=crc)
        (tmp_path / "payload").unlink()
        with pytest.raises(TapeCorrupt, match="can't be read"):
            Pour(content).into(pipe[1])


def test_only_pipes_are_poured_into(pipe: tuple[int, int]) -> None:
    one, other = socket.socketpair()
    with one, other:
        assert not can_pour(one.fileno())
    assert can_pour(pipe[1]) == hasattr(os, "splice")


def test_the_checksum_is_told_once_the_bytes_are_known(tmp_path: Path) -> None:
    assert Content.of(DATA).crc32 == zlib.crc32(DATA)
    assert in_file(tmp_path / "payload", DATA, crc=False).crc32 is None
