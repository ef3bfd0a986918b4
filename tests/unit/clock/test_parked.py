"""A thread that sleeps on a lock is told from one that is busy, by looking from outside."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import pytest

from pytest_proctape.clock import REAL
from pytest_proctape.clock.parked import Watch

pytestmark = pytest.mark.skipif(
    not os.access("/proc/self/task", os.R_OK) or sys.platform != "linux", reason="looks at /proc"
)


def _while_it(body: Callable[[], object], look: Callable[[Watch], None]) -> None:
    ids: list[int] = []
    there = threading.Event()

    def run() -> None:
        ids.append(threading.get_native_id())
        there.set()
        body()

    thread = threading.Thread(target=run)
    thread.start()
    there.wait()
    look(Watch(ids[0]))
    thread.join()


def test_a_thread_on_a_lock() -> None:
    gate = threading.Lock()
    gate.acquire()

    def look(watch: Watch) -> None:
        # Only once it has slept for a while.
        assert not watch.parked()
        looks = 0
        while not watch.parked() and looks < 5000:
            REAL.sleep(0.002)
            looks += 1
        assert watch.parked()
        gate.release()

    _while_it(gate.acquire, look)


def test_a_thread_that_reads_from_a_pipe() -> None:
    reader, writer = os.pipe()

    def look(watch: Watch) -> None:
        for _ in range(15):
            assert not watch.parked()
            REAL.sleep(0.002)
        os.write(writer, b"x")

    try:
        _while_it(lambda: os.read(reader, 1), look)
    finally:
        os.close(reader)
        os.close(writer)


def test_a_thread_that_has_ended() -> None:
    found: list[Watch] = []
    _while_it(lambda: None, found.append)
    looks = 0
    while not found[0].parked() and looks < 5000:
        REAL.sleep(0.001)
        looks += 1
    assert found[0].parked()


def test_the_thread_that_looks_is_busy() -> None:
    watch = Watch(threading.get_native_id())
    assert not any(watch.parked() for _ in range(5))
