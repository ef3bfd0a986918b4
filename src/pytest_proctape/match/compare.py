"""Holds a spawn against an entry, field by field. Pure: it knows no session and moves nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import eq

from ..frozen import NOTHING, Value
from ..tape import AnyArgs, Arg, Entry, Pattern, aligned, decode_argument, fits, is_pattern, pattern_text

FIELDS = ("program", "args", "cwd", "env", "inputs")
"""What is compared when a spawn is made, in the order in which differences are told. stdin comes later."""


class Asked(Value):
    """A spawn in the terms of the tape: with placeholders for what belongs to this machine.

    Attributes:
        program: what is to be executed.
        args: the arguments behind it.
        argv0: the child's ``argv[0]`` where it is not the program.
        cwd: where it is to run; ``None`` for the working directory that the test began in.
        env: the child's whole environment.
        kept: the variables that a tape keeps, ``None`` for one that is unset.
        alike: whether a text of the tape means a text of this spawn.
        inputs: gives the hashes that the files of an entry have now, see :attr:`~..tape.Entry.inputs`;
            ``None`` where nobody can look at them.
    """

    program: str
    args: tuple[str, ...]
    argv0: str | None
    cwd: str | None
    # It may hold secrets, so it is not shown.
    env: Mapping[str, str] = NOTHING
    kept: Mapping[str, str | None] = NOTHING
    alike: Callable[[str, str], bool] = eq
    inputs: Callable[[Entry], Mapping[str, str]] | None = None
    _apart = ("env", "kept", "alike", "inputs")

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line as one would type it."""
        return (self.program, *self.args)


class Difference(Value):
    """One field in which a spawn is not what the tape has.

    Attributes:
        field: ``"program"``, ``"args[2]"``, ``"cwd"``, ``"env[LANG]"``, ``"stdin"``.
        expected: the tape's value, ``None`` where it has none.
        actual: the test's value, ``None`` where it has none.
    """

    field: str
    expected: str | None
    actual: str | None


class Near(Value):
    """An entry that is close to what was asked for.

    Attributes:
        index: its place on the tape, from 0.
        differences: what keeps it from matching; empty for an entry that would match elsewhere.
        consumed: it has been replayed already.
    """

    index: int
    entry: Entry
    differences: tuple[Difference, ...]
    consumed: bool


def word_text(word: Arg) -> str:
    """A word of the tape as text; a pattern as it stands there."""
    if isinstance(word, AnyArgs | Pattern):
        return pattern_text(word)
    return decode_argument(word)


def asked_by(entry: Entry) -> Asked:
    """What the spawn of ``entry`` asked for; patterns as they stand on the tape."""
    return Asked(
        word_text(entry.program),
        tuple(word_text(one) for one in entry.args),
        None if entry.argv0 is None else decode_argument(entry.argv0),
        None if entry.cwd is None else word_text(entry.cwd),
    )


def says_places(entry: Entry) -> bool:
    """Whether there may be placeholders, or patterns, in what an entry says of its spawn."""
    words = (entry.program, entry.cwd or "", *entry.args, *filter(None, (entry.env or {}).values()))
    return any(not isinstance(word, str) or "<" in word for word in words)


def has_patterns(entry: Entry) -> bool:
    """Whether an entry stands for more than one spawn, apart from its cwd and env."""
    return any(is_pattern(word) for word in (entry.program, entry.cwd, *entry.args))


def differences(
    asked: Asked, entry: Entry, on: Collection[str] = FIELDS, *, brief: bool = False
) -> tuple[Difference, ...]:
    """What keeps ``asked`` from being ``entry``; nothing when it matches.

    Args:
        asked: the spawn.
        entry: of the tape.
        on: the fields that count.
        brief: differing arguments are not aligned, which is faster.
    """
    plain = (entry.program, entry.args, entry.argv0, entry.cwd, entry.env)
    if plain == (asked.program, asked.args, asked.argv0, asked.cwd, None):
        return tuple(_input_differences(entry, asked)) if "inputs" in on else ()
    found: list[Difference] = []
    if "program" in on and not _is(entry.program, asked.program, asked.alike):
        found.append(Difference("program", word_text(entry.program), asked.program))
    if "args" in on:
        found.extend(_argument_differences(entry.args, asked.args, asked.alike, brief=brief))
    argv0 = None if entry.argv0 is None else decode_argument(entry.argv0)
    if "program" in on and not _same(argv0, asked.argv0, asked.alike):
        found.append(Difference("argv0", argv0, asked.argv0))
    if "cwd" in on and entry.cwd is not None and not _is(entry.cwd, asked.cwd, asked.alike):
        found.append(Difference("cwd", word_text(entry.cwd), asked.cwd))
    if "env" in on and entry.env is not None:
        found.extend(_env_differences(entry.env, asked))
    if "inputs" in on and not found:
        # The files of another command are other files.
        found.extend(_input_differences(entry, asked))
    return tuple(found)


_Alike = Callable[[str, str], bool]


def _is(word: Arg, actual: str | None, alike: _Alike) -> bool:
    if actual is None:
        return False
    if isinstance(word, AnyArgs | Pattern):
        return fits(word, actual)
    return _same(decode_argument(word), actual, alike)


def _same(expected: str | None, actual: str | None, alike: _Alike) -> bool:
    return expected == actual or (expected is not None and actual is not None and alike(expected, actual))


def _env_differences(expected: Mapping[str, str | None], asked: Asked) -> list[Difference]:
    """Among the variables of the entry, and those that it would have if it were recorded now."""
    values = {**dict.fromkeys(asked.kept), **expected}
    return [
        Difference(f"env[{name}]", value, asked.env.get(name))
        for name, value in values.items()
        if not _same(value, asked.env.get(name), asked.alike)
    ]


def _input_differences(entry: Entry, asked: Asked) -> Iterator[Difference]:
    if entry.inputs and asked.inputs is not None:
        for name, now in asked.inputs(entry).items():
            if now != entry.inputs[name]:
                yield Difference(f"inputs[{name}]", _hash_text(entry.inputs[name]), _hash_text(now))


def _hash_text(sha256: str) -> str | None:
    return f"sha256 {sha256[:16]}..." if sha256 else None


def _argument_differences(
    words: tuple[Arg, ...], actual: tuple[str, ...], alike: _Alike, *, brief: bool
) -> list[Difference]:
    if words == actual:
        return []
    if any(isinstance(word, AnyArgs) for word in words):
        if aligned(words, actual, lambda index, at: _is(words[index], actual[at], alike)):
            return []
        return _around_any_args(words, actual, alike)
    found = []
    for index in range(max(len(words), len(actual))):
        word = words[index] if index < len(words) else None
        text = actual[index] if index < len(actual) else None
        if word is None or text is None or not _is(word, text, alike):
            found.append(Difference(f"args[{index}]", None if word is None else word_text(word), text))
    if len(found) < 2 or len(words) == len(actual) or brief:
        return found
    shifted = _shifted(tuple(word_text(word) for word in words), actual)
    return shifted if len(shifted) < len(found) and not any(map(is_pattern, words)) else found


def _shifted(expected: tuple[str, ...], actual: tuple[str, ...]) -> list[Difference]:
    """The differences where an argument came in or went, and the others moved."""
    found = []
    matcher = difflib.SequenceMatcher(None, expected, actual, autojunk=False)
    for _, old, old_end, new, new_end in (step for step in matcher.get_opcodes() if step[0] != "equal"):
        for offset in range(max(old_end - old, new_end - new)):
            left = expected[old + offset] if old + offset < old_end else None
            right = actual[new + offset] if new + offset < new_end else None
            index = old + offset if right is None else new + offset
            found.append(Difference(f"args[{index}]", left, right))
    return found


def _around_any_args(words: tuple[Arg, ...], actual: tuple[str, ...], alike: _Alike) -> list[Difference]:
    """What is wrong before the first ``any_args`` and behind the last one; else all of it."""
    places = [index for index, word in enumerate(words) if isinstance(word, AnyArgs)]
    tail = len(words) - places[-1] - 1
    pairs = [(index, index) for index in range(places[0])]
    pairs += [(len(words) - back, len(actual) - back) for back in range(tail, 0, -1)]
    found = []
    for index, at in pairs:
        text = actual[at] if 0 <= at < len(actual) else None
        if text is None or not _is(words[index], text, alike):
            found.append(Difference(f"args[{max(at, 0)}]", word_text(words[index]), text))
    whole = Difference("args", " ".join(map(word_text, words)), " ".join(actual))
    return found or [whole]


def first_match(
    asked: Asked,
    entries: Sequence[Entry],
    start: int,
    compare: Callable[[Asked, Entry], object] = differences,
) -> int | None:
    """The first entry from ``start`` on that matches."""
    return next((i for i in range(start, len(entries)) if not compare(asked, entries[i])), None)


def nearest(
    asked: Asked,
    entries: Sequence[Entry],
    cursor: int,
    *,
    limit: int = 3,
    on: Collection[str] = FIELDS,
    consumed: Callable[[int], bool] | None = None,
) -> list[Near]:
    """Entries worth showing beside the expected one, most alike first.

    Only entries of the same program count, or those that would match as they are.

    Args:
        asked: the spawn.
        entries: of the tape.
        cursor: the expected one, which is not among them.
        limit: how many.
        on: the fields that count.
        consumed: whether an entry has been replayed; by default those before the cursor have.
    """
    rated = []
    gone = consumed or (lambda index: index < cursor)
    for index, entry in enumerate(entries):
        if index == cursor:
            continue
        found = differences(asked, entry, on, brief=True)
        if not found or _is(entry.program, asked.program, asked.alike):
            rated.append((len(found), abs(index - cursor), index))
    rated.sort()
    return [
        Near(index, entries[index], differences(asked, entries[index], on), gone(index))
        for _, _, index in rated[:limit]
    ]
