"""The files on a child's pipes: the same kinds as ever, and a wait for them lets time pass."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_proctape.clock import TapeClock
from pytest_proctape.intercept import streams

from .answering import passed


def _writes_late(fd: int, *parts: bytes) -> threading.Thread:
    def write() -> None:
        for part in parts:
            time.sleep(0.5)
            os.write(fd, part)
        os.close(fd)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


READS: dict[str, tuple[int, Callable[[Any], object], object]] = {
    "read": (-1, lambda file: file.read(), b"one\ntwo\n"),
    "read, raw": (0, lambda file: file.read(), b"one\ntwo\n"),
    "read some, raw": (0, lambda file: [file.read(100), file.read(2), file.read(100), file.read(1)], None),
    "readline": (
        -1,
        lambda file: [file.readline(), file.readline(), file.readline()],
        [b"one\n", b"two\n", b""],
    ),
    "readinto": (0, lambda file: [file.readinto(bytearray(100)), file.readinto(bytearray(100))], [4, 4]),
    "lines": (-1, list, [b"one\n", b"two\n"]),
}
READS["read some, raw"] = (*READS["read some, raw"][:2], [b"one\n", b"tw", b"o\n", b""])


@pytest.mark.parametrize("how", READS)
def test_reading(clock: TapeClock, pipe: tuple[int, int], how: str) -> None:
    buffering, read, expected = READS[how]
    thread = _writes_late(pipe[1], b"one\n", b"two\n")
    with streams.open_pipe(pipe[0], "rb", buffering) as file:
        assert read(file) == expected
        assert passed(clock) == pytest.approx(1.0)
    thread.join()


def test_writing_more_than_there_is_room_for(clock: TapeClock, pipe: tuple[int, int]) -> None:
    size = 200_000
    got: list[bytes] = []

    def read() -> None:
        time.sleep(0.5)
        while part := os.read(pipe[0], 1 << 20):
            got.append(part)

    thread = threading.Thread(target=read)
    thread.start()
    with streams.open_pipe(pipe[1], "wb", -1) as file:
        assert file.write(b"x" * size) == size
    thread.join()
    assert len(b"".join(got)) == size
    assert passed(clock) == pytest.approx(0.5)


def test_the_same_kinds_of_files(clock: TapeClock, pipe: tuple[int, int]) -> None:
    for mode, buffering, kind in (
        ("rb", -1, io.BufferedReader),
        ("rb", 0, io.FileIO),
        ("wb", -1, io.BufferedWriter),
        ("wb", 0, io.FileIO),
    ):
        fd = os.dup(pipe[mode == "wb"])
        with streams.open_pipe(fd, mode, buffering) as file, open(os.dup(fd), mode, buffering) as real:
            assert isinstance(file, kind)
            assert isinstance(real, kind)
            assert (file.fileno(), file.mode, file.readable()) == (fd, mode, real.readable())


def test_a_size_for_the_buffer(clock: TapeClock, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"x" * 100)
    with streams.open_pipe(pipe[0], "rb", 7) as file:
        assert file.read(1) == b"x"
        assert len(file.peek()) == 6


def test_what_is_no_pipe_of_a_number_is_opened_as_ever(clock: TapeClock, tmp_path: Any) -> None:
    path = tmp_path / "file"
    with streams.open_pipe(path, "w", encoding="utf-8") as file:
        file.write("text")
    with streams.open_pipe(path, "rb") as file:
        assert type(file.raw) is io.FileIO
        assert file.read() == b"text"


def test_fdopen(clock: TapeClock, pipe: tuple[int, int]) -> None:
    thread = _writes_late(pipe[1], b"one\r\n")
    with os.fdopen(pipe[0], encoding="ascii") as file:
        assert isinstance(file, io.TextIOWrapper)
        assert file.encoding == "ascii"
        assert file.read() == "one\n"
    thread.join()
    assert passed(clock) == pytest.approx(0.5)


def test_a_non_blocking_file_gives_none(clock: TapeClock, pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[0], False)
    with streams.open_pipe(pipe[0], "rb", 0) as file:
        assert file.read(10) is None
        assert file.read() is None
