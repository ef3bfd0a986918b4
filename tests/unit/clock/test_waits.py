"""Time goes on when everybody waits, to what comes first; and they are woken in order, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pytest_proctape.clock import REAL, Timeline, Wait, Waits
from pytest_proctape.clock.parked import Watch

from .conftest import MS, Clocks


class Events:
    """A source of things that happen at certain times; one of ``None`` waits for :meth:`cause`."""

    def __init__(self, waits: Waits, *at_ns: int | None) -> None:
        self._waits = waits
        self._left = list(at_ns)
        self.done = 0
        waits.add(self)

    def due_ns(self) -> int | None:
        return self._left[0] if self._left else None

    def step(self) -> bool:
        before = self.done
        while self._left and self._left[0] is not None and self._left[0] <= self._waits.timeline.now_ns():
            self._left.pop(0)
            self.done += 1
        return self.done != before

    def cause(self) -> None:
        self._left.pop(0)


@pytest.fixture
def waits(timeline: Timeline) -> Waits:
    return Waits(timeline, lambda: False)


def _in_threads(waits: Waits, *bodies: Callable[[], object]) -> None:
    """Run all of them at once; nobody's time passes before each one is there."""
    with waits.taking_part():
        tickets = [waits.expect() for _ in bodies]

        def run(ticket: object, body: Callable[[], object]) -> None:
            with waits.taking_part(ticket):  # type: ignore[arg-type]
                body()

        threads = [
            threading.Thread(target=run, args=pair, daemon=True) for pair in zip(tickets, bodies, strict=True)
        ]
        for one in threads:
            one.start()
    for one in threads:
        one.join(20)
        assert not one.is_alive()


def test_a_wait_alone_jumps_to_its_deadline(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    assert waits.block(Wait(now_ns + 5 * MS)) is False
    assert waits.timeline.now_ns() == now_ns + 5 * MS


def test_what_is_ready_takes_no_time(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    assert waits.block(Wait(now_ns + MS, lambda: True)) is True
    assert waits.timeline.now_ns() == now_ns


def test_a_deadline_that_has_passed_takes_no_time(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    assert waits.block(Wait(now_ns - MS)) is False
    assert waits.timeline.now_ns() == now_ns


def test_what_a_source_does_comes_first(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    source = Events(waits, now_ns + 2 * MS, now_ns + 4 * MS)
    assert waits.block(Wait(now_ns + 9 * MS, lambda: source.done == 2)) is True
    assert waits.timeline.now_ns() == now_ns + 4 * MS


def test_a_source_that_is_held_back_lets_time_pass(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    source = Events(waits, None, now_ns + 20 * MS)
    assert waits.block(Wait(now_ns + 9 * MS, lambda: source.done == 1)) is False
    source.cause()
    assert waits.block(Wait(now_ns + 90 * MS, lambda: source.done == 1)) is True
    assert waits.timeline.now_ns() == now_ns + 20 * MS


def test_what_was_sent_is_received_before_time_goes_on(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()

    class Chain:
        """Takes what the one behind it has got."""

        def __init__(self, behind: Chain | None) -> None:
            self.behind, self.got = behind, behind is None
            waits.add(self)

        def due_ns(self) -> int | None:
            return None

        def step(self) -> bool:
            before = self.got
            self.got = self.behind is None or self.behind.got
            return self.got != before

    first = Chain(None)
    chain = [first]
    for _ in range(5):
        chain.append(Chain(chain[-1]))
    assert waits.block(Wait(now_ns + MS, lambda: chain[-1].got)) is True
    assert waits.timeline.now_ns() == now_ns


def test_sources_happen_one_after_the_other(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    last, first = (Events(waits, now_ns + MS + us * 1000) for us in (1, 0))
    assert waits.block(Wait(None, lambda: bool(first.done))) is True
    assert last.done == 0
    assert waits.timeline.now_ns() == now_ns + MS


def test_a_source_that_was_discarded_does_nothing(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    source = Events(waits, now_ns + MS)
    waits.discard(source)
    assert waits.block(Wait(now_ns + 5 * MS, lambda: source.done == 1)) is False


def test_threads_are_woken_in_the_order_of_their_deadlines(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    order: list[int] = []

    def sleeper(ms: int) -> Callable[[], None]:
        def run() -> None:
            waits.block(Wait(now_ns + ms * MS))
            order.append(ms)
            assert waits.timeline.now_ns() == now_ns + ms * MS

        return run

    _in_threads(waits, *(sleeper(ms) for ms in (3, 1, 2, 5, 4)))
    assert order == [1, 2, 3, 4, 5]


def test_of_two_with_the_same_deadline_the_one_that_waited_first_goes_first(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    order: list[str] = []

    def sleeper(name: str, first_ms: int) -> Callable[[], None]:
        def run() -> None:
            waits.block(Wait(now_ns + first_ms * MS))
            for at_ms in (10, 20, 30):
                waits.block(Wait(now_ns + at_ms * MS))
                order.append(name)

        return run

    _in_threads(waits, sleeper("c", 3), sleeper("a", 1), sleeper("b", 2))
    assert order == ["a", "b", "c"] * 3


def test_time_stands_while_somebody_is_busy(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    seen: list[int] = []
    working = threading.Event()

    def work() -> None:
        working.set()
        sum(range(200_000))
        seen.append(waits.timeline.now_ns())

    def sleep() -> None:
        working.wait(20)
        waits.block(Wait(now_ns + MS))
        seen.append(waits.timeline.now_ns())

    _in_threads(waits, work, sleep)
    assert seen == [now_ns, now_ns + MS]


def test_time_stands_until_those_who_are_expected_have_begun(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    ticket = waits.expect()
    seen: list[int] = []
    looked = threading.Event()

    def look() -> bool:
        looked.set()
        return False

    wait = Wait(now_ns + MS, look)

    def arrive() -> None:
        looked.wait(20)
        seen.append(waits.timeline.now_ns())
        waits.forget(ticket)

    thread = threading.Thread(target=arrive)
    thread.start()
    waits.block(wait)
    thread.join()
    assert seen == [now_ns]
    assert waits.timeline.now_ns() == now_ns + MS


def test_a_thread_with_the_number_of_one_that_has_ended_is_another(waits: Waits) -> None:
    begun = threading.Event()
    go_on = threading.Event()
    ticket = waits.expect()

    def body() -> None:
        # Left there by a thread of an earlier test that has waited once more, and ended: it is not busy.
        waits.polled()
        waits._participants[threading.get_ident()]._watch = Watch(0)
        with waits.taking_part(ticket):
            begun.set()
            go_on.wait()

    thread = threading.Thread(target=body)
    thread.start()
    begun.wait()
    assert not waits._expects_somebody()
    assert waits._is_anybody_busy(waits._own()), "the new one runs"
    go_on.set()
    thread.join()
    assert waits.block(Wait(waits.timeline.now_ns() + MS)) is False
    assert not waits.takes_part(thread.ident or 0)


def test_what_cannot_begin_is_not_waited_for(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    waits.expect(lambda: False)
    passing = waits.expect(lambda: False, passing=True)
    waits.block(Wait(now_ns + MS))
    assert waits.timeline.now_ns() == now_ns + MS
    passing.can_begin = lambda: True
    waits.block(Wait(now_ns + 2 * MS))
    assert waits.timeline.now_ns() == now_ns + 2 * MS


def test_a_thread_that_sleeps_on_a_plain_lock_is_not_busy(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    gate = threading.Lock()
    gate.acquire()

    def park() -> None:
        gate.acquire()

    def sleep() -> None:
        waits.block(Wait(now_ns + MS))
        gate.release()

    _in_threads(waits, park, sleep)
    assert waits.timeline.now_ns() == now_ns + MS


def test_one_thread_wakes_another(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    told: list[int] = []

    def tell() -> None:
        waits.block(Wait(now_ns + 2 * MS))
        told.append(1)

    got: list[object] = []

    def listen() -> None:
        got.append(waits.block(Wait(None, lambda: bool(told))))
        got.append(waits.timeline.now_ns() - now_ns)

    _in_threads(waits, listen, tell)
    assert got == [True, 2 * MS]


def test_who_left_takes_no_part(waits: Waits) -> None:
    ident = threading.get_ident()
    with waits.taking_part():
        assert waits.takes_part(ident)
        with waits.taking_part():
            pass
        assert waits.takes_part(ident)
    assert not waits.takes_part(ident)


def test_patience_ends_where_nothing_can_happen(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    assert waits.block(Wait(None), patience_ns=MS) is False
    assert waits.timeline.now_ns() == now_ns


def test_a_wait_in_the_handler_of_a_signal(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    inner: list[int] = []

    def ready() -> bool:
        if not inner:
            inner.append(0)
            waits.block(Wait(now_ns + MS))
            inner[0] = waits.timeline.now_ns()
        return False

    assert waits.block(Wait(now_ns + 3 * MS, ready)) is False
    assert inner == [now_ns + MS]
    assert waits.timeline.now_ns() == now_ns + 3 * MS


def test_looks_without_a_pause_let_time_pass(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    source = Events(waits, now_ns + 50 * MS)
    for _ in range(15):
        waits.polled()
    assert waits.timeline.now_ns() == now_ns
    looks = 0
    while not source.done and looks < 1000:
        waits.polled(lambda: bool(source.done))
        looks += 1
    assert source.done
    assert waits.timeline.now_ns() == now_ns + 50 * MS


def test_what_is_found_begins_the_count_of_looks_anew(waits: Waits) -> None:
    now_ns = waits.timeline.now_ns()
    for _ in range(100):
        for _ in range(15):
            waits.polled()
        waits.found()
    assert waits.timeline.now_ns() == now_ns


def test_what_is_noted_while_somebody_is_about_to_give_up_has_come_in_time(waits: Waits) -> None:
    deadline_ns = waits.timeline.now_ns() + MS
    noted: list[int] = []

    def look() -> bool:
        came = bool(noted)
        if not came and waits.timeline.now_ns() >= deadline_ns:
            # What another thread would do, just behind this look.
            waits.hold()
            noted.append(waits.timeline.noted_ns())
            waits.go_on()
        return came

    assert waits.block(Wait(deadline_ns, look)) is True
    assert noted == [deadline_ns]


def test_what_is_noted_when_somebody_has_given_up_came_too_late(waits: Waits) -> None:
    deadline_ns = waits.timeline.now_ns() + MS
    assert waits.block(Wait(deadline_ns)) is False
    assert waits.timeline.noted_ns() == deadline_ns + 1000


# -- real time ---------------------------------------------------------------------------------


@pytest.fixture
def real_waits(timeline: Timeline) -> Waits:
    return Waits(timeline, lambda: True)


def test_with_real_commands_the_stopwatch_moves_it(real_waits: Waits) -> None:
    now_ns, real_ns = real_waits.timeline.now_ns(), REAL.monotonic_ns()
    assert real_waits.block(Wait(now_ns + 3 * MS)) is False
    # Not earlier in real time, and exactly there in its own.
    assert REAL.monotonic_ns() - real_ns >= 3 * MS
    assert real_waits.timeline.now_ns() == now_ns + 3 * MS
    assert not real_waits.timeline.running


def test_the_stopwatch_stands_while_something_is_noted(real_waits: Waits, stopped: Clocks) -> None:
    timeline = real_waits.timeline
    now_ns = timeline.now_ns()
    timeline.run(None)
    stopped.real_ns += 2 * MS
    real_waits.hold()
    stopped.real_ns += 50 * MS
    assert timeline.now_ns() == now_ns + 2 * MS
    real_waits.go_on()
    assert timeline.running
    stopped.real_ns += MS
    assert timeline.stop() == now_ns + 3 * MS


def test_the_stopwatch_does_not_go_on_once_somebody_runs(real_waits: Waits, stopped: Clocks) -> None:
    with real_waits.taking_part():
        real_waits.timeline.run(None)
        real_waits.hold()
        real_waits.go_on()
        assert not real_waits.timeline.running


def test_one_wait_for_the_world_makes_time_real(waits: Waits) -> None:
    now_ns, real_ns = waits.timeline.now_ns(), REAL.monotonic_ns()
    wait = Wait(now_ns + 3 * MS)
    wait.real = True
    assert waits.block(wait) is False
    assert REAL.monotonic_ns() - real_ns >= 3 * MS
    assert waits.timeline.now_ns() == now_ns + 3 * MS
