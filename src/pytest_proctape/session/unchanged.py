"""Whether a new recording says anything that the old one did not: then the old one stays, times included.

How output was cut into pieces on its way, when each came, and how a parent that writes without waiting
and a child that answers at once were interleaved, is chance; what was said is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..tape import Content, Entry, Stream, script, script_of

_CHANCE: dict[str, object] = {
    "duration_ms": 0.0,
    "seen_running": False,
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
        index = next((i for i in range(start, len(old)) if _same(essences[i], plain)), None)
        if index is None:
            kept.append(entry)
        else:
            kept.append(old[index])
            start = index + 1
    return tuple(kept)


@dataclass
class _Act:
    """What was said between two deeds of the parent that leave no doubt about their order.

    Attributes:
        opening: the deed at its beginning.
        said: by descriptor, 0 for what the parent sent.
        needs: by descriptor, up to which byte of it how much input had come before.
    """

    opening: object = None
    said: dict[int, bytes] = field(default_factory=dict)
    needs: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, step: script.Input | script.Output) -> None:
        # What is written to 0, a file or socket, is not what is read from it.
        fd = (step.fd or -1) if isinstance(step, script.Output) else 0
        self.said[fd] = self.said.get(fd, b"") + step.data.bytes()
        if fd:
            self.needs.setdefault(fd, []).append((len(self.said[fd]), len(self.said.get(0, b""))))


_Essence = tuple[Entry, tuple[frozenset[int], bool, bool], list[_Act]]


def _essence(entry: Entry, decode: Callable[[Stream], Content]) -> _Essence:
    played = script_of(entry, decode, strict_input=True)
    acts = [_Act()]
    for step in played.steps:
        if isinstance(step, script.Input | script.Output):
            acts[-1].add(step)
        elif isinstance(step, script.Signal | script.Change | script.Ended | script.Timeout):
            acts.append(_Act(_deed(step)))
    return (entry.model_copy(update=_CHANCE), (played.captured, played.merged, played.has_input), acts)


def _deed(step: script.Step) -> object:
    return next(
        ((name, getattr(step, name)) for name in ("number", "status", "timeout_ns") if hasattr(step, name)),
        None,
    )


def _same(old: _Essence, new: _Essence) -> bool:
    if old[0] != new[0] or old[1][:2] != new[1][:2] or len(old[2]) != len(new[2]):
        return False
    if not new[1][2]:
        # The child left its input alone this time, be it that it was faster than the parent.
        for act in old[2]:
            act.said.pop(0, None)
    elif not old[1][2]:
        return False
    return all(
        before.opening == after.opening and before.said == after.said and _is_looser(before, after)
        for before, after in zip(old[2], new[2], strict=True)
    )


def _is_looser(old: _Act, new: _Act) -> bool:
    """Whether ``old`` waits for no input that ``new`` did without.

    The tape of a parent that doesn't wait so comes to ask for the least; that of a dialog stays exact.
    """
    return all(
        _needed(old.needs[fd], end) <= _needed(new.needs[fd], end)
        for fd in old.needs
        for end in {end for end, _ in (*old.needs[fd], *new.needs[fd])}
    )


def _needed(needs: Sequence[tuple[int, int]], end: int) -> int:
    """How much input came before the byte at ``end - 1``."""
    return next((sent for until, sent in needs if until >= end), 0)
