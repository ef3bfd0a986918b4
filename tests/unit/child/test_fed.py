"""Children of an event loop that are sent something, say all at once, and end when their time has come."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from pytest_proctape.child import PUMP, TABLE, FedChild, Stalled, VirtualChild, WrongCause, attended
from pytest_proctape.errors import ProctapeError
from pytest_proctape.tape import Content, End, Entry, Script
from pytest_proctape.tape.script import Input, InputEnd

from .stage import MS, Waiter, says

_SCRIPT = Script((Input(Content.of(b"word")), says(b"x"), InputEnd()), End(3 << 8, duration_ns=5 * MS))
ENTRY = Entry(program="tool", stdin="word", stdout="x", exit_code=3, duration_ms=5)


class Stage:
    """One such child, its pipes, the clock of its loop, and what it tells."""

    def __init__(self) -> None:
        self.now_ns = 100 * MS
        self.ended: list[int] = []
        self.told: list[WrongCause | Stalled] = []
        self.reader, self._writer = os.pipe()
        self._stdin, self.stdin = os.pipe()
        self.child = FedChild(
            TABLE.new_pid(),
            os.getpgrp(),
            3 << 8,
            lambda _: _SCRIPT,
            ENTRY,
            now_ns=lambda: self.now_ns,
            on_wrong=self.wrong,
            on_end=lambda child: self.ended.append(child.pid),
        )
        self.child.begin(self._stdin, b"word", {self._writer: b"x"})
        os.close(self._stdin)
        os.close(self._writer)

    def wrong(self, _: VirtualChild, wrong: WrongCause | Stalled) -> ProctapeError:
        self.told.append(wrong)
        return ProctapeError(str(wrong))

    def sends(self, data: bytes) -> None:
        os.write(self.stdin, data)
        self.child.step()

    def hangs_up(self) -> None:
        stdin, self.stdin = self.stdin, -1
        os.close(stdin)
        self.child.step()


@pytest.fixture
def absence_ns() -> int:
    """How long a loop may stay away before the pump looks for it: for ever, as far as a test can tell."""
    return 10**15


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, absence_ns: int) -> Iterator[Stage]:
    monkeypatch.setattr(attended, "_ABSENCE_NS", absence_ns)
    made = Stage()
    yield made
    made.child.close()
    os.close(made.reader)
    if made.stdin != -1:
        os.close(made.stdin)
    PUMP.retire()


def test_it_takes_its_input_says_its_word_and_ends_by_the_clock(stage: Stage) -> None:
    assert stage.child.due_ns() is None
    mute = []
    for part in (b"wo", b"rd"):
        stage.sends(part)
        mute.append(stage.child.is_mute)
    assert mute == [True, False]
    assert os.read(stage.reader, 10) == b"x"
    assert stage.child.due_ns() is None
    stage.now_ns += MS
    stage.hangs_up()
    assert stage.child.due_ns() == 106 * MS
    assert not stage.child.step()
    stage.now_ns += 5 * MS
    assert (stage.child.step(), stage.child.status, stage.ended) == (True, 3 << 8, [stage.child.pid])
    assert os.read(stage.reader, 10) == b""
    assert (stage.told, stage.child.step()) == ([], False)


@pytest.mark.parametrize(
    "sent, cause, at",
    [
        ([b"wo", b"od"], _SCRIPT.steps[0], 2),
        ([b"wo", b""], _SCRIPT.steps[0], 2),
        ([b"words"], _SCRIPT.steps[2], 0),
    ],
    ids=["another", "too little", "too much"],
)
def test_what_it_was_not_sent_in_the_recording_ends_it(
    stage: Stage, sent: list[bytes], cause: object, at: int
) -> None:
    for data in sent:
        if data:
            stage.sends(data)
        else:
            stage.hangs_up()
    [wrong] = stage.told
    assert isinstance(wrong, WrongCause)
    assert (wrong.awaited, wrong.offset) == (cause, at)
    assert stage.child.status == 9
    while os.read(stage.reader, 10):
        pass


def test_a_signal_that_is_not_on_the_tape_is_told_at_its_end(stage: Stage) -> None:
    stage.child.send(15)
    stage.sends(b"word")
    stage.hangs_up()
    stage.now_ns += 5 * MS
    stage.child.step()
    [wrong] = stage.told
    assert isinstance(wrong, WrongCause)
    assert (wrong.awaited, wrong.got) == (None, 15)


def test_one_that_comes_when_it_has_been_sent_all_finds_it_ending(stage: Stage) -> None:
    stage.sends(b"word")
    stage.hangs_up()
    stage.child.send(15)
    assert (stage.child.status, stage.told) == (3 << 8, [])


def test_its_loop_looks_for_its_input_and_the_pump_where_it_does_not(stage: Stage) -> None:
    child = stage.child
    looks = [(child.input_to_look_at is None, child.is_fed)]
    child.look_no_more()
    looks.append((child.input_to_look_at is None, child.is_fed))
    assert looks == [(False, False), (True, True)]
    said = threading.Thread(target=lambda: os.read(stage.reader, 1))
    said.start()
    os.write(stage.stdin, b"word")
    said.join(15)
    assert not said.is_alive()


@pytest.mark.parametrize("absence_ns", [MS])
def test_a_loop_that_does_not_come_is_not_waited_for(stage: Stage) -> None:
    os.write(stage.stdin, b"word")
    assert os.read(stage.reader, 1) == b"x"
    assert not stage.child.is_mute


def test_who_waits_in_another_thread_is_told_of_its_end(stage: Stage) -> None:
    waiter = Waiter(stage.child)
    stage.sends(b"word")
    stage.now_ns += 10 * MS
    stage.hangs_up()
    stage.now_ns += 10 * MS
    stage.child.step()
    assert waiter.codes() == [3 << 8]


def test_who_waits_for_it_in_vain_is_told(stage: Stage) -> None:
    assert len(stage.child.streams()) == 2
    assert stage.child.input_to_look_at in stage.child.streams()
    stage.child.stall()
    [wrong] = stage.told
    assert isinstance(wrong, Stalled)
    assert (wrong.awaited, stage.child.status) == (_SCRIPT.steps[0], 9)
    assert stage.child.streams() == []


def test_its_script_is_told_as_far_as_the_parent_can_know(stage: Stage) -> None:
    assert stage.child.so_far().steps == ()
    stage.sends(b"word")
    assert stage.child.so_far().steps == _SCRIPT.steps[:2]
    stage.hangs_up()
    assert stage.child.so_far().steps == _SCRIPT.steps
    stage.child.wait()
    stage.child.reaped = True
    assert stage.child.so_far().end == _SCRIPT.end


def test_a_kill_does_not_wait_for_the_input(stage: Stage) -> None:
    stage.child.send(int(signal.SIGTERM))
    assert stage.told == []
    stage.child.send(int(signal.SIGKILL))
    assert [wrong.got for wrong in stage.told if isinstance(wrong, WrongCause)] == [signal.SIGKILL]
    assert stage.ended == [stage.child.pid]
