"""The thread that moves bytes."""

from __future__ import annotations

import os
import selectors
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

import pytest_proctape.child.pump as pump_module
from pytest_proctape.child.pump import Pump
from pytest_proctape.clock import REAL
from tests.parity.at_line import traced
from tests.parity.harness import deadline

_LONG_S = 15
"""Seconds to wait for what has to come."""


class Owner:
    """Counts its steps, and stops watching at each."""

    def __init__(self, pump: Pump, fd: int) -> None:
        self.pump = pump
        self.fd = fd
        self.stepped = threading.Event()

    def step(self) -> None:
        self.pump.forget(self.fd)
        self.stepped.set()


@pytest.fixture
def pump() -> Iterator[Pump]:
    made = Pump()
    yield made
    made.retire()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:
            pass


def test_a_readable_descriptor_steps_its_owner(pump: Pump, pipe: tuple[int, int]) -> None:
    owner = Owner(pump, pipe[0])
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    assert not owner.stepped.is_set()
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)


@pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="an empty mask is Linux's")
def test_no_events_mean_a_hang_up(pump: Pump, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    owner = Owner(pump, writer)
    pump.watch(writer, 0, owner)
    other = Owner(pump, reader)
    pump.watch(reader, selectors.EVENT_READ, other)
    os.write(writer, b"x")
    assert other.stepped.wait(_LONG_S)
    assert not owner.stepped.is_set(), "it was writable all the time"
    os.close(reader)
    assert owner.stepped.wait(_LONG_S)


def test_from_no_events_to_writable(pump: Pump, pipe: tuple[int, int]) -> None:
    """A tap that waited for its reader to leave waits for room: the mask has to reach the kernel."""
    owner = Owner(pump, pipe[1])
    pump.watch(pipe[1], 0, owner)
    pump.watch(pipe[1], selectors.EVENT_WRITE, owner)
    assert owner.stepped.wait(_LONG_S)


def test_what_is_forgotten_steps_nobody(pump: Pump, pipe: tuple[int, int]) -> None:
    owner = Owner(pump, pipe[0])
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    pump.forget(pipe[0])
    pump.forget(pipe[0])
    os.write(pipe[1], b"x")
    witness = Owner(pump, pipe[1])
    pump.watch(pipe[1], selectors.EVENT_WRITE, witness)
    assert witness.stepped.wait(_LONG_S)
    assert not owner.stepped.is_set()


def test_a_call_at_a_time(pump: Pump) -> None:
    owner, never = Owner(pump, -1), Owner(pump, -2)
    pump.call_at(REAL.monotonic_ns() + 10**15, never)
    pump.call_at(REAL.monotonic_ns() + 1_000_000, owner)
    assert owner.stepped.wait(_LONG_S)
    assert not never.stepped.is_set()
    pump.call_at(None, never)


def test_retiring_waits_for_the_last_owner(pump: Pump, pipe: tuple[int, int]) -> None:
    owner = Owner(pump, pipe[0])
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    pump.retire()
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)
    # The fixture of the folder finds out whether thread and descriptors are gone.


@pytest.mark.parametrize("by", ["time", "descriptor"])
def test_what_was_to_start_the_thread_was_interrupted(
    pump: Pump, pipe: tuple[int, int], by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    owner = Owner(pump, pipe[0])
    pump.engage()
    monkeypatch.setattr(pump, "_start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pump.call_at(0, owner) if by == "time" else pump.watch(pipe[0], selectors.EVENT_READ, owner)
    pump.retire()
    assert pump._wake_read != -1
    pump.call_at(None, owner)
    pump.forget(pipe[0])
    assert pump._selector is None
    assert pump._wake_read == -1


def test_it_can_be_used_again(pump: Pump, pipe: tuple[int, int]) -> None:
    for _ in range(3):
        owner = Owner(pump, pipe[1])
        pump.watch(pipe[1], selectors.EVENT_WRITE, owner)
        assert owner.stepped.wait(_LONG_S)
        pump.retire()


def test_it_rests_while_it_is_paused(pump: Pump, pipe: tuple[int, int]) -> None:
    owner = Owner(pump, pipe[0])
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    pump.pause()
    os.write(pipe[1], b"x")
    assert not owner.stepped.is_set()
    pump.resume()
    assert owner.stepped.wait(_LONG_S)


def test_it_rests_until_the_last_of_two_forks_is_over(pump: Pump, pipe: tuple[int, int]) -> None:
    owner, paused, over = Owner(pump, pipe[0]), threading.Event(), threading.Event()
    pump.watch(pipe[0], selectors.EVENT_READ, owner)

    def fork() -> None:
        pump.pause()
        paused.set()
        assert over.wait(_LONG_S)
        pump.resume()

    other = threading.Thread(target=fork)
    other.start()
    assert paused.wait(_LONG_S)
    pump.pause()
    pump.resume()
    assert not pump._running
    os.write(pipe[1], b"x")
    over.set()
    other.join()
    assert owner.stepped.wait(_LONG_S)


def test_a_fork_of_whose_end_it_was_not_told_is_over_when_its_thread_begins_a_tape(
    pump: Pump, pipe: tuple[int, int]
) -> None:
    """Ctrl-C in the middle of the telling is swallowed by os.fork."""
    owner = Owner(pump, pipe[0])
    pump.pause()
    pump.engage()
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)


def test_who_watches_while_it_retires_is_served(pump: Pump, pipe: tuple[int, int]) -> None:
    """The thread was told to end and has not seen it: it goes on, and who waits for its end does too."""
    leave = threading.Event()

    class Slow(Owner):
        def step(self) -> None:
            super().step()
            leave.wait(_LONG_S)

    slow, owner = Slow(pump, pipe[1]), Owner(pump, pipe[0])
    pump.watch(pipe[1], selectors.EVENT_WRITE, slow)
    assert slow.stepped.wait(_LONG_S)
    retiring = threading.Thread(target=pump.retire)
    retiring.start()
    with deadline("the thread to be told", _LONG_S):
        while pump._running:
            os.sched_yield()
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    retiring.join(_LONG_S)
    assert not retiring.is_alive()
    leave.set()
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)


def test_who_can_not_wait_for_the_thread_catches_up(pump: Pump) -> None:
    pump.pause()
    ends = [os.pipe() for _ in range(2)]
    owner, other = (Owner(pump, reader) for reader, _ in ends)
    try:
        for one in (owner, other):
            pump.watch(one.fd, selectors.EVENT_READ, one)
        pump.catch_up({owner})
        assert not owner.stepped.is_set()
        for _, writer in ends:
            os.write(writer, b"x")
        pump.catch_up({owner})
        assert owner.stepped.is_set()
        assert not other.stepped.is_set(), "nobody asked for that one"
        pump.resume()
        assert other.stepped.wait(_LONG_S)
    finally:
        for pair in ends:
            for fd in pair:
                os.close(fd)


def test_the_thread_is_not_woken_for_what_comes_later(pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = [Owner(pump, -1 - number) for number in range(3)]
    far_ns = REAL.monotonic_ns() + 10**15
    pump.call_at(far_ns, owners[0])
    with deadline("the thread to look at the time", _LONG_S):
        while pump._sleeps_until_ns != far_ns:
            os.sched_yield()
    woken: list[int] = []
    wake = pump._wake

    def wake_up() -> None:
        woken.append(1)
        wake()

    monkeypatch.setattr(pump, "_wake", wake_up)
    pump.call_at(far_ns + 1, owners[1])
    pump.call_at(None, owners[1])
    assert woken == []
    pump.call_at(0, owners[2])
    assert woken == [1]
    assert owners[2].stepped.wait(_LONG_S)
    pump.call_at(None, owners[0])


def test_who_can_not_be_stepped_lets_go_of_what_others_wait_at(
    pump: Pump, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: told.append(kind))
    given_up: list[Exception] = []

    class Failing:
        def step(self) -> None:
            raise ZeroDivisionError

        def give_up(self, error: Exception) -> None:
            given_up.append(error)
            os.close(pipe[1])

    reader, writer = os.pipe()
    pump.watch(reader, selectors.EVENT_READ, Failing())
    os.write(writer, b"x")
    with deadline("the end of the pipe", _LONG_S):
        assert os.read(pipe[0], 1) == b""
    assert told == [ZeroDivisionError]
    assert [type(one) for one in given_up] == [ZeroDivisionError]
    assert pump.idle
    os.close(reader)
    os.close(writer)


class Interrupted(BaseException):
    """What Ctrl-C raises anywhere."""


@pytest.mark.parametrize("begins", [False, True], ids=["before the thread begins", "behind that"])
def test_a_start_that_is_interrupted_can_be_made_again(
    pump: Pump, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, begins: bool
) -> None:
    start = pump_module._START_THREAD

    def interrupted(*asked: Any) -> None:
        if begins:
            start(*asked)
        raise Interrupted

    owner = Owner(pump, pipe[0])
    with monkeypatch.context() as patch:
        patch.setattr(pump_module, "_START_THREAD", interrupted)
        with pytest.raises(Interrupted):
            pump.watch(pipe[0], selectors.EVENT_READ, owner)
    pump.forget(pipe[0])
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)


@pytest.mark.parametrize("ends", [False, True], ids=["there is no thread", "it was told to end"])
@pytest.mark.parametrize("line", range(1, 12))
def test_a_handler_of_a_signal_starts_it_as_well(
    pump: Pump, pipe: tuple[int, int], line: int, ends: bool
) -> None:
    """Python runs handlers between any two lines: here before the one of that number in `Pump._start`."""
    others = os.pipe()
    owner, other = Owner(pump, pipe[0]), Owner(pump, others[0])
    leave = threading.Event()

    class Slow(Owner):
        def step(self) -> None:
            super().step()
            leave.wait(_LONG_S)

    if ends:
        slow = Slow(pump, pipe[1])
        pump.watch(pipe[1], selectors.EVENT_WRITE, slow)
        assert slow.stepped.wait(_LONG_S)
        pump._running = False
    passed = 0

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal passed
        if frame.f_code is not Pump._start.__code__:
            return None
        if event == "line":
            passed += 1
            if passed == line:
                sys.settrace(None)
                pump.watch(others[0], selectors.EVENT_READ, other)
        return trace

    with traced(trace):
        pump.watch(pipe[0], selectors.EVENT_READ, owner)
    leave.set()
    if passed < line:
        pump.watch(others[0], selectors.EVENT_READ, other)
    for end in (pipe[1], others[1]):
        os.write(end, b"x")
    assert owner.stepped.wait(_LONG_S)
    assert other.stepped.wait(_LONG_S)
    pump.retire()
    assert pump._selector is None
    for fd in others:
        os.close(fd)


def test_a_descriptor_whose_watching_was_interrupted_is_not_half_known(
    pump: Pump, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Owner(pump, pipe[0])
    pump.engage()
    selector = pump._selector
    assert selector is not None
    register = selector.register

    def register_and_interrupt(*asked: Any) -> None:
        register(*asked)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(selector, "register", register_and_interrupt)
        with pytest.raises(Interrupted):
            pump.watch(pipe[0], selectors.EVENT_READ, owner)
    assert pump.idle
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)


def test_who_waits_for_the_end_holds_what_the_thread_needs(
    pump: Pump, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_END_S", 0.01)
    owner = Owner(pump, pipe[0])
    pump.watch(pipe[0], selectors.EVENT_READ, owner)
    # As in a signal's handler that forks.
    with deadline("the pause", _LONG_S), pump._lock:
        pump.pause()
        assert pump._alive
        pump.resume()
    os.write(pipe[1], b"x")
    assert owner.stepped.wait(_LONG_S)
