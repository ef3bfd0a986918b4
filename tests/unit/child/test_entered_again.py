"""A child that a handler of signals steps in the middle of a step of its own: nothing is done twice."""

from __future__ import annotations

import dis
import itertools
import os
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from pytest_proctape.child import VirtualChild
from pytest_proctape.tape.script import Change, Effects, Input, InputEnd, Output, OutputEnd, Signal, Step
from tests.parity.at_line import PACKAGE, traced
from tests.parity.clock.harness import SOAK
from tests.unit.child.stage import Stage, hears, says

_ROOM = PACKAGE + "child" + os.sep


class AfterCall:
    """Does something once, where Python runs handlers: behind a call, where a function begins, in a loop."""

    def __init__(self, number: int, action: Callable[[], object]) -> None:
        self.came = 0
        self._number = number
        self._action = action
        self._last: dict[FrameType, str] = {}

    def forget(self) -> None:
        """Let go of the frames, and of what they hold."""
        self._last.clear()

    def trace(self, frame: FrameType, event: str, _arg: object) -> Any:
        if not frame.f_code.co_filename.startswith(_ROOM):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = self._last.get(frame, "")
            self._last[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if before.startswith(("CALL", "RESUME", "JUMP_BACKWARD")):
                self.came += 1
                if self.came == self._number:
                    sys.settrace(None)
                    self._action()
        return self.trace


def _stepped(child: VirtualChild) -> None:
    child.step()


def _polled(child: VirtualChild) -> None:
    child.poll()


@pytest.mark.parametrize("action", [_stepped, _polled])
@pytest.mark.parametrize(
    "steps",
    [
        (says(b"a"), says(b"b"), says(b"c")),
        (says(b"a"), OutputEnd(1)),
        (says(b"a"), hears(b"word"), says(b"b"), InputEnd(), says(b"c")),
        (hears(b"wo"), says(b"a"), hears(b"rd"), says(b"b")),
        (says(b"a"), Signal(15), says(b"b")),
        (says(b"a"), Change(0x137F), Change(0xFFFF), says(b"b")),
        (says(b"a"), Effects((), 0), says(b"b")),
    ],
    ids=["words", "end", "dialog", "parts", "signal", "changes", "files"],
)
def test_nothing_is_done_twice(steps: tuple[Step, ...], action: Callable[[VirtualChild], None]) -> None:
    said = b"".join(step.data.bytes() for step in steps if isinstance(step, Output))
    # Each place, or one of seven, always the same ones.
    for number in itertools.count(1, 1 if SOAK else 7):
        stage = Stage(*steps)
        at = AfterCall(number, partial(action, stage.child))
        with traced(at.trace), stage:
            if any(isinstance(step, Input) for step in steps):
                stage.send(b"word")
                stage.close_input()
            if any(isinstance(step, Signal) for step in steps):
                stage.child.send(15)
            stage.child.step()
            assert stage.child.wait() == 0
            assert stage.all_of(stage.out) == said, at.came
            assert (stage.ended, stage.wrong) == (1, []), at.came
            assert stage.child._changes == [step.status for step in steps if isinstance(step, Change)]
        at.forget()
        if at.came < number:
            break
    assert number > 20
