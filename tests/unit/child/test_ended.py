"""Children that have ended when they are made."""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Callable

import pytest

from pytest_proctape.child import TABLE, EndedChild, Streams, Wiring, are_writable, own_pipes, say
from pytest_proctape.child.wiring import ready
from pytest_proctape.tape import End, Entry, Script

from .stage import MS, says

_ENTRY = Entry(program="x")
_SCRIPT = Script((says(b"x"),), End(3 << 8, duration_ns=5 * MS))


def child(told: Callable[[], Script] = lambda: _SCRIPT) -> EndedChild:
    return EndedChild(TABLE.new_pid(), 1, 3 << 8, lambda _: told(), _ENTRY)


def test_who_waits_is_told_at_once() -> None:
    ended = child()
    assert [ended.poll(), ended.glance(), ended.wait(), ended.wait(os.WUNTRACED)] == [3 << 8] * 4
    ended.send(15)
    assert (ended.status, ended.is_over, ended.busy, ended.at_timeout) == (3 << 8, True, False, False)


def test_its_script_is_made_when_it_is_asked_for() -> None:
    made: list[int] = []

    def told() -> Script:
        made.append(1)
        return _SCRIPT

    ended = child(told)
    ended.wait()
    assert not made
    assert ended.so_far().steps == _SCRIPT.steps
    assert ended.so_far().end.status is None
    ended._started_ns -= 10**9
    assert ended.so_far().end.duration_ns == _SCRIPT.end.duration_ns, "not for as long as nobody looks"
    ended.reaped = True
    assert ended.so_far().end == _SCRIPT.end
    assert made == [1]


def test_a_short_wait_expires_as_the_recorded_one_would_have() -> None:
    long = Script((), End(0, duration_ns=10**10))
    assert child(lambda: long).expires(MS)
    assert not child().expires(10**9)


@pytest.mark.parametrize(
    "wiring, streams",
    [
        (Wiring({}, {1: 5, 2: 6}, frozenset({5, 6})), Streams((1, 2))),
        (Wiring({}, {1: 5, 2: 5}, frozenset({5})), Streams((1, 2), together=True)),
        (Wiring({}, {1: 1, 2: 2}), Streams(())),
        (Wiring({}, {1: 5}, frozenset({5})), Streams((1,))),
        (Wiring({0: 4}, {1: 5}, frozenset({4, 5})), None),
        (Wiring({}, {1: 5, 3: 6}, frozenset({5})), None),
    ],
)
def test_what_is_asked_for(wiring: Wiring, streams: Streams | None) -> None:
    assert own_pipes(wiring) == streams


def test_it_is_written_if_there_is_room_for_all_of_it() -> None:
    reader, writer = os.pipe()
    other, full = os.pipe()
    announced: list[str] = []

    def announce() -> None:
        assert not ready(reader, select.POLLIN)
        announced.append("a child")

    try:
        os.set_blocking(full, False)
        os.write(full, bytes(1 << 20))
        assert are_writable({writer})
        assert not are_writable({writer, full})
        assert not say((writer, full), b"a", b"b" * 65536, announce)
        assert not announced
        assert say((writer, full), b"a", b"", announce)
        assert announced == ["a child"]
        os.close(writer)
        assert os.read(reader, 10) == b"a"
    finally:
        for fd in (reader, other, full):
            os.close(fd)


def nobody() -> None:
    """Is told of a spawn."""


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert say((writer, -1), b"a", None, nobody)
    os.close(writer)


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="only Linux tells how much a pipe holds")
def test_a_pipe_made_for_the_child_takes_all_that_it_holds() -> None:
    reader, writer = os.pipe()
    holds = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
    pipes = writer, -1
    try:
        assert not say(pipes, b"x" * (holds + 1), None, nobody)
        assert say(pipes, b"x" * holds, None, nobody)
        assert not say(pipes, b"y" * (holds // 2), None, nobody), "it is not empty any more"
        assert len(os.read(reader, 2 * holds)) == holds
    finally:
        os.close(reader)
        os.close(writer)
