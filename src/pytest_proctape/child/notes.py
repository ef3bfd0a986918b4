"""What a recording child notes, and how its notes become the steps of a script. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..tape import STDIN, Content, End, Spool, script

ANSWER = -1
"""Stands for descriptor 0 where the child writes to it."""


class Run:
    """Bytes of one stream that nothing else came between."""

    __slots__ = ("at_ns", "fd", "sealed", "spool")

    def __init__(self, fd: int, at_ns: int, spool: Spool) -> None:
        self.fd = fd
        self.at_ns = at_ns
        self.spool = spool
        self.sealed = False
        """Somebody has looked at it, so what comes goes into a new one."""


def whole_us(ns: int) -> int:
    """Nobody measures a process more exactly, and the tape is shorter."""
    return ns // 1000 * 1000


def step_of(run: Run) -> script.Step:
    """The step that a run is; what still comes goes into a new one."""
    run.sealed = True
    data = run.spool.content()
    if run.fd == STDIN:
        return script.Input(data, run.at_ns)
    return script.Output(STDIN if run.fd == ANSWER else run.fd, data, run.at_ns)


def without_input(steps: Sequence[script.Step], count: int) -> list[script.Step]:
    """Without the last ``count`` bytes of the input, which the child did not read, and without its end."""
    kept: list[script.Step] = []
    for step in reversed(steps):
        if isinstance(step, script.Input):
            left = max(0, step.data.size - count)
            count -= step.data.size - left
            if left:
                kept.append(step.but(data=Content.of(step.data.read(0, left))))
        elif not isinstance(step, script.InputEnd):
            kept.append(step)
    return kept[::-1]


def is_said(item: Run | script.Step) -> bool:
    """The child did it, and the parent may have seen it."""
    return item.fd != STDIN if isinstance(item, Run) else isinstance(item, script.OutputEnd)


_NO_CAUSES = (script.Output, script.OutputEnd, script.TerminalSeen, script.Effects)


def tidy(steps: tuple[script.Step, ...], end: End, early_ns: int | None = None) -> tuple[script.Step, ...]:
    """Without the ends of output that tell nothing.

    A child closes its outputs in the moment it ends. That it closed one before matters only where the
    parent did something later, as that may have been the cause, or where time matters.

    Args:
        steps: of the child.
        end: of the child.
        early_ns: what ended before this ended earlier than the child; ``None`` where time does not matter.
    """
    if end.status is None or any(isinstance(step, script.Ended) for step in steps):
        return steps
    last_cause = max(
        (i for i, step in enumerate(steps) if not isinstance(step, _NO_CAUSES)),
        default=-1,
    )
    return tuple(
        step
        for i, step in enumerate(steps)
        if i < last_cause
        or not isinstance(step, script.OutputEnd)
        or (early_ns is not None and step.at_ns < early_ns)
    )
