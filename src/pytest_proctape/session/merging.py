"""What a new recording makes of a tape that all tests share. Pure; :mod:`.commons` calls it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from ..later import later
from ..match import Asked, asked_by
from ..tape import AMBIENT, CACHED, Content, Entry, Stream
from .unchanged import keep_unchanged

_RANDOM = later(r"\S*/tmp[a-z0-9_]{8}(?![a-z0-9_])")
"""A file name of :mod:`tempfile`; :mod:`ctypes.util` hands one to the compiler."""
_RANDOM_OUTPUT = later(rb"/(?:tmp[a-z0-9_]{8}|cc\w{6})|^ +(?:[RT]X |collisions).*$", re.MULTILINE)
"""Besides such names what a network interface has counted: :mod:`uuid` asks ``ifconfig`` for its address."""


def shared_terms(owner: str, asked: Asked) -> Asked:
    """The standard library looks for its tools itself, and names some files at random."""
    if owner == CACHED:
        return asked.but(cwd=None)
    if owner != AMBIENT:
        return asked
    return asked.but(
        program=os.path.basename(asked.program),
        args=tuple(_RANDOM.sub("<tempfile>", one) for one in asked.args),
        argv0=None,
        cwd=None,
    )


def merged(
    old: Sequence[Entry],
    new: Sequence[Entry],
    decode: Callable[[Stream], Content],
    *,
    whole: bool,
    sort: bool,
) -> tuple[Entry, ...]:
    """The entries of a shared tape: of each command what was recorded now, else what was there.

    Args:
        old: on the tape.
        new: recorded by this process.
        decode: reads a stream of either.
        whole: commands that were not recorded now are dropped.
        sort: by command, so that the order does not tell which test came first.
    """
    before, now = _by_command(old), _by_command(new)
    entries: list[Entry] = []
    for command in now if whole else {**before, **now}:
        earlier = before.get(command, [])
        if command not in now:
            entries.extend(earlier)
        elif sort and earlier and _says_the_same(earlier[0], now[command][0], decode):
            entries.append(earlier[0])
        else:
            different = without_repeats(now[command], decode)
            entries.extend(keep_unchanged(earlier, different[:1] if sort else different, decode))
    return tuple(sorted(entries, key=lambda entry: asked_by(entry).argv) if sort else entries)


def _by_command(entries: Sequence[Entry]) -> dict[Asked, list[Entry]]:
    found: dict[Asked, list[Entry]] = {}
    for entry in entries:
        found.setdefault(asked_by(entry), []).append(entry)
    return found


def without_repeats(entries: list[Entry], decode: Callable[[Stream], Content]) -> list[Entry]:
    """One entry, where all say the same: a command that is asked at each import, say."""
    first = entries[0]
    same = all(keep_unchanged([first], [one], decode) == (first,) for one in entries[1:])
    return [first] if same else entries


def _says_the_same(old: Entry, new: Entry, decode: Callable[[Stream], Content]) -> bool:
    """Whether the two differ in nothing but names that are made at random."""
    if (old.exit_code, old.signal, old.spawn_error) != (new.exit_code, new.signal, new.spawn_error):
        return False
    pairs = ((old.stdout, new.stdout), (old.stderr, new.stderr))
    texts = [[None if one is None else decode(one).bytes() for one in pair] for pair in pairs]
    plain = [[None if one is None else _RANDOM_OUTPUT.sub(b"/", one) for one in pair] for pair in texts]
    return all(left == right for left, right in plain)
