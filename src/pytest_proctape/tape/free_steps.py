"""Steps that leave the parent some freedom, beside the exact ones of :mod:`.script`.

A recording has none of them. They come of patterns on a tape, of stdin that is not compared, and of
commands that a test makes hang.
"""

from __future__ import annotations

from ..frozen import Value
from .base import Model


class AnyInput(Value):
    """The parent has to send something before what follows can happen; what it is does not matter.

    Attributes:
        lines: how many the recorded input had.
        size: how many bytes it had.
        whole_lines: it ended with the end of a line.
    """

    lines: int
    size: int
    whole_lines: bool
    at_ns: int = 0


class InputPattern(Value):
    """The parent has to send what the pattern stands for.

    Attributes:
        pattern: a model of :mod:`.patterns`.
        to_end: all of the input until it is closed; else one line, or what is left at the end.
    """

    pattern: Model
    to_end: bool
    at_ns: int = 0


class AnyInputEnd(Value):
    """The parent has to close the child's stdin; what it sends before that is drained."""

    at_ns: int = 0


class Hang(Value):
    """Nothing more happens until the parent sends a signal, which ends the child; timed waits expire."""

    at_ns: int = 0


FreeInput = AnyInput | AnyInputEnd | InputPattern
