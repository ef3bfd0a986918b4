"""When a recorded child did what it did: by the real clock, or by the timeline of a mock clock."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_proctape.child.timing import CLOCKED_PAUSE_NS, ChildTime
from pytest_proctape.clock import REAL, Timeline, Waits, readings
from pytest_proctape.clock.readings import OwnReading
from pytest_proctape.tape import script

from .stage import MS


class Owner:
    """Whose end is watched."""

    def __init__(self) -> None:
        self.steps = 0

    def due_ns(self) -> int | None:
        return None

    def step(self) -> bool:
        self.steps += 1
        return False


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    reading = OwnReading(0)
    monkeypatch.setattr(readings, "topmost", lambda: (reading, reading))
    return Waits(Timeline(), lambda: True)


@pytest.fixture
def process() -> Iterator[int]:
    """A process that ends when it is told to."""
    reader, writer = os.pipe()
    pid = os.posix_spawnp(
        "cat",
        ["cat"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0), (os.POSIX_SPAWN_CLOSE, writer)],
    )
    os.close(reader)
    _writers[pid] = writer
    yield pid
    _end(pid)
    os.waitpid(pid, 0)


_writers: dict[int, int] = {}


def _end(pid: int) -> None:
    writer = _writers.pop(pid, None)
    if writer is not None:
        os.close(writer)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_without_a_mock_clock_time_is_real(process: int) -> None:
    time = ChildTime(None)
    before_ns = REAL.monotonic_ns()
    assert before_ns <= time.now_ns() <= REAL.monotonic_ns()
    assert time.pause_ns == script.PAUSE_NS
    time.watch(process, Owner())
    assert time.exit_fd == -1
    time.stand()
    time.go_on()
    assert before_ns <= time.now_ns()
    time.close()


def test_under_one_it_is_that_of_the_timeline(waits: Waits) -> None:
    time = ChildTime(waits)
    waits.timeline.add(5 * MS)
    assert time.now_ns() == waits.timeline.now_ns()
    assert time.pause_ns == CLOCKED_PAUSE_NS


def test_the_timeline_stands_while_something_is_noted(waits: Waits) -> None:
    time = ChildTime(waits)
    waits.timeline.run(None)
    seen = []
    time.stand()
    seen.append(waits.timeline.running)
    time.go_on()
    seen.append(waits.timeline.running)
    assert seen == [False, True]
    waits.timeline.stop()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="nothing tells of an end")
def test_the_end_is_noted_once(waits: Waits, process: int) -> None:
    time = ChildTime(waits)
    time.watch(process, Owner())
    assert time.exit_fd != -1
    time.look()
    waits.timeline.add(5 * MS)
    _end(process)
    time.look()
    ended_ns = waits.timeline.now_ns()
    waits.timeline.add(5 * MS)
    time.look()
    assert time.ended_ns() == ended_ns
    time.close()
    assert time.exit_fd == -1
    time.close()


def test_what_a_poll_found_running_ended_later(waits: Waits, process: int) -> None:
    time = ChildTime(waits)
    time.watch(process, Owner())
    _end(process)
    time.look()
    waits.timeline.add(5 * MS)
    time.seen_running()
    assert time.ended_ns() == waits.timeline.now_ns() + 1000
    time.close()


def test_an_end_that_nobody_saw_is_now(waits: Waits) -> None:
    time = ChildTime(waits)
    assert time.ended_ns() == waits.timeline.now_ns()


def test_its_owner_takes_what_was_sent_before_time_passes(waits: Waits, process: int) -> None:
    from pytest_proctape.clock import Wait

    time, owner = ChildTime(waits), Owner()
    time.watch(process, owner)
    waits.block(Wait(waits.timeline.now_ns() + MS))
    steps = owner.steps
    assert steps > 0
    time.close()
    waits.block(Wait(waits.timeline.now_ns() + MS))
    assert owner.steps == steps
