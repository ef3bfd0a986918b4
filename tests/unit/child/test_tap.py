"""A stream led past us: everything arrives, nothing is read ahead of its reader, ends are felt."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_proctape.child.tap as tap_module
from pytest_proctape.child.pump import PUMP
from pytest_proctape.child.tap import Tap
from pytest_proctape.child.wiring import close_quietly


class Line:
    """child -> tap -> parent, or the other way round, with the child's end held here."""

    def __init__(self, *, inward: bool) -> None:
        reader, writer = os.pipe()
        self.seen: list[bytes] = []
        self.ends = 0
        self.tap = Tap(
            0 if inward else 1,
            reader if inward else writer,
            inward=inward,
            private=True,
            note=self.seen.append,
            on_end=self._on_end,
        )
        self.parent = writer if inward else reader
        self.child = os.dup(self.tap.childs)
        self.tap.child_started()
        os.close(reader if inward else writer)

    def _on_end(self) -> None:
        self.ends += 1

    def step(self) -> None:
        """Called by the pump."""
        self.tap.step(self)

    def look(self) -> None:
        """Step it here, when the pump is through with it."""
        PUMP.pause()
        self.step()
        PUMP.resume()


@pytest.fixture
def outward() -> Iterator[Line]:
    yield from _line(inward=False)


@pytest.fixture
def inward() -> Iterator[Line]:
    yield from _line(inward=True)


def _line(*, inward: bool) -> Iterator[Line]:
    line = Line(inward=inward)
    line.step()
    yield line
    # The pump may be about to step it.
    PUMP.pause()
    line.tap.close()
    PUMP.resume()
    close_quietly(line.child)
    close_quietly(line.parent)


def test_outward(outward: Line) -> None:
    os.write(outward.child, b"one")
    assert os.read(outward.parent, 10) == b"one"
    os.write(outward.child, b"two")
    os.close(outward.child)
    assert os.read(outward.parent, 10) == b"two"
    assert os.read(outward.parent, 10) == b""
    assert b"".join(outward.seen) == b"onetwo"
    assert outward.ends == 1


def test_inward(inward: Line) -> None:
    os.write(inward.parent, b"question")
    assert os.read(inward.child, 10) == b"question"
    os.close(inward.parent)
    assert os.read(inward.child, 10) == b""
    assert (b"".join(inward.seen), inward.ends) == (b"question", 1)


def test_a_file_takes_more_than_one_step_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_module, "CHUNK", 100)
    with open(tmp_path / "all", "wb") as target:
        tap = Tap(1, target.fileno(), inward=False, private=False, note=lambda _: None, on_end=lambda: None)
        child = os.dup(tap.childs)
        tap.child_started()
        os.write(child, b"x" * 10_000)
        os.close(child)
        while not tap.ended:
            tap.step(_Nobody())
    assert os.path.getsize(tmp_path / "all") == 10_000


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes have one size there")
def test_of_much_more_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_module, "MUCH", 1 << 17)
    seen: list[bytes] = []
    with open(tmp_path / "all", "wb") as target:
        tap = Tap(1, target.fileno(), inward=False, private=False, note=seen.append, on_end=lambda: None)
        child = os.dup(tap.childs)
        tap.child_started()
        pieces = [os.urandom(1 << 16) for _ in range(4)]
        room = [fcntl.fcntl(child, fcntl.F_GETPIPE_SZ)]
        for piece in pieces:
            os.write(child, piece)
            tap.step(_Nobody())
        room.append(fcntl.fcntl(child, fcntl.F_GETPIPE_SZ))
        os.close(child)
        tap.step(_Nobody())
    assert tap.ended
    assert b"".join(seen) == b"".join(pieces) == (tmp_path / "all").read_bytes()
    assert room[1] > room[0]


class _Nobody:
    """Whom the pump may step without anything to happen."""

    def step(self) -> None:
        pass


def test_a_reader_that_leaves_is_felt_by_the_writer(outward: Line) -> None:
    os.close(outward.parent)
    outward.look()
    with pytest.raises(BrokenPipeError):
        os.write(outward.child, b"anybody?")


def test_a_child_that_closes_its_input_is_felt_by_the_parent(inward: Line) -> None:
    os.close(inward.child)
    inward.look()
    with pytest.raises(BrokenPipeError):
        os.write(inward.parent, b"anybody?")


def test_a_slow_reader_slows_its_writer_down(outward: Line) -> None:
    os.set_blocking(outward.child, False)
    written = 0
    for _ in range(100):
        try:
            written += os.write(outward.child, b"x" * 65536)
        except BlockingIOError:
            outward.look()
    assert written <= 4 * 65536, "a pipe on either side and one chunk under way"
    os.close(outward.child)
    read = 0
    while part := os.read(outward.parent, 65536):
        read += len(part)
    assert read == written == sum(map(len, outward.seen))


def test_one_that_can_not_be_opened_leaves_nothing_open() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken, seen = [*os.pipe()], list[bytes]()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/dev/fd"))) + 8, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(taken[0]))
        # The pipe can be made, and nothing more.
        for _ in range(2):
            os.close(taken.pop())
        # Who keeps the error keeps all that its frames know.
        with pytest.raises(OSError, match="Too many open files") as caught:
            Tap(1, taken[1], inward=False, private=True, note=seen.append, on_end=lambda: None)
        taken += os.pipe()
        assert caught.value.__traceback__ is not None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for fd in taken:
            os.close(fd)
