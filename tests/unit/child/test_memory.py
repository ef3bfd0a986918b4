"""Streams without descriptors."""

from __future__ import annotations

import pytest

from pytest_proctape.child import Memory, Streams, VirtualChild
from pytest_proctape.child.memory import MemoryInlet, MemoryOutlet
from pytest_proctape.tape import Content, End, Script
from pytest_proctape.tape.script import Signal, Step, Timeout

from .stage import CLOSED, MS, Stage, hears, says


def memory(sent: bytes | None = b"", *, limit_ns: int | None = None, together: bool = False) -> Memory:
    streams = Streams((1,), () if together else (2,), private=True, together=together)
    return Memory(streams, sent, limit_ns)


def script(*steps: Step, status: int | None = 0, merged: bool = False) -> Script:
    return Script(steps, End(status, duration_ns=5 * MS), merged=merged)


def test_an_inlet_gives_what_was_sent_and_then_the_end() -> None:
    inlet = MemoryInlet(b"abc")
    assert [inlet.take(2), inlet.at_end, inlet.take(2), inlet.at_end] == [b"ab", False, b"c", False]
    inlet.put_back(b"c")
    assert [inlet.take(2), inlet.take(2), inlet.at_end] == [b"c", b"", True]


def test_an_outlet_keeps_what_is_said() -> None:
    outlet = MemoryOutlet()
    assert outlet.bytes() == b""
    outlet.add(Content.of(b"a"))
    assert outlet.bytes() == b"a"
    outlet.add(Content.of(b"b"))
    assert outlet.bytes() == b"ab"


@pytest.mark.parametrize(
    "played",
    [script(), script(says(b"x")), script(says(b"x", 2)), script(hears(b"a"), says(b"x"), CLOSED)],
)
def test_what_is_taken(played: Script) -> None:
    assert memory().takes(played)


@pytest.mark.parametrize(
    "played",
    [
        script(says(b"x", 3)),
        script(Signal(15)),
        script(Timeout(MS)),
        script(status=None),
        script(merged=True),
        Script((), End(0), frozenset({2})),
        Script((), End(0), frozenset({1, 2, 3})),
    ],
)
def test_what_is_left_to_the_general_road(played: Script) -> None:
    assert not memory().takes(played)


def test_input_needs_a_stdin() -> None:
    assert not memory(None).takes(script(CLOSED))


def test_a_limit_that_may_expire() -> None:
    assert memory(limit_ns=5 * MS).takes(script())
    assert not memory(limit_ns=5 * MS - 1).takes(script())


def played(streams: Memory, *steps: Step) -> VirtualChild:
    stage = Stage(*steps, status=3 << 8)
    stage.child.start_in(streams)
    return stage.child


def test_a_child_is_over_at_once() -> None:
    streams = memory()
    child = played(streams, says(b"a"), says(b"x", 2), says(b"b"), CLOSED)
    assert (child.status, streams.outlets[1].bytes()) == (3 << 8, b"ab")  # type: ignore[attr-defined]
    assert child.so_far().end.status is None, "nobody has waited for it"


def test_a_child_hears_what_is_sent() -> None:
    streams = memory(b"question")
    child = played(streams, hears(b"question"), says(b"answer"), CLOSED)
    assert (child.status, streams.outlets[1].bytes()) == (3 << 8, b"answer")  # type: ignore[attr-defined]


def test_a_child_that_hears_something_else_complains() -> None:
    child = played(memory(b"else"), hears(b"question"), says(b"answer"), CLOSED)
    assert child.error is not None
    assert child.status == 9
