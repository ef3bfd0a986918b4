"""The mock clock of the process, and what a test holds of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pytest_proctape.clock import CLOCK, EPOCH_NS, Pace, TapeClock
from tests.clocking import used

from .conftest import Clocks

START = datetime(2000, 1, 1, tzinfo=UTC)


def test_it_shows_utc() -> None:
    assert TapeClock(EPOCH_NS, list).now == START
    assert repr(TapeClock(EPOCH_NS, list)) == "<TapeClock 2000-01-01T00:00:00+00:00>"


@pytest.mark.parametrize("delta", [90, 90.0, timedelta(minutes=1, seconds=30)])
def test_it_is_moved(delta: float | timedelta) -> None:
    clock = TapeClock(EPOCH_NS, list)
    clock.advance(delta)
    assert clock.now == START + timedelta(seconds=90)


@pytest.mark.parametrize("delta", [-1, timedelta(seconds=-1)])
def test_it_does_not_go_back(delta: float | timedelta) -> None:
    clock = TapeClock(EPOCH_NS, list)
    with pytest.raises(ValueError, match="go back"):
        clock.advance(delta)
    assert clock.now == START


def test_it_tells_what_was_slept() -> None:
    slept = [0.5]
    clock = TapeClock(EPOCH_NS, lambda: slept)
    before = clock.sleeps
    slept.append(2.0)
    assert [before, clock.sleeps] == [(0.5,), (0.5, 2.0)]


def test_it_is_on_while_used_and_a_clock_is_in_place(clocks: Clocks) -> None:
    def seen() -> tuple[bool, bool]:
        return CLOCK.in_use, CLOCK.on

    assert seen() == (False, False)
    with used():
        assert seen() == (True, True)
        held = clocks.stack.pop()
        assert seen() == (True, False)
        clocks.stack.append(held)
        with used():
            pass
        assert seen() == (True, True)
    assert seen() == (False, False)


def test_every_first_user_begins_anew(clocks: Clocks) -> None:
    with used():
        first = CLOCK.waits
        with used():
            assert CLOCK.waits is first
    with used():
        assert CLOCK.waits is not first


def test_time_passes_for_real_for_a_while(clocks: Clocks) -> None:
    recording, replaying, another = Pace(real=True), Pace(real=False), Pace(real=True)
    steps: list[Callable[[], None]] = [
        lambda: CLOCK.paces.append(recording),
        lambda: CLOCK.paces.append(replaying),
        lambda: CLOCK.paces.append(another),
        # Not the one that came last.
        lambda: CLOCK.paces.remove(recording),
        lambda: CLOCK.paces.remove(another),
        CLOCK.turn_real,
        lambda: CLOCK.paces.remove(replaying),
        # There is nobody for whom it could.
        CLOCK.turn_real,
    ]
    seen = []
    for step in steps:
        step()
        seen.append(CLOCK.real)
    assert seen == [True, False, True, True, False, True, False, False]


def test_a_forked_child_has_none(clocks: Clocks) -> None:
    with used():
        pid = os.fork()
        if not pid:
            os._exit(CLOCK.in_use)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
