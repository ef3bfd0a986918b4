"""An entry's outputs against the descriptors that a spawn gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_proctape.child import Wiring
from pytest_proctape.match import Difference
from pytest_proctape.session.streams import stream_differences
from pytest_proctape.tape import Content, End, Script, script

OUT = script.Output(1, Content.of(b"out"))
ERR = script.Output(2, Content.of(b"err"))
BOTH = frozenset({1, 2})


@pytest.fixture
def pipes() -> Iterator[tuple[int, int]]:
    """The writing ends of two."""
    fds = [*os.pipe(), *os.pipe()]
    yield fds[1], fds[3]
    for fd in fds:
        os.close(fd)


def told(of: Script, stdout: int, stderr: int) -> list[Difference]:
    return stream_differences(of, Wiring({}, {1: stdout, 2: stderr}, frozenset()))


def test_what_was_apart_may_be_together_where_one_of_them_is_silent(pipes: tuple[int, int]) -> None:
    assert told(Script((OUT, ERR), End(0), BOTH), *pipes) == []
    assert told(Script((OUT,), End(0), BOTH), pipes[0], pipes[0]) == []
    together = told(Script((OUT, ERR), End(0), BOTH), pipes[0], pipes[0])
    assert together == [Difference("stderr", "(apart)", "(sent to stdout)")]


def test_what_was_together_can_not_be_taken_apart(pipes: tuple[int, int]) -> None:
    merged = Script((OUT,), End(0), frozenset({1}), True)
    assert told(merged, pipes[0], pipes[0]) == []
    assert told(merged, *pipes) == [Difference("stderr", "(sent to stdout)", "(apart)")]


def test_what_was_together_may_be_discarded() -> None:
    merged = Script((OUT,), End(0), frozenset({1}), True)
    null, other = os.open(os.devnull, os.O_WRONLY), os.open(os.devnull, os.O_WRONLY)
    try:
        assert told(merged, null, other) == []
    finally:
        os.close(null)
        os.close(other)


def test_what_was_not_kept_can_not_be_looked_at(pipes: tuple[int, int]) -> None:
    assert told(Script((OUT,), End(0), frozenset({1})), *pipes) == [
        Difference("stderr", "(discarded)", "(looked at)")
    ]
