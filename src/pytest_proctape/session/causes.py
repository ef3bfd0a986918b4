"""Words for a child that got another cause than on its tape: other input, another signal, or none."""

from __future__ import annotations

from ..child import Stalled, WrongCause
from ..match import Difference
from ..tape import free_steps, pattern_text, script, signal_name
from .report import shared_length

EXCERPT = 200
"""Bytes of an input that a report shows."""
_BEFORE = 60
"""Of these, how many stand at least before the one that differs in a line that is longer."""
CUT = "..."
"""What such an excerpt begins with."""
_END_OF_INPUT = "(end of input)"


def told_difference(wrong: WrongCause | Stalled) -> Difference:
    """The difference that a report shows."""
    field, expected = _awaited(wrong.awaited)
    if isinstance(wrong, Stalled):
        return Difference(field, expected, None)
    if isinstance(wrong.got, int):
        if isinstance(wrong.awaited, script.AwaitsInput | script.TerminalSet):
            expected = f"none; it waits for {field} {expected}"
        return Difference("signal", expected, f"signal {signal_name(wrong.got)}")
    if isinstance(wrong.got, str):
        return Difference("terminal", expected, wrong.got)
    if wrong.got is None:
        rest = (
            wrong.awaited.data.read(wrong.offset, EXCERPT)
            if isinstance(wrong.awaited, script.Input)
            else None
        )
        return Difference("stdin", expected if rest is None else _excerpt(rest), _END_OF_INPUT)
    if isinstance(wrong.awaited, script.Input):
        awaited = wrong.awaited.data.read(wrong.offset, len(wrong.got) + EXCERPT)
        at = shared_length(awaited, wrong.got)
        begin = awaited.rfind(b"\n", 0, at) + 1
        mark = ""
        if at - begin > EXCERPT - _BEFORE:
            # A message of one long line, as of JSON-RPC: what differs in it would not be shown.
            begin, mark = _whole_letter(awaited, at - _BEFORE), CUT
        place = f"stdin, byte {wrong.offset + at}"
        return Difference(place, mark + _excerpt(awaited[begin:]), mark + _excerpt(wrong.got[begin:]))
    return Difference("stdin", expected, _excerpt(wrong.got))


def _awaited(step: script.Step | None) -> tuple[str, str | None]:
    """Field and expected value."""
    match step:
        case script.Input():
            return "stdin", _excerpt(step.data.read(0, EXCERPT))
        case script.InputEnd() | free_steps.AnyInputEnd():
            return "stdin", _END_OF_INPUT
        case free_steps.AnyInput():
            return "stdin", "(anything)"
        case free_steps.InputPattern():
            return "stdin", pattern_text(step.pattern)
        case free_steps.Hang():
            return "signal", "(any: the test made this command hang)"
        case script.Signal():
            return "signal", f"signal {signal_name(step.number)}"
        case script.TerminalSet():
            return "terminal", step.words
        case script.Timeout():
            return "wait", f"a wait of {step.timeout_ns / 1e9:g} s that expires"
        case _:
            return "stdin", None


def _excerpt(data: bytes) -> str:
    return data[:EXCERPT].decode("utf-8", "backslashreplace")


def _whole_letter(data: bytes, at: int) -> int:
    """Where the letter begins that the byte at ``at`` is of: UTF-8 has up to three more behind its first."""
    return next((one for one in range(at, at - 4, -1) if data[one] & 0xC0 != 0x80), at)
