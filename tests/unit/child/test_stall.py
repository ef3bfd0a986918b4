"""Who sleeps without a limit, and the child that nobody will ever wake."""

from __future__ import annotations

import _thread
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_proctape.child import Stalled, stall
from pytest_proctape.errors import Divergence
from pytest_proctape.tape.script import Signal, Timeout

from .stage import MS, Stage, hears, says

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux's /proc")
_LONG_S = 15


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def _asleep_in(call: Callable[[], object]) -> tuple[stall.Sleep | None, threading.Thread]:
    """Where a thread sleeps that makes ``call``; ``None`` if it does not sleep without a limit."""
    tid: list[int] = []
    begun = threading.Event()

    def run() -> None:
        tid.append(threading.get_native_id())
        begun.set()
        call()

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(_LONG_S)
    deadline_s = time.monotonic() + _LONG_S
    while (sleep := stall.sleep_of(tid[0])) is None and time.monotonic() < deadline_s:
        os.sched_yield()
    return sleep, thread


def _poll(fd: int) -> None:
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    waiting.poll()


def _epoll(fd: int) -> None:
    with select.epoll() as waiting:
        waiting.register(fd, select.EPOLLIN)
        waiting.poll()


@pytest.mark.parametrize(
    "call", [lambda fd: os.read(fd, 1), lambda fd: select.select([fd], [], []), _poll, _epoll]
)
def test_a_thread_that_waits_for_a_descriptor(call: Callable[[int], object], pipe: tuple[int, int]) -> None:
    sleep, thread = _asleep_in(lambda: call(pipe[0]))
    os.write(pipe[1], b"x")
    thread.join()
    assert sleep is not None
    assert (sleep.fds, sleep.inside) == ((pipe[0],), False)


def test_a_thread_that_waits_for_another_one() -> None:
    lock = threading.Lock()
    with lock:
        sleep, thread = _asleep_in(lock.acquire)
    thread.join()
    assert sleep is not None
    assert (sleep.fds, sleep.inside) == ((), True)


def test_a_wait_with_a_limit_ends_by_itself(pipe: tuple[int, int]) -> None:
    for call, arguments in (
        ("poll", [0, 0, 100]),
        ("ppoll", [0, 0, 0x7FFF]),
        ("select", [0, 0, 0, 0, 0x7FFF]),
        ("epoll", [pipe[0], 0, 1, 100]),
        ("futex", [0, 0, 0, 0x7FFF]),
    ):
        assert stall._sleep(call, [*arguments, 0, 0], "") is None


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture of the folder has a timer running, which might do something for a child."""
    monkeypatch.setattr(stall, "LIMIT_NS", 1)
    monkeypatch.setattr(stall, "_PERIOD_NS", MS)


@pytest.mark.usefixtures("_at_once")
def test_a_read_that_can_not_end_ends_and_is_told() -> None:
    with Stage(says(b"ready"), hears(b"go"), says(b"done")) as stage:
        assert stage.all_of(stage.out) == b"ready"
        assert isinstance(stage.wrong[0], Stalled)
        assert stage.wrong[0].awaited == hears(b"go")
        with pytest.raises(Divergence):
            stage.child.poll()
        assert stage.child.poll() == signal.SIGKILL


@pytest.mark.usefixtures("_at_once")
def test_a_poll_that_can_not_end() -> None:
    with Stage(Signal(signal.SIGTERM), status=int(signal.SIGTERM)) as stage:
        _poll(stage.err)
        assert len(stage.wrong) == 1


@pytest.mark.usefixtures("_at_once")
def test_a_read_passes_the_timed_waits() -> None:
    with Stage(Timeout(10 * MS), says(b"late")) as stage:
        assert stage.all_of(stage.out) == b"late"
        assert stage.wrong == []


@pytest.mark.usefixtures("_at_once")
def test_a_parent_that_takes_its_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = threading.Semaphore(0)
    real = stall._sleeps

    def counted() -> list[stall.Sleep]:
        looks.release()
        return real()

    monkeypatch.setattr(stall, "_sleeps", counted)
    seen: list[bytes] = []
    with Stage(hears(b"go"), says(b"done")) as stage:
        reader = threading.Thread(target=lambda: seen.append(os.read(stage.out, 10)))
        reader.start()
        # A wait with a limit: this thread will do something by itself.
        assert all(looks.acquire(timeout=_LONG_S) for _ in range(10))
        assert stage.wrong == []
        stage.send(b"go")
        reader.join()
    assert seen == [b"done"]


def test_a_thread_below_threading_counts_while_it_works_for_a_test() -> None:
    begun, over = threading.Lock(), threading.Lock()
    begun.acquire()
    over.acquire()
    tids: list[int] = []

    def work() -> None:
        with stall.at_work():
            tids.append(threading.get_native_id())
            begun.release()
            over.acquire()
        begun.release()

    _thread.start_new_thread(work, ())
    begun.acquire()
    assert tids[0] in stall._tids()
    over.release()
    begun.acquire()
    assert tids[0] not in stall._tids()
