"""Ctrl-C, and handlers of signals that start children themselves, in the middle of a spawn.

Python runs them between any two lines of the main thread, those of the package too.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import pytest_proctape
from pytest_proctape import use_tape
from pytest_proctape.child import TABLE
from tests.parity.at_line import EACH, AtLine, descriptors, everything, interrupt
from tests.parity.clock.harness import SOAK
from tests.parity.harness import deadline


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


@pytest.mark.parametrize("body", [_dialog, _at_once])
@pytest.mark.parametrize(
    "mode, action, clock",
    [
        ("replay", interrupt, False),
        ("replay", _start_another, False),
        ("record", _start_another, False),
        ("record", interrupt, False),
        ("replay", interrupt, True),
        # It waits in the middle of looks at the time.
        ("record", _start_another, True),
        ("record", interrupt, True),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_in_the_middle_of_a_spawn(
    tmp_path: Path, mode: str, action: Callable[[], None], clock: bool, body: Callable[[], None]
) -> None:
    whole, tape = tmp_path / "whole.json", tmp_path / "tape.json"
    with use_tape(whole, mode="record", clock=clock):
        body()
    # Under a clock there are four times as many.
    each = EACH if SOAK or not clock else 3 * EACH
    # Modules that are imported on the way are, after this.
    for counting in (AtLine(0, interrupt, each=each), AtLine(0, interrupt, each=each)):
        assert _run(whole if mode == "replay" else tape, mode, counting, body, clock=clock) == "whole"
        tape.unlink(missing_ok=True)
    before = everything()
    for number in range(1, counting.lines + 1):
        at_line = AtLine(number, action, each=each)
        with deadline(f"line {number}", 60):
            ended = _run(whole if mode == "replay" else tape, mode, at_line, body, clock=clock)
            assert not tape.exists() or ended == "whole", at_line.where
            tape.unlink(missing_ok=True)
            if "open_pipe" in at_line.under:
                # CPython's own, see the test below.
                before["descriptors"] = descriptors()
            assert everything(before) == before, at_line.where
            assert list(TABLE) == [], at_line.where
            with use_tape(whole, mode="replay", clock=clock):
                body()


def _run(tape: Path, mode: str, at_line: AtLine, body: Callable[[], None], *, clock: bool = False) -> str:
    """``"whole"``, or what it ended with instead."""
    try:
        with use_tape(tape, mode="replay" if mode == "replay" else "record", clock=clock), at_line.in_place():
            body()
    except KeyboardInterrupt:
        return "interrupted"
    except pytest_proctape.ReplayError:
        assert mode == "replay"
        return "diverged"
    return "whole"


def test_what_a_bare_popen_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has made its pipes, and nobody closes those for which ``io.open``, or a stand-in for it, fails."""

    class Interrupted(ModuleType):
        def open(self, *_: object) -> None:
            raise KeyboardInterrupt

    before = set(descriptors())
    monkeypatch.setattr(subprocess, "io", Interrupted("io"))
    with pytest.raises(KeyboardInterrupt):
        subprocess.Popen(["true"], stdout=subprocess.PIPE)
    lost = set(descriptors()) - before
    assert len(lost) == 1
    os.close(int(lost.pop()))
