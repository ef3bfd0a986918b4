"""A name that looks random, where a test and its tape differ: it is another one in every run.

Recording again doesn't help such a test, so :mod:`.taped` tells with the divergence what does: a placeholder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from itertools import islice

from ..later import later
from ..match import Difference

_WORD = later(r"([A-Za-z0-9_]+)")
_HEX = later(r"[0-9a-f]+")
_TEMPORARY = later(r"[a-z0-9_]{8}")
"""What :mod:`tempfile` puts between the prefix and the suffix that it was told."""

_WORD_BEFORE = later(r"[\w.@-]*[A-Za-z_.@-]\Z")
_NEAR, _PLACES = 64, 16
"""How much before a number is looked at, and how many of them are: an argument may be megabytes long."""

_NUMBER = later(r"([0-9]+)", re.ASCII)
_FREE_PORTS = range(32768, 65536)
"""``net.ipv4.ip_local_port_range`` of Linux is in it, and what IANA has for the purpose: RFC 6335."""
_LONGEST = 1 << 12

_SPECIAL = later(r"[.^$*+?{}\[\]|()\\]")
_LEAST = 8
"""Characters that are random in a name."""
_OTHERS = 6
"""How many of these are others in another run, at least; of two that are drawn nearly all are."""


def notes_on(differences: Sequence[Difference]) -> tuple[str, ...]:
    """Lines for the report; none unless such names are all that differs, or this process's number does."""
    for one in differences:
        pattern = _with_own_number(one.expected or "", one.actual or "")
        if pattern:
            return (
                "what differs has the number of the test's own process in it, another one in every run:",
                "let a placeholder stand for it in the ini file, and record this test again:",
                *placeholders("process", [pattern]),
            )
    if differences and all(_is_port(one.expected or "", one.actual or "") for one in differences):
        return (
            "what differs looks like a port that was free: what listens there, or connects to it, does not",
            'do so when it is replayed; @pytest.mark.tape(live=["its command"]) lets it run in every mode',
        )
    patterns: dict[str, None] = {}
    for one in differences:
        if one.expected is None or one.actual is None:
            return ()
        found = _patterns(one.expected, one.actual)
        if not found:
            return ()
        patterns.update(dict.fromkeys(found))
    if not patterns:
        return ()
    return (
        "what differs looks like a random name; if it is another one in every run, let a placeholder",
        "stand for it in the ini file, and record this test again:",
        *placeholders("random", patterns),
    )


def placeholders(name: str, patterns: Collection[str]) -> tuple[str, ...]:
    """The lines of the ini file by which each of ``patterns`` has a placeholder: ``name``, ``name-2``, ..."""
    names = (name, *(f"{name}-{number}" for number in range(2, len(patterns) + 1)))
    lines = (f"      {name} = /{pattern}/" for name, pattern in zip(names, patterns, strict=True))
    return ("  tapes_places =", *lines)


def _is_port(tape: str, test: str) -> bool:
    """Whether two texts differ in one number each, and the system gives out such ports."""
    texts, others = _NUMBER.split(tape), _NUMBER.split(test)
    if len(tape) + len(test) > _LONGEST or len(texts) != len(others) or texts[::2] != others[::2]:
        return False
    pairs = {(one, other) for one, other in zip(texts[1::2], others[1::2], strict=True) if one != other}
    return len(pairs) == 1 and all(len(one) == 5 and int(one) in _FREE_PORTS for one in next(iter(pairs)))


def _with_own_number(tape: str, test: str) -> str:
    """What finds this process's number by the word before it; empty where the tape has no number there."""
    number = str(os.getpid())
    places = islice(re.finditer(rf"{number}(?!\d)", test), _PLACES)
    for start in (place.start() for place in places):
        before = _WORD_BEFORE.search(test[max(0, start - _NEAR) : start])
        if before is None:
            continue
        pattern = plain(before[0]) + r"(\d+)"
        known = re.search(pattern, tape)
        if known is not None and known[1] != number:
            return pattern
    return ""


def _patterns(tape: str, test: str) -> list[str]:
    """What finds the names in which two texts differ; none if they differ in anything else."""
    parts, others = tape.split("/"), test.split("/")
    if len(parts) != len(others):
        return []
    in_a_path = len(parts) > 1
    found = [_pattern(a, b, in_a_path) for a, b in zip(parts, others, strict=True) if a != b]
    return found if all(found) else []


def _pattern(tape: str, test: str, in_a_path: bool) -> str:
    """What finds both of two names; empty where they don't look random."""
    words, others = _WORD.split(tape), _WORD.split(test)
    if [*map(len, words)] != [*map(len, others)] or words[::2] != others[::2]:
        return ""
    pairs = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    said = "".join(a + b for a, b in pairs)
    if len(said) < 2 * _LEAST or said.isalpha() or said.isdecimal():
        # Two commands of eight letters, or two times of day.
        return ""
    if _HEX.fullmatch(said):
        return "".join(
            plain(a) if a == b else f"[0-9a-f]{{{len(a)}}}" for a, b in zip(words, others, strict=True)
        )
    found = [plain(a) if a == b else _temporary(a, b, in_a_path) for a, b in zip(words, others, strict=True)]
    return "".join(found) if all(found[1::2]) else ""


def _temporary(tape: str, test: str, in_a_path: bool) -> str:
    """What finds both words, if they are alike but for what tempfile could have made; empty if not."""
    for start in (len(tape) - _LEAST, 0):
        before, made, after = tape[:start], tape[start : start + _LEAST], tape[start + _LEAST :]
        if start >= 0 and _TEMPORARY.fullmatch(made) and test[:start] == before:
            other = test[start : start + _LEAST]
            alike = _TEMPORARY.fullmatch(other) and test[start + _LEAST :] == after
            if alike and (in_a_path or (before + after and _are_drawn(made, other))):
                return f"{plain(before)}[a-z0-9_]{{{_LEAST}}}{plain(after)}"
    return ""


def _are_drawn(made: str, other: str) -> bool:
    """Whether neither is a word of a language, nor both numbered; these are everywhere but in paths."""
    apart = sum(a != b for a, b in zip(made, other, strict=True))
    return apart >= _OTHERS and not made.isalpha() and not other.isalpha()


def plain(text: str) -> str:
    """A pattern for ``text``; :func:`re.escape` would escape hyphens and spaces, too."""
    return _SPECIAL.sub(r"\\\g<0>", text)
