"""What a child leaves of its input, in a pipe of its own and in one that others read as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from pytest_proctape.child import lent
from pytest_proctape.child.lent import LentPipe, OwnPipe, is_lent
from pytest_proctape.errors import UnsupportedSpawn

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a pipe can be opened anew on Linux only")


class Lent:
    """The parent's pipe, the tap's pipe, and what knows of both."""

    def __init__(self) -> None:
        self.source, self.parents_end = os.pipe()
        self.childs, self.target = os.pipe()
        self.pipe = LentPipe(self.source)

    def child_reads(self, count: int) -> None:
        os.read(self.childs, count)
        os.close(self.childs)
        self.childs = -1


@pytest.fixture
def pair() -> Iterator[Lent]:
    made = Lent()
    yield made
    made.pipe.release()
    for fd in (made.source, made.parents_end, made.childs, made.target):
        if fd != -1:
            os.close(fd)


def test_what_the_child_left_comes_before_what_came_later(pair: Lent) -> None:
    os.write(pair.target, b"0123")
    os.write(pair.parents_end, b"89")
    pair.child_reads(2)
    pair.pipe.reader_left(pair.source, pair.target, b"4567")
    assert os.read(pair.source, 100) == b"23456789"
    assert pair.pipe.untaken == 2
    assert not pair.pipe.spoiled


def test_what_the_child_left_after_the_writer_had_gone(pair: Lent) -> None:
    os.write(pair.target, b"0123")
    pair.pipe.writer_left(pair.source, pair.target)
    pair.child_reads(1)
    pair.pipe.child_ended()
    pair.pipe.child_ended()
    assert os.read(pair.source, 100) == b"123"
    assert pair.pipe.untaken == 3


def test_more_than_the_pipe_holds(pair: Lent) -> None:
    os.write(pair.target, b"a" * 65536)
    os.write(pair.parents_end, b"b" * 65536)
    pair.child_reads(1)
    pair.pipe.reader_left(pair.source, pair.target, b"")
    got = b""
    while len(got) < 131071:
        got += os.read(pair.source, 1 << 20)
    assert got == b"a" * 65535 + b"b" * 65536


@pytest.mark.parametrize("still_open", [True, False])
def test_what_can_not_be_put_back_matters_to_who_can_read_it(
    pair: Lent, still_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(fd: int, data: bytes) -> None:
        raise PermissionError

    monkeypatch.setattr(lent, "_prepend", failing)
    os.write(pair.target, b"0123")
    kept = os.dup(pair.source)
    pair.child_reads(1)
    if not still_open:
        os.close(pair.source)
        pair.source = -1
    pair.pipe.reader_left(kept, pair.target, b"")
    os.close(kept)
    assert bool(pair.pipe.spoiled) == still_open


def test_a_second_child_is_refused_until_the_first_has_ended(pair: Lent) -> None:
    with pytest.raises(UnsupportedSpawn, match="two children"):
        LentPipe(pair.source)
    pair.pipe.child_ended()
    LentPipe(pair.source).release()


def test_only_pipes_are_lent(pair: Lent) -> None:
    assert is_lent(pair.source)
    with open(os.devnull, "rb") as other:
        assert not is_lent(other.fileno())


def own(count: int, *, writer_first: bool, others: int = 0) -> int:
    """How many of four bytes are left of which a child, and another one, have read these."""
    childs, target = os.pipe()
    source, parents_end = os.pipe()
    kept = os.dup(childs) if others else -1
    pipe = OwnPipe()
    os.write(target, b"0123")
    if writer_first:
        pipe.writer_left(source, target)
        os.close(target)
    os.read(childs, count)
    os.close(childs)
    if not writer_first:
        pipe.reader_left(source, target, b"")
        os.close(target)
    pipe.child_ended()
    pipe.child_ended()
    for fd in (source, parents_end, kept):
        if fd != -1:
            os.close(fd)
    return pipe.untaken


@pytest.mark.parametrize("writer_first", [True, False])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_what_a_child_left_of_its_own_pipe(count: int, writer_first: bool) -> None:
    assert own(count, writer_first=writer_first) == 4 - count


def test_what_a_child_left_to_another_is_read_still() -> None:
    assert own(1, writer_first=True, others=1) == 0
