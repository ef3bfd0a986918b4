"""What the parent has to bring about before a virtual child goes on, and what goes wrong with that."""

from __future__ import annotations

import signal

from ..tape import free_steps, script

CAUSES = script.AwaitsInput | script.Signal | script.Timeout | script.TerminalSet | free_steps.Hang
"""Steps that the parent brings about."""

UNCAUSED = script.Output | script.OutputEnd | script.Ended | script.TerminalSeen | script.Effects
"""Steps that need nothing but time."""

HARMLESS = frozenset({signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH})
"""Signals that end nobody who does not ask for it: signal(7)."""


class Stalled(Exception):
    """The child waits for something that the test does not do.

    Attributes:
        awaited: the step it waits for.
    """

    def __init__(self, awaited: script.Step) -> None:
        self.awaited = awaited
        super().__init__(awaited)


class WrongCause(Exception):
    """The parent did something else than in the recording.

    Attributes:
        awaited: the step the child was at; ``None`` when all that was left was its end.
        got: the bytes that came, the signal that was sent, what was changed of the terminal, or ``None`` for
            the end of the input.
        offset: for bytes, where within the awaited input they begin.
    """

    def __init__(self, awaited: script.Step | None, got: bytes | int | str | None, offset: int = 0) -> None:
        self.awaited = awaited
        self.got = got
        self.offset = offset
        super().__init__(awaited, got)
