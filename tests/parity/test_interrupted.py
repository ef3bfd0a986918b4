"""Ctrl-C, and handlers of signals that start children themselves, in the middle of a spawn.

Python runs them between any two lines of the main thread, those of the package too. A trace function stands
for them: it knows on which line it is.
"""

from __future__ import annotations

import linecache
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import pytest_proctape
from pytest_proctape import use_tape
from pytest_proctape.child import FORKS, GUARDIAN, PUMP, TABLE
from tests.parity.clock.harness import SOAK
from tests.parity.harness import deadline

PACKAGE = os.path.dirname(pytest_proctape.__file__) + os.sep
EACH = 1 if SOAK else 37
"""Lines from one of those at which something happens to the next."""


class AtLine:
    """Does something once, at one of the package's lines that this thread comes to.

    Attributes:
        lines: how many it has come to.
    """

    def __init__(self, number: int, action: Callable[[], object]) -> None:
        self.lines = 0
        self._number = number
        self._action = action

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While it lasts, lines are counted."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        return self._line if code.co_filename.startswith(PACKAGE) and code.co_name != "<module>" else None

    def _line(self, frame: FrameType, event: str, _arg: object) -> Any:
        # The line of a `with` is traced once more before it is left, where no handler can run.
        text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
        if event == "line" and not text.startswith("with "):
            self.lines += 1
            if self.lines == self._number:
                sys.settrace(None)
                self._action()
        return self._line


def _interrupt() -> None:
    raise KeyboardInterrupt


def _start_another() -> None:
    # On replay it is not on the tape, which is one more thing that can go wrong in a handler.
    assert subprocess.run(["echo", "another"], stdout=subprocess.PIPE, check=True).stdout == b"another\n"


def _dialog() -> None:
    with subprocess.Popen(
        ["sh", "-c", "read word; echo $word; exit 3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"word\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"word\n"
        assert child.wait(60) == 3


def _at_once() -> None:
    done = subprocess.run(["sh", "-c", "cat; echo err >&2"], input=b"x", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"x", b"err\n")


def _held() -> list[str]:
    """Which locks another thread can't get."""
    locks: dict[str, Any] = {
        "the pump's": PUMP._lock,
        "the pump's turn": PUMP._turn,
        "the guardian's": GUARDIAN._lock,
        "the table's": TABLE.ended,
        "the copies'": FORKS._changed,
    }
    found: list[str] = []

    def look() -> None:
        for name, lock in locks.items():
            if lock.acquire(timeout=10):
                lock.release()
            else:
                found.append(name)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


def _real() -> list[object]:
    return [os.waitpid, os.kill, subprocess.run, vars(subprocess)["_fork_exec"], subprocess.Popen.__init__]


@pytest.mark.parametrize("body", [_dialog, _at_once])
@pytest.mark.parametrize(
    "mode, action",
    [
        ("replay", _interrupt),
        ("replay", _start_another),
        ("record", _start_another),
        # Real children, and real descriptors between two lines: it takes a machine of its own.
        pytest.param(
            *("record", _interrupt), marks=pytest.mark.skipif(not SOAK, reason="it belongs to the long form")
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_in_the_middle_of_a_spawn(
    tmp_path: Path, mode: str, action: Callable[[], None], body: Callable[[], None]
) -> None:
    whole, tape = tmp_path / "whole.json", tmp_path / "tape.json"
    with use_tape(whole, mode="record"):
        body()
    real = _real()
    # Modules that are imported on the way are, after this.
    for counting in (AtLine(0, _interrupt), AtLine(0, _interrupt)):
        assert _run(whole if mode == "replay" else tape, mode, counting, body) == "whole"
        tape.unlink(missing_ok=True)
    for number in range(1, counting.lines + 1, EACH):
        with deadline(f"line {number}", 60):
            ended = _run(whole if mode == "replay" else tape, mode, AtLine(number, action), body)
            assert not tape.exists() or ended == "whole"
            tape.unlink(missing_ok=True)
            assert _held() == []
            assert _real() == real
            assert list(TABLE) == []
            with use_tape(whole, mode="replay"):
                body()


def _run(tape: Path, mode: str, at_line: AtLine, body: Callable[[], None]) -> str:
    """``"whole"``, or what it ended with instead."""
    try:
        with use_tape(tape, mode="replay" if mode == "replay" else "record"), at_line.in_place():
            body()
    except KeyboardInterrupt:
        return "interrupted"
    except pytest_proctape.ReplayError:
        assert mode == "replay"
        return "diverged"
    return "whole"
