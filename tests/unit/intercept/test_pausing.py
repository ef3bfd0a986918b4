"""Whatever waits lets a mock clock's time pass, and for threads of no taped test it waits for real."""

from __future__ import annotations

import asyncio
import os
import queue
import select
import selectors
import threading
import time
from collections.abc import Callable

import pytest

from pytest_proctape.child import PUMP
from pytest_proctape.clock import CLOCK, REAL, TapeClock, Timeline, Wait, Waits
from pytest_proctape.intercept import door, pausing
from tests.clocking import frozen, waits_told

from .answering import Answers, passed


def test_sleep(clock: TapeClock, answers: Answers) -> None:
    time.sleep(3600)
    time.sleep(0.25)
    time.sleep(0)
    assert passed(clock) == 3600.25
    assert answers.sleeps == [3600, 0.25]
    assert clock.sleeps == (3600, 0.25)


@pytest.mark.parametrize("seconds, error", [(-1, ValueError), ("1", TypeError), (float("nan"), ValueError)])
def test_what_sleep_refuses(clock: TapeClock, seconds: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        time.sleep(seconds)  # type: ignore[arg-type]
    assert passed(clock) == 0


def test_nothing_is_told_without_a_clock(answers: Answers) -> None:
    with waits_told():
        assert not pausing.clocked()
        time.sleep(0.001)
    assert answers.sleeps == []


def test_a_thread_of_no_test_sleeps_for_real(clock: TapeClock, answers: Answers) -> None:
    # Started below `threading`, and so not an heir of this thread.
    done = REAL_LOCK()
    done.acquire()
    seen: list[bool] = []

    def run() -> None:
        seen.append(pausing.clocked())
        done.release()

    REAL_START(run, ())
    done.acquire()
    assert seen == [False]


class _Finalizes:
    """Steps for a test, as for the asking of a forked copy, in which a finalizer runs."""

    def __init__(self, handler: Answers) -> None:
        self.handler = handler
        self.over = REAL_LOCK()
        self.over.acquire()

    def step(self) -> None:
        try:
            with door.inherited(self.handler):
                assert pausing.clocked()
                time.sleep(1e-3)
        finally:
            self.over.release()


def test_a_finalizer_in_the_pumps_thread_sleeps_for_real(clock: TapeClock, answers: Answers) -> None:
    assert not PUMP.is_here()
    stepper = _Finalizes(answers)
    PUMP.call_at(0, stepper)
    assert stepper.over.acquire(timeout=60)
    assert answers.sleeps == []
    assert passed(clock) == 0


REAL_LOCK = threading.Lock
REAL_START: Callable[..., int] = __import__("_thread").start_new_thread


def test_deadlines_are_rounded_up(clock: TapeClock) -> None:
    now_ns = pausing.deadline_after(0)
    assert now_ns is not None
    assert pausing.deadline_after(None) is None
    assert pausing.deadline_after(1e-9) == now_ns + 1000
    assert pausing.deadline_after(-5) == now_ns


def _selector(fd: int) -> object:
    with selectors.DefaultSelector() as made:
        made.register(fd, selectors.EVENT_READ)
        return made.select(0.25)


WAITS: dict[str, Callable[[int], object]] = {
    "Event": lambda _: threading.Event().wait(0.25),
    "Condition": lambda _: _condition().wait(0.25),
    "Semaphore": lambda _: threading.Semaphore(0).acquire(timeout=0.25),
    "Queue.get": lambda _: _queue_get(),
    "select": lambda fd: any(select.select([fd], [], [], 0.25)),
    "poll": lambda fd: _poll(fd).poll(250),
    "selectors": _selector,
    "Barrier": lambda _: _barrier(),
}


def _condition() -> threading.Condition:
    made = threading.Condition()
    made.acquire()
    return made


def _queue_get() -> object:
    try:
        return queue.Queue[int]().get(timeout=0.25)
    except queue.Empty:
        return False


def _poll(fd: int) -> select.poll:
    made = select.poll()
    made.register(fd, select.POLLIN)
    return made


def _barrier() -> bool:
    try:
        threading.Barrier(2).wait(0.25)
    except threading.BrokenBarrierError:
        return False
    return True


@pytest.mark.parametrize("what", WAITS)
def test_a_wait_that_expires(clock: TapeClock, pipe: tuple[int, int], what: str) -> None:
    assert not WAITS[what](pipe[0])
    assert passed(clock) == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize("what", ["select", "poll", "selectors"])
def test_a_descriptor_that_is_ready_takes_no_time(clock: TapeClock, pipe: tuple[int, int], what: str) -> None:
    os.write(pipe[1], b"x")
    assert WAITS[what](pipe[0])
    assert passed(clock) == 0


@pytest.mark.parametrize("what", ["select", "poll", "selectors"])
def test_what_comes_as_a_wait_is_given_up_comes_too_late(
    clock: TapeClock, pipe: tuple[int, int], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is noted as later than that, so a replay would not see it either."""
    real = Waits.block

    def block(waits: Waits, wait: Wait) -> bool:
        got = real(waits, wait)
        REAL.write(pipe[1], b"x")
        return got

    monkeypatch.setattr(Waits, "block", block)
    assert not WAITS[what](pipe[0])
    assert passed(clock) == pytest.approx(0.25, abs=1e-5)


def test_a_read_waits_for_the_thread_that_writes(clock: TapeClock, pipe: tuple[int, int]) -> None:
    def write() -> None:
        time.sleep(0.5)
        os.write(pipe[1], b"late")

    thread = threading.Thread(target=write)
    thread.start()
    assert os.read(pipe[0], 10) == b"late"
    assert passed(clock) == 0.5
    thread.join()


def test_a_write_waits_for_the_thread_that_reads(clock: TapeClock, pipe: tuple[int, int]) -> None:
    size = 300_000
    got: list[int] = []

    def read() -> None:
        while sum(got) < size:
            time.sleep(0.1)
            got.append(len(os.read(pipe[0], 100_000)))

    thread = threading.Thread(target=read)
    thread.start()
    assert os.write(pipe[1], b"x" * size) == size
    thread.join()
    assert sum(got) == size
    assert passed(clock) == pytest.approx(0.1 * len(got), abs=1e-4)


def test_what_cannot_be_read_is_told_by_the_real_call(clock: TapeClock, pipe: tuple[int, int]) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.read(2**20, 1)
    os.set_blocking(pipe[0], False)
    with pytest.raises(BlockingIOError):
        os.read(pipe[0], 1)
    os.close(pipe[1])
    os.set_blocking(pipe[0], True)
    assert os.read(pipe[0], 1) == b""


def test_the_object_of_poll(clock: TapeClock, pipe: tuple[int, int]) -> None:
    poll = select.poll()
    poll.register(pipe[0])
    poll.modify(pipe[0], select.POLLIN)
    assert poll.poll(0) == []
    os.write(pipe[1], b"x")
    assert poll.poll(-1) == [(pipe[0], select.POLLIN)]
    poll.unregister(pipe[0])
    with pytest.raises(KeyError):
        poll.unregister(pipe[0])
    assert poll.poll(100) == []
    assert passed(clock) == pytest.approx(0.1)


def test_loops_are_told_how_exact_the_clock_is(clock: TapeClock) -> None:
    assert time.get_clock_info("monotonic").resolution == 1e-6


def test_everything_is_as_it_was() -> None:
    def names() -> dict[str, object]:
        return {
            "sleep": time.sleep,
            "monotonic": time.monotonic,
            "read": os.read,
            "write": os.write,
            "select": select.select,
            "poll": select.poll,
            "fdopen": os.fdopen,
            "join": threading.Thread.join,
            "selector": selectors.DefaultSelector.select,
            "queue": queue.time,  # type: ignore[attr-defined]
            "lock": threading._allocate_lock,  # type: ignore[attr-defined]
        }

    before = names()
    with frozen(TapeClock(0, list)), waits_told():
        changed = {key for key, value in names().items() if value is not before[key]}
        assert changed == set(before)
    assert names() == before
    assert time.sleep is REAL.sleep


# -- looks that do not wait --------------------------------------------------------------------


def _read_at_once(fd: int) -> bytes:
    os.set_blocking(fd, False)
    try:
        return os.read(fd, 10)
    except BlockingIOError:
        return b""


def _selected(fd: int) -> object:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return selector.select(0)


LOOKS: dict[str, Callable[[int], object]] = {
    "read": _read_at_once,
    "select": lambda fd: select.select([fd], [], [], 0)[0],
    "poll": lambda fd: _poll(fd).poll(0),
    "selector": _selected,
}


@pytest.mark.parametrize("what", LOOKS)
def test_a_look_sees_what_is_being_passed_on(
    clock: TapeClock, pipe: tuple[int, int], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = CLOCK.timeline
    begun, given_up = REAL_LOCK(), REAL_LOCK()
    begun.acquire()
    given_up.acquire()

    def pass_on() -> None:
        with timeline.passing_on(timeline):
            begun.release()
            given_up.acquire()
            REAL.write(pipe[1], b"a word")

    REAL_START(pass_on, ())
    begun.acquire()
    looked: list[int] = []

    def give_up() -> None:
        # The word is on its way, and is in time.
        if not looked:
            looked.append(1)
            given_up.release()
        Timeline.give_up(timeline)

    monkeypatch.setattr(timeline, "give_up", give_up)
    assert LOOKS[what](pipe[0])
    assert looked == [1]


@pytest.mark.parametrize("what", LOOKS)
def test_nothing_comes_into_a_moment_in_which_one_has_looked(
    clock: TapeClock, pipe: tuple[int, int], what: str
) -> None:
    timeline = CLOCK.timeline
    with timeline.passing_on(timeline) as at_ns:
        assert at_ns is not None
    assert not LOOKS[what](pipe[0])
    with timeline.passing_on(timeline) as at_ns:
        assert at_ns is None


@pytest.mark.parametrize("what", LOOKS)
def test_looks_without_a_pause_let_time_pass(clock: TapeClock, pipe: tuple[int, int], what: str) -> None:
    # The test would hang if they did not: a child does nothing before its time has come.
    while passed(clock) < 5:
        assert not LOOKS[what](pipe[0])


def test_a_busy_loop_takes_little_time(clock: TapeClock) -> None:
    async def main() -> None:
        for _ in range(200):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert passed(clock) < 0.1
