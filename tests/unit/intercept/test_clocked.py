"""A mock clock is put in place everywhere, and taken away everywhere."""

from __future__ import annotations

import datetime as dt
import logging
import pickle
import sys
import threading
import time
import uuid
from datetime import datetime as copied_datetime
from time import monotonic as copied_monotonic
from time import sleep as copied_sleep
from types import ModuleType

import freezegun
import pytest

from pytest_proctape import intercept
from pytest_proctape.clock import CLOCK, EPOCH_NS, REAL, TapeClock
from pytest_proctape.intercept import clocked, pausing
from tests.clocking import frozen, waits_told

from .answering import Answers

AT = dt.datetime(2000, 1, 1)


def _clock() -> TapeClock:
    return TapeClock(EPOCH_NS, list)


def test_all_clocks_show_it_and_move_together() -> None:
    clock = _clock()
    with frozen(clock):
        before = time.monotonic(), time.perf_counter_ns(), time.time()
        assert time.time() == 946_684_800
        assert dt.datetime.now(dt.UTC).replace(tzinfo=None) == AT
        assert time.gmtime()[:3] == (2000, 1, 1)
        assert copied_datetime.now(dt.UTC).year == 2000
        clock.advance(10)
        assert time.monotonic() - before[0] == 10
        assert time.perf_counter_ns() - before[1] == 10 * 10**9
        assert time.time() - before[2] == 10
    assert copied_monotonic is REAL.monotonic
    assert time.time() > 1_700_000_000
    assert copied_datetime is dt.datetime


def test_a_copy_of_sleep_is_found(answers: Answers) -> None:
    clock = TapeClock(EPOCH_NS, lambda: answers.sleeps)
    with frozen(clock), waits_told():
        copied_sleep(3600)
    assert answers.sleeps == [3600]
    assert copied_sleep is REAL.sleep


def test_a_module_that_comes_meanwhile_is_left_with_the_real_things(monkeypatch: pytest.MonkeyPatch) -> None:
    late = ModuleType("late")
    monkeypatch.setitem(sys.modules, "late", late)
    for _ in range(2):
        with frozen(_clock()), waits_told():
            exec("from time import monotonic, sleep", vars(late))
            assert vars(late)["sleep"] is not REAL.sleep
        assert vars(late)["sleep"] is REAL.sleep
        assert vars(late)["monotonic"] is REAL.monotonic


def test_the_last_user_takes_the_waits_away(answers: Answers) -> None:
    real = threading.Thread.join
    with waits_told():
        with waits_told():
            assert threading.Thread.join is not real
        assert threading.Thread.join is not real
    assert threading.Thread.join is real


def test_one_that_fails_leaves_nothing(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.sleep

    def fail() -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(pausing, "replacements", fail)
    with pytest.raises(RuntimeError, match="no"), waits_told():
        pass
    assert time.sleep is real
    assert not CLOCK.in_use
    monkeypatch.undo()
    with waits_told():
        assert time.sleep is not real
    assert time.sleep is real


def test_a_clock_that_the_test_leaves_in_place_is_not_taken_for_ours() -> None:
    from freezegun import api

    theirs = freezegun.freeze_time("2030-05-05")
    with frozen(_clock()):
        factory = theirs.start()
        assert dt.datetime.now().year == 2030
    assert api.freeze_factories == [factory]
    # freezegun itself can only stop the one that was started first.
    for stack in (api.freeze_factories, api.tz_offsets, api.ignore_lists, api.tick_flags):
        stack.clear()
    assert time.monotonic is REAL.monotonic


def test_a_clock_within_a_clock_of_the_test() -> None:
    with freezegun.freeze_time("2030-05-05"):
        with frozen(_clock()):
            assert dt.datetime.now(dt.UTC).year == 2000
        assert dt.datetime.now(dt.UTC).year == 2030


def test_the_times_of_logs_stay_real() -> None:
    before_s = REAL.time_ns() / 1e9
    with frozen(_clock()):
        record = logging.LogRecord("name", logging.INFO, "path", 1, "what", None, None)
    assert record.created >= before_s - 1


def test_dates_can_be_pickled_and_identifiers_made() -> None:
    with frozen(_clock()):
        now = dt.datetime.now()
        assert pickle.loads(pickle.dumps(now)) == now
        assert uuid.uuid1() != uuid.uuid1()


def test_a_clock_of_the_test_is_noticed_and_forgotten(answers: Answers) -> None:
    real = time.sleep
    with freezegun.freeze_time("2030-05-05"):
        intercept.notice()
        assert CLOCK.on
        time.sleep(3600)
        assert dt.datetime.now().hour == 1
        clocked.forget()
    assert not CLOCK.in_use
    assert time.sleep is real
