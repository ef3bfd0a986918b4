"""A value in the input that the test draws anew in every run, as the end marker of a session with a shell.

Recording again doesn't help such a test, so :mod:`.taped` tells with the divergence what does. What looks
drawn in an argument is told by :mod:`.random_names`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..later import later
from ..match import Difference
from .causes import CUT, EXCERPT
from .random_names import placeholders, plain

_CHUNKS = later(r"([^\s'\"`;|&()<>$=]+)")
"""What a shell, and most who read lines, takes for one word; a marker comes back as such in the output."""
_WORDS = later(r"([A-Za-z0-9]+)")
_NUMBER = later(r"(\D*)(\d+)(\D*)", re.ASCII)
_HEX = {letters: later(f"[{letters}]+") for letters in ("0-9a-f", "0-9A-F")}
_LEAST = 6
"""Digits and letters of a drawn value, in all. Fewer are a count, or the number of a line."""
_NO_TEXT = later(r"[\0-\x08\x0e-\x1f]|\\x[89a-f][0-9a-f]")
"""A byte of none, as a report shows it."""
_MANY = 8
"""Of these; in a dialog there may be a Ctrl-C or two."""
_ANY_INPUT = 'take any input: @pytest.mark.tape(match_on=["program", "args", "cwd"])'


def notes_on_input(differences: Sequence[Difference]) -> tuple[str, ...]:
    """Lines for the report; none unless it is no text, or all that differs in a line of it looks drawn."""
    patterns: dict[str, None] = {}
    for one in differences:
        if not one.field.startswith("stdin") or one.expected is None or one.actual is None:
            return ()
        if all(len(_NO_TEXT.findall(data)) >= _MANY for data in (one.expected, one.actual)):
            return "if what the test sends are other bytes in every run,", _ANY_INPUT
        patterns.update(dict.fromkeys(_patterns(one.expected, one.actual)))
    if not patterns:
        return ()
    return (
        "what differs in the input looks drawn; if it is another value in every run, let a placeholder",
        "stand for it in the ini file, and record this test again:",
        *placeholders("drawn", patterns),
        f"or {_ANY_INPUT}",
    )


def _patterns(tape: str, test: str) -> list[str]:
    """What finds the chunks in which two first lines differ; none if anything else is different in them."""
    if tape.startswith(CUT):
        # What a word of it begins with is not known.
        return []
    chunks, others = _chunks(tape, test)
    if len(chunks) != len(others) or chunks[::2] != others[::2]:
        return []
    found = [_pattern(a, b) for a, b in zip(chunks, others, strict=True) if a != b]
    return found if all(found) else []


def _chunks(tape: str, test: str) -> tuple[list[str], list[str]]:
    """Of both first lines, as far as both are there.

    A value of another length moves what comes behind it, so that one may be cut off where the other goes on.
    """
    lines = [one.partition("\n")[0] for one in (tape, test)]
    chunks, others = (parts if parts[-1] else parts[:-1] for parts in map(_CHUNKS.split, lines))
    last = min(len(chunks), len(others)) - 1
    ends = chunks[last], others[last]
    cut = test if len(ends[1]) < len(ends[0]) or len(others) < len(chunks) else tape
    # A report shows so much at most, and of what the test sent at most as much as the tape has.
    whole = "\n" in cut or len(cut) < min(len(lines[0]) if cut is test else EXCERPT, EXCERPT)
    short, long = sorted(ends, key=len)
    return (chunks, others) if whole or not long.startswith(short) else (chunks[:last], others[:last])


def _pattern(tape: str, test: str) -> str:
    """What finds both of two chunks; empty where they don't look drawn."""
    words, others = _WORDS.split(tape), _WORDS.split(test)
    if len(words) != len(others) or words[::2] != others[::2]:
        return ""
    pairs = list(zip(words, others, strict=True))
    apart = [pair for pair in pairs if pair[0] != pair[1]]
    letters = _digits_of(apart)
    found = [plain(a) if a == b else _word(a, b, letters) for a, b in pairs]
    drawn = min(sum(len(pair[at]) for pair in apart) for at in (0, 1))
    return "".join(found) if all(found[1::2]) and drawn >= _LEAST else ""


def _digits_of(apart: Sequence[tuple[str, str]]) -> str:
    """Of which digits all of them are, where that is hexadecimal; a group of a UUID may have no letter."""
    whole = "".join(word for pair in apart for word in pair)
    if whole.isdecimal() or any(len(one) != len(other) for one, other in apart):
        return ""
    return next((letters for letters, kind in _HEX.items() if kind.fullmatch(whole)), "")


def _word(tape: str, test: str, letters: str) -> str:
    """What finds both of two words; empty where they are words, and not drawn."""
    if letters:
        return f"[{letters}]{{{len(tape)}}}"
    one, other = _NUMBER.fullmatch(tape), _NUMBER.fullmatch(test)
    if one is not None and other is not None and one.group(1, 3) == other.group(1, 3):
        return f"{one[1]}[0-9]+{one[3]}"
    if len(tape) != len(test):
        return ""
    # Of letters alone, two words of a language look so.
    if any(not re.search("[0-9]", one) for one in (tape, test)):
        return ""
    return f"[0-9A-Za-z]{{{len(tape)}}}"
