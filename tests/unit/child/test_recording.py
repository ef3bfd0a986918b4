"""The child that notes, with a process that is only said to run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape.child import RecordingChild, Wiring
from pytest_proctape.tape import Script, Spool
from pytest_proctape.tape.script import Output


class Recorded:
    """A recording child with three pipes, whose ends of the child are held here."""

    def __init__(self, folder: Path) -> None:
        their_in, self.to = os.pipe()
        self.out, their_out = os.pipe()
        private = frozenset({their_out})
        self.child = RecordingChild(
            Wiring({0: their_in}, {1: their_out, 2: their_out}, private), lambda: Spool(folder, 1 << 20)
        )
        self.stdin, self.stdout = (os.dup(self.child.wiring.inputs[0]), os.dup(self.child.wiring.outputs[1]))
        os.close(their_in)
        os.close(their_out)
        # A pid that nobody has: the child is "gone" whenever it is asked.
        self.child.started(2**22 + 5)

    def script(self) -> Script:
        return self.child.script()


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    made = Recorded(tmp_path)
    yield made
    made.child.finish()
    for fd in (made.to, made.out, made.stdin, made.stdout):
        try:
            os.close(fd)
        except OSError:
            pass


def test_streams_are_noted_as_they_pass(recorded: Recorded) -> None:
    os.write(recorded.to, b"question")
    assert os.read(recorded.stdin, 100) == b"question"
    os.write(recorded.stdout, b"answer")
    assert os.read(recorded.out, 100) == b"answer"
    os.close(recorded.to)
    assert os.read(recorded.stdin, 100) == b""
    os.close(recorded.stdout)
    assert os.read(recorded.out, 100) == b""
    recorded.child.reaped(3 << 8, was_gone=True)
    recorded.child.finish()
    script = recorded.script()
    assert (script.stream(0), script.stream(1), script.stream(2)) == (b"question", b"answer", None)
    assert (script.end.status, script.merged) == (3 << 8, True)


def test_one_stream_that_nothing_comes_between_is_one_step(recorded: Recorded) -> None:
    for word in (b"a", b"b", b"c"):
        os.write(recorded.stdout, word)
        assert os.read(recorded.out, 1) == word
    steps = recorded.script().steps
    assert [step.data.bytes() for step in steps if isinstance(step, Output)] == [b"abc"]


def test_both_outputs_share_one_tap(recorded: Recorded) -> None:
    assert recorded.child.wiring.outputs[1] == recorded.child.wiring.outputs[2]


def test_a_recording_that_is_over_notes_nothing_more_and_passes_it_on(recorded: Recorded) -> None:
    recorded.child.finish()
    os.write(recorded.stdout, b"late")
    assert os.read(recorded.out, 100) == b"late"
    script = recorded.script()
    assert script.stream(1) == b""
    assert script.end.status is None


def test_a_child_that_nobody_can_be_told_of_is_lost(recorded: Recorded) -> None:
    recorded.child.finish()
    assert recorded.child.is_lost


def test_a_child_that_ends_after_its_recording_is_not_lost(recorded: Recorded) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as real:
        recorded.child.started(real.pid)
        recorded.child.finish()
        assert real.stdin is not None
        real.stdin.close()
        os.waitid(os.P_PID, real.pid, os.WEXITED | os.WNOWAIT)
        ended = recorded.child.is_lost
    assert not ended
    assert not recorded.child.is_lost
    assert recorded.script().end.status is None
