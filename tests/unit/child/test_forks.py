"""Copies of the test's process, before and after it is known what becomes of them."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from pytest_proctape.child import forks
from pytest_proctape.child.forks import Copy, Fork, Forks, status_told
from pytest_proctape.clock import REAL
from tests.copies import forked


@pytest.fixture
def table() -> Forks:
    return Forks()


@pytest.fixture
def running(table: Forks) -> Iterator[Fork]:
    """A copy that runs until the test is over."""
    reader, writer = os.pipe()
    fork = table.begin(None)

    def act() -> None:
        os.close(writer)
        os._exit(len(os.read(reader, 1)))

    fork.pid = forked(act)
    os.close(reader)
    yield fork
    os.close(writer)
    os.waitpid(fork.pid, 0)


def test_a_wait_returns_when_there_is_a_program(table: Forks, running: Fork) -> None:
    thread = threading.Thread(target=table.settle, args=(running.pid, 0))
    thread.start()
    assert table.by_pid(running.pid) is running
    table.leave(running)
    thread.join()
    assert not table
    assert not running.polled


def test_a_wait_returns_at_the_end_of_a_copy(table: Forks) -> None:
    fork = table.begin(None)
    fork.pid = forked(lambda: os._exit(0))
    table.settle(fork.pid, 0)
    assert table.by_pid(fork.pid) is fork
    os.waitpid(fork.pid, 0)
    table.settle(fork.pid, 0)
    table.forget(fork.pid)
    assert not table


def test_a_poll_is_noted(table: Forks, running: Fork) -> None:
    table.settle(running.pid, os.WNOHANG)
    assert running.polled


def test_strangers_are_not_waited_for(table: Forks, running: Fork) -> None:
    for pid in (-1, 0, 1):
        table.settle(pid, 0)
        table.await_exec(pid)
    assert not running.ignored


def test_patience_ends_once(table: Forks, running: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_PATIENCE_NS", 0)
    table.await_all()
    assert running.ignored
    monkeypatch.setattr(forks, "_PATIENCE_NS", 10**15)
    table.await_all()
    assert table, "it is met as the copy that it is"


def test_one_that_calls_is_answered_first(table: Forks) -> None:
    fork = table.begin(None)
    pid = forked(lambda: os._exit(3))
    os.waitpid(pid, 0)
    table.calls(fork, pid)
    waits = [
        threading.Thread(target=table.settle, args=(pid, 0)),
        threading.Thread(target=table.let_answer),
    ]
    for thread in waits:
        thread.start()
    table.answered(fork)
    for thread in waits:
        thread.join()
    assert table


def test_they_are_answered_as_they_were_forked(
    table: Forks, running: Fork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_PATIENCE_NS", 10**15)
    later, elsewhere = table.begin(None), table.begin("another session")
    now_ns = REAL.monotonic_ns()
    assert table.is_next(running, now_ns)
    assert table.is_next(elsewhere, now_ns)
    assert not table.is_next(later, now_ns)
    assert table.is_next(later, now_ns - 10**16), "it has waited for long enough"
    assert table.is_next(later, now_ns), "the other one stays a copy"


def test_one_that_has_ended_holds_up_nobody(table: Forks) -> None:
    first, later = table.begin(None), table.begin(None)
    first.pid = forked(lambda: os._exit(0))
    os.waitpid(first.pid, 0)
    assert table.is_next(later, REAL.monotonic_ns())


def test_the_last_one_turns_the_light_off(table: Forks) -> None:
    told: list[bool] = []
    table.on_idle = lambda: told.append(bool(table))
    first, second = table.begin(None), table.begin(None)
    assert (table.get(first.number), table.get(7)) == (first, None)
    table.leave(first)
    assert told == []
    table.clear()
    assert told == [False]
    assert second.number == 2


def test_the_place_is_that_of_the_one_that_is_answered(table: Forks) -> None:
    fork = table.begin(None, "test_it.py:3 in test_it()")
    assert table.place == ""
    with table.answering(fork):
        assert table.place == "test_it.py:3 in test_it()"
    assert table.place == ""


def kept_copy() -> tuple[Copy, socket.socket]:
    """A copy that waits to be told how to end, and our end of its line."""
    ours, its = socket.socketpair()

    def act() -> None:
        ours.close()
        status = status_told(its)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)

    pid = forked(act)
    its.close()
    return Copy(pid), ours


@pytest.mark.parametrize("early", [True, False])
def test_a_copy_ends_as_it_is_told(early: bool) -> None:
    copy, line = kept_copy()
    if early:
        copy.end(5 << 8)
    copy.keep(line)
    if not early:
        copy.end(5 << 8)
    seen = os.waitid(os.P_PID, copy.pid, os.WEXITED | os.WNOWAIT)
    assert seen is not None
    assert seen.si_status == 5
    copy.reap()
    with pytest.raises(ChildProcessError):
        os.waitpid(copy.pid, 0)
    copy.reap()


def test_a_copy_whose_tape_is_over(capfd: pytest.CaptureFixture[str]) -> None:
    copy, line = kept_copy()
    copy.keep(line)
    copy.reap()
    with pytest.raises(ChildProcessError):
        os.waitpid(copy.pid, 0)


def test_a_copy_that_never_was() -> None:
    copy = Copy(os.getpid())
    copy.reap()
    copy.abandon()
    assert copy.pid == os.getpid()


def test_nobody_is_left_to_tell() -> None:
    ours, its = socket.socketpair()
    ours.close()
    with its:
        assert status_told(its) == signal.SIGKILL
