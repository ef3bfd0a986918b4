"""Whether a new recording says anything that the old one did not: then the old one stays, times included.

How output was cut into pieces on its way, when each came, and how a parent that writes without waiting
and a child that answers at once were interleaved, is chance; what was said is not. Nor is what was done
to files, but for the times at which it was done.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import Self

from .. import effects
from ..frozen import Value
from ..match import asked_by, differences, has_patterns
from ..rows import Row
from ..tape import (
    Content,
    Effect,
    Entry,
    FileEffect,
    Glob,
    Regex,
    Stream,
    file_effect_of,
    fits_input,
    script,
    script_of,
)

_CHANCE: dict[str, object] = {
    "duration_ms": 0.0,
    "seen_running": False,
    "timeline": None,
    "stdin": None,
    "stdout": "",
    "stderr": "",
    "fds": None,
    "began": None,
    "effects": None,
}

_DEEDS = script.Signal | script.Change | script.Ended | script.Timeout | script.TerminalSet
_RECENT_NS = 24 * 3600 * 10**9
"""A file whose time is so little before the command was made by the test itself, a moment ago."""


def keep_unchanged(
    old: Sequence[Entry],
    new: Sequence[Entry],
    decode: Callable[[Stream], Content],
    *,
    unordered: bool = False,
    ignored: Callable[[Entry], tuple[bytes, bool] | None] = lambda _: None,
) -> tuple[Entry, ...]:
    """``new``, with the old entry wherever the two say the same.

    A pattern that somebody put into the old tape stays as long as the new command is one that it stands for.

    Args:
        old: entries of the tape as it is.
        new: those of the new recording, in their order.
        decode: reads a stream of either.
        unordered: the order is chance, so that of the old ones is kept.
        ignored: what was sent to the command of a new entry that left its input alone, if that is known, and
            whether that was all.
    """
    shelf = _Shelf(old, decode, unordered=unordered, ignored=ignored)
    kept = [shelf.match(entry) for entry in new]
    if not unordered:
        return tuple(entry for entry, _ in kept)
    # What is new stands behind what it came behind.
    places: list[int] = []
    for _, index in kept:
        places.append(index if index is not None else places[-1] if places else -1)
    order = sorted(range(len(kept)), key=lambda at: (places[at], kept[at][1] is None))
    return tuple(kept[at][0] for at in order)


class _Shelf:
    """The old entries that no new one has been found for yet."""

    def __init__(
        self,
        old: Sequence[Entry],
        decode: Callable[[Stream], Content],
        *,
        unordered: bool,
        ignored: Callable[[Entry], tuple[bytes, bool] | None],
    ) -> None:
        self._decode = decode
        self._ignored = ignored
        self._old = [_essence(entry, decode) for entry in old]
        self._entries = old
        self._unordered = unordered
        self._start = 0
        self._left: dict[Hashable, dict[int, None]] = {}
        """Where order is chance: by command, so that a long tape is not searched from end to end."""
        for index, entry in enumerate(old):
            self._left.setdefault(_command(entry), {})[index] = None

    def match(self, entry: Entry) -> tuple[Entry, int | None]:
        """What stays on the tape for a new entry, and which old one it is in the place of."""
        plain = _essence(entry, self._decode)
        sent = self._ignored(entry)
        same = (i for i in self._candidates(entry) if _same(self._entries[i], self._old[i], plain, sent))
        index = next(same, None)
        if index is not None:
            self._take(index)
            return self._entries[index], index
        index = next((i for i in self._candidates(entry) if self._keeps_words(i, entry, plain)), None)
        if index is not None:
            self._take(index)
            old, kept = self._entries[index], _with_words_of(self._entries[index], entry)
            if _fits_pattern(old, plain[2]):
                kept = kept.model_copy(update={"stdin": old.stdin})
            return kept, index
        return entry, None

    def _keeps_words(self, index: int, entry: Entry, plain: _Essence) -> bool:
        """Whether a new entry has its place, or its patterns, from an old one of the same command."""
        old = self._entries[index]
        worth = self._unordered or has_patterns(old) or _fits_pattern(old, plain[2])
        return worth and _stands_for(old, entry)

    def _candidates(self, entry: Entry) -> list[int]:
        if not self._unordered:
            return list(range(self._start, len(self._entries)))
        return sorted({*self._left.get(_command(entry), ()), *self._left.get(None, ())})

    def _take(self, index: int) -> None:
        self._start = index + 1
        del self._left[_command(self._entries[index])][index]


def _command(entry: Entry) -> Hashable:
    return None if has_patterns(entry) else (entry.program, entry.args, entry.argv0)


def _stands_for(old: Entry, new: Entry) -> bool:
    """Whether the command of ``new`` is one that ``old`` stands for, whatever came of it."""
    return not differences(asked_by(new), old, ("program", "args", "cwd"))


def _with_words_of(old: Entry, new: Entry) -> Entry:
    """``new``, with the patterns of ``old`` in the place of what they stand for."""
    if not has_patterns(old):
        return new
    return new.model_copy(update={name: getattr(old, name) for name in ("program", "args", "cwd")})


class _Act(Value):
    """What was said between two deeds of the parent that leave no doubt about their order.

    Attributes:
        opening: the deed at its beginning.
        said: by descriptor, 0 for what the parent sent.
        needs: by descriptor, up to which byte of it how much input had come before.
        files: by path, what became of it.
        seen: what of the settings of its terminal was another than before.
    """

    opening: object
    said: dict[int, bytearray]
    needs: dict[int, list[tuple[int, int]]]
    files: dict[str, object]
    seen: list[str]

    @classmethod
    def opened(cls, by: object = None) -> Self:
        """One in which nothing has been said yet."""
        return cls(by, {}, {}, {}, [])

    def add(self, step: script.Input | script.Output) -> None:
        # What is written to 0, a file or socket, is not what is read from it.
        fd = (step.fd or -1) if isinstance(step, script.Output) else 0
        said = self.said.setdefault(fd, bytearray())
        said += step.data.bytes()
        if fd:
            self.needs.setdefault(fd, []).append((len(said), len(self.said.get(0, b""))))


def _fits_pattern(old: Entry, acts: Sequence[_Act]) -> bool:
    """Whether somebody wrote a pattern for the input, and it stands for what was sent."""
    data = b"".join(act.said.get(0, b"") for act in acts)
    return isinstance(old.stdin, Regex | Glob) and fits_input(old.stdin, data)


class _Streams(Row):
    """What a child has.

    Attributes:
        captured: descriptors whose output is known.
        merged: stderr goes where stdout goes.
        has_input: what it was sent is known.
        awaits: it was sent something, or the end of its input.
    """

    captured: frozenset[int]
    merged: bool
    has_input: bool
    awaits: bool


_Essence = tuple[Entry, _Streams, list[_Act]]


def _essence(entry: Entry, decode: Callable[[Stream], Content]) -> _Essence:
    def decode_file(effect: Effect, began_ns: int | None) -> FileEffect:
        return file_effect_of(effect, began_ns, lambda one: decode(one.file or ""), str)

    played = script_of(entry, decode, strict_input=True, decode_file=decode_file)
    acts = [_Act.opened()]
    for step in played.steps:
        if isinstance(step, script.Effects):
            acts[-1].files.update(
                (file.path, _file(file, played.began_ns)) for file in step.files if not _is_touched(file)
            )
        elif isinstance(step, script.Input | script.Output):
            acts[-1].add(step)
        elif isinstance(step, script.TerminalSeen):
            acts[-1].seen.extend([step.words] if step.words else [])
        elif isinstance(step, _DEEDS):
            acts.append(_Act.opened(_deed(step)))
    awaits = any(isinstance(step, script.AwaitsInput) for step in played.steps)
    streams = _Streams(played.captured, played.merged, played.has_input, awaits)
    return entry.model_copy(update=_CHANCE), streams, acts


def _deed(step: script.Step) -> object:
    names = ("number", "status", "timeout_ns", "words")
    return next(((name, getattr(step, name)) for name in names if hasattr(step, name)), None)


def _is_touched(file: FileEffect) -> bool:
    """Nothing but the time of a thing was set, to that of the moment."""
    return file.kind == "kept" and file.mode is None and file.by_clock


def _file(file: FileEffect, began_ns: int) -> object:
    """What became of a file, without what is chance in it."""
    content: object = file.content
    if file.content is not None and file.content.size <= effects.MASKED_LIMIT:
        content = effects.masked(file.content.bytes())
    by_chance = file.by_clock or file.mtime_ns is None or file.mtime_ns > began_ns - _RECENT_NS
    time = None if by_chance else file.mtime_ns
    return (file.but(content=None, mtime_ns=None, by_clock=False), content, time)


def _same(entry: Entry, old: _Essence, new: _Essence, ignored: tuple[bytes, bool] | None) -> bool:
    if _fits_pattern(entry, new[2]):
        silent = [act.but(said={fd: said for fd, said in act.said.items() if fd}) for act in new[2]]
        new = (*new[:2], silent)
    if has_patterns(old[0]) and _stands_for(old[0], new[0]):
        new = (_with_words_of(old[0], new[0]), *new[1:])
    if old[0] != new[0] or old[1][:2] != new[1][:2] or len(old[2]) != len(new[2]):
        return False
    if not new[1].has_input:
        if old[1].has_input and not old[1].awaits:
            # It had no input: a replay of it would refuse whatever this one is sent.
            return False
        # The child left its input alone this time, be it that it was faster than the parent. What it was
        # sent has to be what the old one asks for, or a replay refuses it, and recording again does not help.
        if old[1].has_input and ignored is not None:
            awaited, (sent, whole) = b"".join(act.said.get(0, b"") for act in old[2]), ignored
            if not awaited.startswith(sent) or (whole and awaited != sent):
                return False
        for act in old[2]:
            act.said.pop(0, None)
    elif not old[1].has_input:
        return False
    return all(
        before.opening == after.opening
        and before.said == after.said
        and before.files == after.files
        and before.seen == after.seen
        and _is_looser(before, after)
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
    at = bisect_left(needs, (end, 0))
    return needs[at][1] if at < len(needs) else 0
