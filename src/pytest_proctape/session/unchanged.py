"""Whether a new recording says anything that the old one did not: then the old one stays, times included.

How output was cut into pieces on its way, and when each came, is chance; what it says is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..tape import (
    STDIN,
    Content,
    Entry,
    Input,
    InputEnd,
    Output,
    OutputEnd,
    Step,
    Stream,
    script_of,
)

_STREAMING = 1 << 16
"""Bytes of input from which on the parent writes as fast as the child reads: a pipe holds no more."""

_CHANCE: dict[str, object] = {
    "duration_ms": 0.0,
    "timeline": None,
    "stdin": None,
    "stdout": "",
    "stderr": "",
    "fds": None,
}


def keep_unchanged(
    old: Sequence[Entry], new: Sequence[Entry], decode: Callable[[Stream], Content]
) -> tuple[Entry, ...]:
    """``new``, with the old entry wherever the two say the same.

    Args:
        old: entries of the tape as it is.
        new: those of the new recording, in their order.
        decode: reads a stream of either.
    """
    essences = [_essence(entry, decode) for entry in old]
    kept = []
    start = 0
    for entry in new:
        plain = _essence(entry, decode)
        index = next((i for i in range(start, len(old)) if essences[i] == plain), None)
        if index is None:
            kept.append(entry)
        else:
            kept.append(old[index])
            start = index + 1
    return tuple(kept)


def _essence(entry: Entry, decode: Callable[[Stream], Content]) -> tuple[object, ...]:
    script = script_of(entry, decode, strict_input=True)
    streams = _sequence(script.steps)
    sent = sum(len(data) for kind, data in streams if kind == STDIN and isinstance(data, bytes))
    if sent > _STREAMING:
        streams = sorted(_merged(streams).items(), key=str)
    return (entry.model_copy(update=_CHANCE), script.captured, script.merged, tuple(streams))


def _sequence(steps: Sequence[Step]) -> list[tuple[object, object]]:
    """What came between two deeds of the parent counts as one, each stream for itself."""
    found: list[tuple[object, object]] = []
    between: dict[int, bytes] = {}
    for step in steps:
        if isinstance(step, Output):
            between[step.fd] = between.get(step.fd, b"") + step.data.bytes()
            continue
        found += sorted(between.items())
        between = {}
        if isinstance(step, Input) and found and found[-1][0] == STDIN:
            found[-1] = (STDIN, _joined(found[-1][1], step.data.bytes()))
        elif isinstance(step, Input):
            found.append((STDIN, step.data.bytes()))
        elif isinstance(step, InputEnd | OutputEnd):
            found.append((type(step).__name__, getattr(step, "fd", STDIN)))
        else:
            found.append((type(step).__name__, _value(step)))
    return found + sorted(between.items())


def _value(step: Step) -> object:
    return next(
        (getattr(step, name) for name in ("number", "status", "timeout_ns") if hasattr(step, name)), None
    )


def _merged(sequence: Sequence[tuple[object, object]]) -> dict[object, object]:
    found: dict[object, object] = {}
    for kind, data in sequence:
        found[kind] = _joined(found.get(kind, b""), data) if isinstance(data, bytes) else data
    return found


def _joined(left: object, right: object) -> bytes:
    assert isinstance(left, bytes)
    assert isinstance(right, bytes)
    return left + right
