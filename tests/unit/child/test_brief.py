"""Children of an event loop that say all at once, and end when their time has come."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_proctape.child import TABLE, BriefChild, Stalled, VirtualChild, WrongCause
from pytest_proctape.errors import ProctapeError
from pytest_proctape.tape import End, Entry, Script

from .stage import MS, Waiter, says

_SCRIPT = Script((says(b"x"),), End(3 << 8, duration_ns=5 * MS))
ENTRY = Entry(program="tool", stdout="x", exit_code=3, duration_ms=5)


class Stage:
    """One such child, its pipe, the clock of its loop, and what it tells."""

    def __init__(self) -> None:
        self.now_ns = 100 * MS
        self.ended: list[int] = []
        self.reader, self.writer = os.pipe()
        self.child = BriefChild(
            TABLE.new_pid(),
            os.getpgrp(),
            3 << 8,
            lambda _: _SCRIPT,
            ENTRY,
            now_ns=lambda: self.now_ns,
            on_wrong=self.wrong,
            on_end=lambda child: self.ended.append(child.pid),
        )

    def wrong(self, _: VirtualChild, wrong: WrongCause | Stalled) -> ProctapeError:
        return ProctapeError(str(wrong))

    def says(self, data: bytes) -> None:
        self.child.say({self.writer: data})
        os.close(self.writer)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.child.close()
    os.close(made.reader)


def test_it_says_at_once_and_ends_by_the_clock(stage: Stage) -> None:
    stage.says(b"word")
    assert os.read(stage.reader, 10) == b"word"
    stage.now_ns += 4 * MS
    assert (stage.child.poll(), stage.child.due_ns()) == (None, 105 * MS)
    assert stage.ended == []
    stage.now_ns += MS
    assert (stage.child.poll(), stage.child.due_ns(), stage.child.busy) == (3 << 8, None, False)
    assert stage.ended == [stage.child.pid]
    assert os.read(stage.reader, 10) == b""


def test_who_waits_without_a_loop_lets_the_time_pass(stage: Stage) -> None:
    stage.says(b"")
    assert stage.child.wait() == 3 << 8


def test_who_waits_in_another_thread_is_told_of_its_end(stage: Stage) -> None:
    stage.says(b"")
    waiter = Waiter(stage.child)
    stage.now_ns += 5 * MS
    assert stage.child.step()
    assert waiter.codes() == [3 << 8]


def test_a_signal_comes_when_it_has_just_ended(stage: Stage) -> None:
    stage.says(b"")
    stage.child.send(15)
    assert stage.child.status == 3 << 8


def test_what_there_is_no_room_for_follows(stage: Stage) -> None:
    os.set_blocking(stage.reader, False)
    data = bytes(300_000)
    stage.says(data)
    stage.now_ns += 5 * MS
    got = b""
    while len(got) < len(data):
        stage.child.step()
        got += os.read(stage.reader, 1 << 20)
    assert stage.child.status == 3 << 8
    assert got == data
    stage.child.step()
    assert os.read(stage.reader, 1) == b""


def test_its_script_is_told_as_far_as_the_parent_can_know(stage: Stage) -> None:
    stage.says(b"x")
    assert stage.child.so_far().steps == _SCRIPT.steps
    assert stage.child.so_far().end.status is None
    stage.child.wait()
    stage.child.reaped = True
    assert stage.child.so_far().end == _SCRIPT.end
