"""The words of a failed replay: what was asked for, what the tape has, how they differ, what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from ..match import Asked, Difference, Near, asked_by
from ..tape import Entry, is_pattern

_INDENT = "    "
_WIDTH = 200
_TOLD = 8
"""Differences beyond which nobody reads on."""
_MISSING = "(nothing)"
_CUT = "..."


def command_line(asked: Asked) -> str:
    """As one would type it, cut where it is very long."""
    return _line(asked, [shlex.quote(word) for word in asked.argv])


def _line(asked: Asked, words: Iterable[str]) -> str:
    line = visible(" ".join(words))
    if asked.argv0 is not None:
        line += f"    (argv[0] is {asked.argv0!r})"
    return shorten(line)


def visible(text: str) -> str:
    """``text`` with escapes for what does not show, would steer the terminal, or is not Unicode."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def shorten(text: str, width: int = _WIDTH) -> str:
    """The beginning of a long text, and how much there is of it."""
    return text if len(text) <= width else f"{text[:width]}... ({len(text)} characters)"


def entry_line(entry: Entry) -> str:
    """The command of an entry, with where it ran."""
    asked = asked_by(entry)
    patterns = [is_pattern(word) for word in (entry.program, *entry.args)]
    words = zip(asked.argv, patterns, strict=True)
    line = _line(asked, [word if pattern else shlex.quote(word) for word, pattern in words])
    return f"{line}    (in {visible(asked.cwd)})" if asked.cwd else line


def build(
    *,
    headline: str,
    tape: str,
    count: int,
    number: int | None = None,
    asked: Asked | None = None,
    place: str = "",
    expected: tuple[int, Entry] | None = None,
    differences: Sequence[Difference] = (),
    near: Iterable[Near] = (),
    notes: Iterable[str] = (),
    next_step: str = "",
) -> str:
    """The whole report of one failure; sections that have nothing to say are left out.

    Args:
        headline: one line.
        tape: the tape's path as shown to the user; empty where it is not the tape's affair.
        count: entries on the tape.
        number: which spawn of the test this is, from 1.
        asked: what the test asked for.
        place: where in the user's code.
        expected: index and entry that the tape has next.
        differences: between the two.
        near: entries elsewhere that are worth a look.
        notes: further sentences.
        next_step: the command that records the test again.
    """
    lines = [headline, ""]
    if asked is not None:
        where = f" at {place}" if place else ""
        lines += [f"  the test asked for (spawn {number}){where}", _INDENT + command_line(asked)]
        if asked.cwd:
            lines.append(f"{_INDENT}in {visible(asked.cwd)}")
    if expected is not None:
        index, entry = expected
        lines += [f"  the tape has (entry {index + 1} of {count} in {tape})", _INDENT + entry_line(entry)]
    elif tape:
        lines.append(f"  the tape is {tape} ({count} {'entry' if count == 1 else 'entries'})")
    if differences:
        lines.append("  they differ in")
        lines += _difference_lines(differences)
    lines += [f"  {_near_line(one)}" for one in near]
    lines += [f"  {note}" for note in notes]
    if next_step:
        lines += ["", "  if the change is meant, record this test again:", _INDENT + next_step]
    return "\n".join(lines)


def _difference_lines(differences: Sequence[Difference]) -> list[str]:
    width = max(len(one.field) for one in differences)
    lines = []
    for one in differences[:_TOLD]:
        expected, actual = both_shown(one)
        lines.append(f"{_INDENT}{one.field:<{width}}  tape: {expected}")
        lines.append(f"{_INDENT}{'':<{width}}  test: {actual}")
    if len(differences) > _TOLD:
        lines.append(f"{_INDENT}and {len(differences) - _TOLD} more")
    return lines


def shown(value: str | None, width: int = _WIDTH) -> str:
    """A value of one side of a difference, quoted where it is hard to see."""
    if value is None:
        return _MISSING
    return shorten(value if value and value.isprintable() and value.strip() == value else repr(value), width)


def both_shown(difference: Difference, width: int = _WIDTH) -> tuple[str, str]:
    """What the tape has, and what the test: where they differ is among what is shown of a long one."""
    expected, actual = difference.expected, difference.actual
    if expected is not None and actual is not None and max(len(expected), len(actual)) > width:
        shared = shared_length(expected, actual)
        if shared > width // 2:
            begin = shared - width // 4
            return _CUT + shown(expected[begin:], width), _CUT + shown(actual[begin:], width)
    return shown(expected, width), shown(actual, width)


def shared_length(left: Sequence[object], right: Sequence[object]) -> int:
    """How many letters, or bytes, the two begin with in common."""
    return next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )


def _near_line(near: Near) -> str:
    state = "already replayed" if near.consumed else "further on"
    if not near.differences:
        return f"entry {near.index + 1} ({state}) is exactly this command"
    fields = ", ".join(one.field for one in near.differences)
    return f"entry {near.index + 1} ({state}) is like it but for {fields}: {entry_line(near.entry)}"
