"""Waiting for another thread lets a mock clock's time pass, where that thread waits too."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from pytest_proctape.clock import TapeClock

from .answering import passed


def test_joins(clock: TapeClock) -> None:
    thread = threading.Thread(target=time.sleep, args=(0.5,))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    assert passed(clock) == pytest.approx(0.2)
    thread.join()
    assert not thread.is_alive()
    assert passed(clock) == pytest.approx(0.5)
    thread.join()
    with pytest.raises(RuntimeError):
        threading.Thread().join()
    with pytest.raises(RuntimeError):
        threading.current_thread().join()


def test_a_pool_that_is_left_takes_no_time(clock: TapeClock) -> None:
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(time.sleep, seconds) for seconds in (0.1, 0.2, 0.3)]
        for one in jobs:
            one.result(10)
    assert passed(clock) == pytest.approx(0.3, abs=1e-5)


def test_jobs_that_have_to_queue(clock: TapeClock) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert [one.result() for one in [pool.submit(lambda: time.sleep(0.1)) for _ in range(3)]] == [
            None
        ] * 3
    assert passed(clock) == pytest.approx(0.3, abs=1e-5)


def test_what_the_test_adds_wakes_those_who_waited_for_it(clock: TapeClock) -> None:
    woken: list[float] = []
    event = threading.Event()

    def wait() -> None:
        event.wait(100)
        woken.append(passed(clock))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(1)  # passes when the thread waits
    clock.advance(timedelta(hours=1))
    thread.join()
    assert woken == [3601]
