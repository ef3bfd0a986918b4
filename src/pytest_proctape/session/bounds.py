"""The limits of a recording: who keeps a child within them, and the errors of those that were exceeded.

A replay raises the same errors: the tape has the words.
"""

from __future__ import annotations

from collections.abc import Callable

from ..child import TABLE, Broken, VirtualChild, Warden
from ..clock import REAL
from ..errors import OutputLimitExceeded, RecordError, SpawnTimeout, TooManyChildren
from ..limits import Limits
from ..tape import Entry

_KINDS: dict[Broken, type[RecordError]] = {"time": SpawnTimeout, "output": OutputLimitExceeded}
LIMITS = (SpawnTimeout, OutputLimitExceeded, TooManyChildren)
"""The errors of limits."""
_ADVICE: dict[Broken, str] = {
    "time": "find out why it took so long, or allow more time, and record this test again",
    "output": "let the command say less, or raise tapes_max_output, and record this test again",
}

Latch = Callable[[RecordError], RecordError]


def warden_of(
    limits: Limits, began_ns: int, latch: Latch, *, command: str, place: str, record_command: str
) -> Warden:
    """Who keeps a child of a recording within ``limits``.

    Args:
        limits: of the recording.
        began_ns: when its tape was activated, by the real monotonic clock.
        latch: keeps an error.
        command: as it is shown.
        place: where in the user's code it was started.
        record_command: what records the test again.
    """

    def on_broken(kind: Broken, words: str) -> RecordError:
        return latch(_error(kind, words, command, place, record_command))

    return Warden(limits, None if limits.test is None else began_ns + limits.test.ns, on_broken)


def refusal(
    limits: Limits,
    began_ns: int,
    running: int,
    *,
    command: str,
    place: str,
    record_command: str,
) -> RecordError | None:
    """Why no further child may be started, if none may."""
    if limits.test is not None and REAL.monotonic_ns() >= began_ns + limits.test.ns:
        words = f"was not started: {limits.test.words}"
        return _error("time", words, command, place, record_command)
    if running < limits.children:
        return None
    words = f"was not started: {limits.children} are running at once (tapes_max_children)"
    next_step = f"end some before, or raise tapes_max_children, and record this test again: {record_command}"
    return TooManyChildren(words, command=command, place=place, next_step=next_step)


def recorded_limit(warden: Warden | None) -> dict[str, str]:
    """The fields of an entry that tell of a limit."""
    if warden is None or warden.broken is None:
        return {}
    return {"timed_out" if warden.broken == "time" else "output_limit": warden.words}


def limited_end(
    entry: Entry, latch: Latch, *, command: str, place: str, record_command: str
) -> Callable[[VirtualChild], None]:
    """What is to happen when a child of the replay ends: where a limit ended it, the same error."""
    kind: Broken = "time" if entry.timed_out is not None else "output"
    words = entry.timed_out if entry.timed_out is not None else entry.output_limit
    assert words is not None

    def on_end(child: VirtualChild) -> None:
        if child.error is None:
            child.error = latch(_error(kind, words, command, place, record_command))
        TABLE.tell(child)

    return on_end


def _error(kind: Broken, words: str, command: str, place: str, record_command: str) -> RecordError:
    next_step = f"{_ADVICE[kind]}: {record_command}"
    return _KINDS[kind](words, command=command, place=place, next_step=next_step)
