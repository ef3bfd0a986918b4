"""Who waits lets go of what a handler of a signal has found its own thread holding."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pytest_proctape.clock import Timeline, Wait, Waits, outer_lock
from pytest_proctape.clock.ranks import Ranks
from tests.parity.harness import deadline

from .conftest import MS


def _elsewhere(lock: threading.RLock, *, seconds: float = 5) -> bool:
    """Whether another thread gets it."""
    got: list[bool] = []

    def look() -> None:
        got.append(lock.acquire(timeout=seconds))
        if got[0]:
            lock.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return got[0]


def test_what_is_let_go_of_is_had_again() -> None:
    ranks = Ranks()
    one, other = ranks.new_inner(), ranks.new_inner()
    with one, other, other:
        with ranks.let_go():
            assert _elsewhere(one)
            assert _elsewhere(other)
        assert not _elsewhere(one, seconds=0)
        assert not _elsewhere(other, seconds=0)
    assert _elsewhere(other)


def test_who_waits_for_an_outer_lock_has_no_inner_one() -> None:
    """Another thread has the outer one and wants the inner one, which is this thread's: a handler's order."""
    ranks = Ranks()
    inner, outer = ranks.new_inner(), outer_lock(ranks)
    has_outer = threading.Event()

    def other() -> None:
        with outer:
            has_outer.set()
            with inner:
                pass

    thread = threading.Thread(target=other)
    with deadline("the two locks", 20):
        with inner:
            thread.start()
            has_outer.wait()
            with outer:
                assert not _elsewhere(inner, seconds=0)
        thread.join()


def test_it_is_a_lock_like_any() -> None:
    lock = outer_lock(Ranks())
    assert lock.acquire()
    assert lock.acquire(blocking=False)
    assert not _elsewhere(lock, seconds=0)
    lock.release()
    lock.release()
    assert _elsewhere(lock)
    changed = threading.Condition(lock)
    with changed:
        assert not changed.wait(0.001)
        assert not _elsewhere(lock, seconds=0)


@pytest.mark.parametrize("held", ["_lock", "members"])
def test_a_handler_that_waits_in_the_middle_of_a_look_at_the_time(timeline: Timeline, held: str) -> None:
    waits = Waits(timeline, lambda: False)
    done = threading.Event()

    def other() -> None:
        # As the pump does when it notes what a child has said.
        waits.hold()
        timeline.noted_ns()
        waits.go_on()
        done.set()
        waits.changed()

    thread = threading.Thread(target=other)
    with deadline("the handler", 20):
        with getattr(timeline, held):
            thread.start()
            assert waits.block(Wait(None, done.is_set)) is True
        thread.join()


def test_a_handler_that_waits_in_the_middle_of_a_decision(timeline: Timeline) -> None:
    waits = Waits(timeline, lambda: False)
    now_ns = timeline.now_ns()
    told: list[Callable[[], None]] = []

    def other() -> None:
        with waits.taking_part():
            waits.block(Wait(now_ns + MS))
            told.append(waits.changed)
        told[0]()

    thread = threading.Thread(target=other)

    def ready() -> bool:
        if not told:
            # What follows is the handler's: it waits for what another one does in its time.
            thread.start()
            waits.block(Wait(None, lambda: bool(told)))
        return bool(told)

    with deadline("the handler", 20):
        assert waits.block(Wait(now_ns + 10 * MS, ready)) is True
        thread.join()
