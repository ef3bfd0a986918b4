"""The child that plays: causes first, and nothing else holds it back."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pytest_proctape.child import Stalled, virtual
from pytest_proctape.errors import Divergence
from pytest_proctape.tape.script import OutputEnd, Signal, Timeout
from tests.parity.harness import deadline

from .stage import CLOSED, MS, Stage, hears, says

TERM, KILL = int(signal.SIGTERM), int(signal.SIGKILL)


# -- output ------------------------------------------------------------------------------------


def test_output_without_a_cause_is_there_at_once() -> None:
    with Stage(says(b"out"), says(b"err", 2), status=3 << 8) as stage:
        assert stage.child.status == 3 << 8
        assert stage.ended == 1
        assert (stage.all_of(stage.out), stage.all_of(stage.err)) == (b"out", b"err")
        assert stage.child.wait() == 3 << 8


def test_output_that_a_pipe_can_not_hold_follows_its_reader() -> None:
    data = bytes(range(256)) * 2000
    with Stage(says(data)) as stage:
        assert stage.child.wait() == 0
        assert stage.all_of(stage.out) == data


def test_merged_output_keeps_its_order() -> None:
    with Stage(says(b"1"), says(b"2", 2), says(b"3"), merged=True) as stage:
        assert stage.all_of(stage.out) == b"123"


def test_output_that_ends_before_the_child() -> None:
    with Stage(says(b"x"), OutputEnd(1), CLOSED) as stage:
        assert stage.all_of(stage.out) == b"x"
        assert stage.child.poll() is None
        stage.close_input()
        assert stage.child.wait() == 0


def test_a_reader_that_leaves_changes_nothing_about_the_end() -> None:
    with Stage(says(b"x" * 1_000_000), CLOSED, status=int(signal.SIGPIPE)) as stage:
        os.close(stage.out)
        stage.out = -1
        stage.close_input()
        assert stage.child.wait() == signal.SIGPIPE


@pytest.mark.parametrize("private", [True, False])
def test_flags_of_the_callers_own_descriptors_stay(private: bool) -> None:
    with Stage(says(b"x"), private=private) as stage:
        assert stage.blocking is not private


# -- input -------------------------------------------------------------------------------------


def test_output_waits_for_the_input_it_followed() -> None:
    with Stage(says(b"hello "), hears(b"who"), says(b"me"), CLOSED) as stage:
        assert stage.heard() == b"hello "
        assert stage.child.poll() is None
        stage.send(b"w")
        stage.child.step()
        assert stage.heard() == b""
        stage.send(b"ho")
        stage.child.step()
        assert stage.heard() == b"me"
        stage.close_input()
        assert stage.child.wait() == 0


def test_the_pump_plays_on_when_nobody_asks() -> None:
    with Stage(hears(b"?"), says(b"!")) as stage:
        stage.send(b"?")
        assert os.read(stage.out, 10) == b"!"


@pytest.mark.parametrize("sent, offset, got", [(b"axc", 0, b"axc"), (b"b", 0, b"b")])
def test_other_input(sent: bytes, offset: int, got: bytes) -> None:
    with Stage(hears(b"abc"), CLOSED) as stage:
        stage.send(sent)
        with pytest.raises(Divergence):
            stage.child.poll()
        (wrong,) = stage.wrong
        assert not isinstance(wrong, Stalled)
        assert (wrong.got, wrong.offset) == (got, offset)
        assert stage.child.poll() == KILL, "the error is raised once, and the child is gone"
        assert stage.all_of(stage.out) == b""


def test_input_that_differs_further_on() -> None:
    with Stage(hears(b"abcd"), CLOSED) as stage:
        stage.send(b"ab")
        assert stage.child.poll() is None
        stage.send(b"XY")
        with pytest.raises(Divergence):
            stage.child.poll()
        assert [getattr(wrong, "offset", None) for wrong in stage.wrong] == [2]


def test_input_that_ends_too_early() -> None:
    with Stage(hears(b"abc"), CLOSED) as stage:
        stage.send(b"ab")
        stage.close_input()
        with pytest.raises(Divergence):
            stage.child.wait()
        assert [getattr(wrong, "got", 0) for wrong in stage.wrong] == [None]


def test_more_input_than_the_child_was_sent() -> None:
    with Stage(hears(b"a"), CLOSED) as stage:
        stage.send(b"ab")
        with pytest.raises(Divergence):
            stage.child.wait()
        assert [getattr(wrong, "got", None) for wrong in stage.wrong] == [b"b"]


def test_input_that_a_child_did_not_wait_for_is_not_looked_at() -> None:
    with Stage(hears(b"a"), says(b"enough")) as stage:
        stage.send(b"a and more")
        assert stage.child.wait() == 0
        assert stage.wrong == []


# -- signals -----------------------------------------------------------------------------------


def test_a_child_that_is_killed_runs_until_then() -> None:
    with Stage(says(b"up"), Signal(KILL), status=KILL) as stage:
        assert [stage.child.poll() for _ in range(3)] == [None] * 3
        stage.child.send(KILL)
        assert stage.child.poll() == KILL


def test_output_after_a_signal() -> None:
    with Stage(Signal(TERM), says(b"bye"), status=3 << 8) as stage:
        assert stage.heard() == b""
        stage.child.send(TERM)
        assert stage.all_of(stage.out) == b"bye"
        assert stage.child.wait() == 3 << 8


def test_what_a_killed_child_has_left_unread_is_not_asked_for() -> None:
    with Stage(Signal(KILL), status=KILL) as stage:
        os.write(stage.to, b"never read")
        stage.child.send(KILL)
        assert stage.child.wait() == KILL
        assert stage.wrong == []


def test_another_signal() -> None:
    with Stage(Signal(TERM), status=TERM) as stage:
        stage.child.send(KILL)
        with pytest.raises(Divergence):
            stage.child.poll()
        assert [getattr(wrong, "got", None) for wrong in stage.wrong] == [KILL]


def test_signal_zero_and_signals_to_the_dead_do_nothing() -> None:
    with Stage(Signal(TERM), status=TERM) as stage:
        stage.child.send(0)
        assert stage.child.poll() is None
        stage.child.send(TERM)
        stage.child.send(KILL)
        assert stage.child.poll() == TERM
        assert stage.wrong == []


# -- timed waits -------------------------------------------------------------------------------


def test_a_wait_that_expired_expires_again() -> None:
    with Stage(Timeout(100 * MS, 100 * MS), Signal(KILL, 101 * MS), status=KILL) as stage:
        assert stage.child.expires(100 * MS)
        stage.child.send(KILL)
        assert not stage.child.expires(100 * MS)


def test_a_wait_without_a_limit_passes_the_expired_one() -> None:
    with Stage(Timeout(100 * MS, 100 * MS), says(b"late", at_ns=150 * MS), duration_ns=200 * MS) as stage:
        assert stage.child.wait() == 0
        assert stage.all_of(stage.out) == b"late"


@pytest.mark.parametrize("limit_ms, expires", [(50, True), (100, True), (150, True), (250, False)])
def test_another_limit_reaches_as_far_as_the_recorded_times_say(limit_ms: int, expires: bool) -> None:
    with Stage(Timeout(100 * MS, 100 * MS), duration_ns=200 * MS) as stage:
        assert stage.child.expires(limit_ms * MS) is expires


@pytest.mark.parametrize("limit_s, expires", [(10, True), (4_000, True), (6_000, False), (60_000, False)])
def test_without_an_expired_wait_the_duration_decides(limit_s: int, expires: bool) -> None:
    with Stage(duration_ns=5_000 * 1000 * MS) as stage:
        assert stage.child.expires(limit_s * 1000 * MS) is expires


def test_several_expired_waits() -> None:
    timeouts = [Timeout(ms * MS, ms * MS) for ms in (10, 20, 30)]
    with Stage(*timeouts, Signal(TERM, 40 * MS), status=TERM) as stage:
        assert [stage.child.expires(ms * MS) for ms in (10, 20, 30)] == [True] * 3
        assert stage.child.at_timeout
        stage.child.send(TERM)
        assert stage.child.wait() == TERM


def test_output_between_two_expired_waits() -> None:
    steps = (Timeout(10 * MS, 10 * MS), says(b"x", at_ns=15 * MS), Timeout(10 * MS, 25 * MS))
    with Stage(*steps, Signal(KILL, 30 * MS), status=KILL) as stage:
        assert stage.heard() == b""
        assert stage.child.expires(10 * MS)
        assert stage.heard() == b"x"
        assert stage.child.expires(10 * MS)


def test_a_timed_wait_goes_on_while_another_thread_brings_what_the_child_waits_for() -> None:
    with Stage(hears(b"go"), says(b"went"), duration_ns=10 * MS) as stage:
        helper = _Helper(stage)
        with deadline("the timed wait", 60):
            assert stage.child.expires(10**9 * MS) is False
        helper.join()
        assert stage.heard() == b"went"


def test_a_timed_wait_beside_a_thread_that_brings_nothing_expires_when_its_time_has_come() -> None:
    with Stage(hears(b"go")) as stage:
        over = threading.Event()
        thread = threading.Thread(target=over.wait)
        thread.start()
        try:
            with deadline("the timed wait", 60):
                assert stage.child.expires(MS) is True
        finally:
            over.set()
            thread.join()


class _Helper(threading.Thread):
    """Sends what the child waits for when another thread waits for the child."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self.start()

    def run(self) -> None:
        while self._stage.child._changed is None:
            os.sched_yield()
        self._stage.send(b"go")


# -- waiting -----------------------------------------------------------------------------------


def test_waiting_for_what_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "LONE_STALL_LIMIT_NS", 1)
    monkeypatch.setattr(virtual, "STALL_LIMIT_NS", 1)
    with Stage(hears(b"never")) as stage:
        with pytest.raises(Divergence):
            stage.child.wait()
        assert isinstance(stage.wrong[0], Stalled)
        assert stage.wrong[0].awaited == hears(b"never")


def test_another_thread_may_bring_the_cause() -> None:
    with Stage(Signal(TERM), status=TERM) as stage:
        thread = threading.Thread(target=stage.child.send, args=(TERM,))
        waits = threading.Thread(target=stage.child.wait)
        waits.start()
        thread.start()
        thread.join()
        waits.join()
        assert stage.child.status == TERM


def test_closing_a_running_child_kills_it() -> None:
    with Stage(says(b"x"), hears(b"never")) as stage:
        stage.child.close()
        assert stage.child.poll() == KILL
        assert stage.all_of(stage.out) == b"x"
        with pytest.raises(BrokenPipeError):
            stage.send(b"anybody?")


def test_a_kill_does_not_wait_for_input_that_may_never_come() -> None:
    with Stage(hears(b"word")) as stage:
        stage.child.send(TERM)
        assert stage.wrong == []
        stage.child.send(KILL)
        assert stage.child.status == KILL
        assert [getattr(wrong, "got", None) for wrong in stage.wrong] == [KILL]


def test_a_kill_that_is_on_the_tape_comes_behind_the_input() -> None:
    with Stage(hears(b"word"), Signal(KILL), status=KILL) as stage:
        stage.child.send(KILL)
        assert stage.child.status is None
        stage.send(b"word")
        assert stage.child.wait() == KILL
        assert stage.wrong == []
