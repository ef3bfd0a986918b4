"""What a report says of a child that was given another cause than on its tape."""

from __future__ import annotations

import signal

import pytest

from pytest_proctape.child import Stalled, WrongCause
from pytest_proctape.match import Difference
from pytest_proctape.session.causes import told_difference
from pytest_proctape.tape import Content, free_steps, script

WORD = script.Input(Content.of(b"one\ntwo\n"))
LONG = script.Input(Content.of(f"{'ä' * 100}two".encode()))
TERM = int(signal.SIGTERM)


@pytest.mark.parametrize(
    "wrong, told",
    [
        (Stalled(WORD), Difference("stdin", "one\ntwo\n", None)),
        (Stalled(script.InputEnd()), Difference("stdin", "(end of input)", None)),
        (Stalled(free_steps.AnyInput(0, 1, False)), Difference("stdin", "(anything)", None)),
        (
            Stalled(free_steps.Hang()),
            Difference("signal", "(any: the test made this command hang)", None),
        ),
        (Stalled(script.Signal(TERM)), Difference("signal", "signal SIGTERM", None)),
        (Stalled(script.TerminalSet("-echo")), Difference("terminal", "-echo", None)),
        (
            Stalled(script.Timeout(1_500_000_000)),
            Difference("wait", "a wait of 1.5 s that expires", None),
        ),
        (
            WrongCause(script.Signal(TERM), int(signal.SIGKILL)),
            Difference("signal", "signal SIGTERM", "signal SIGKILL"),
        ),
        (
            WrongCause(WORD, TERM),
            Difference("signal", "none; it waits for stdin one\ntwo\n", "signal SIGTERM"),
        ),
        (
            WrongCause(script.TerminalSet("-echo"), TERM),
            Difference("signal", "none; it waits for terminal -echo", "signal SIGTERM"),
        ),
        (WrongCause(None, TERM), Difference("signal", None, "signal SIGTERM")),
        (WrongCause(script.TerminalSet("-echo"), "echo"), Difference("terminal", "-echo", "echo")),
        (WrongCause(WORD, None, 4), Difference("stdin", "two\n", "(end of input)")),
        (WrongCause(WORD, b"ten\n", 4), Difference("stdin, byte 5", "two\n", "ten\n")),
        # A long line is shown from somewhere before what differs, and from the beginning of a letter.
        (
            WrongCause(LONG, "{}ten".format("ä" * 100).encode()),
            Difference("stdin, byte 201", f"...{'ä' * 30}two", f"...{'ä' * 30}ten"),
        ),
        (
            WrongCause(LONG, "{}twos".format("ä" * 100).encode()),
            Difference("stdin, byte 203", f"...{'ä' * 29}two", f"...{'ä' * 29}twos"),
        ),
        (WrongCause(None, b"more"), Difference("stdin", None, "more")),
    ],
)
def test_a_wrong_cause_is_told(wrong: WrongCause | Stalled, told: Difference) -> None:
    assert told_difference(wrong) == told
