"""What may stand on a tape in the place of a word or of input: patterns, and what they match.

A pattern that is none can't be made, and is so found when the tape is loaded. A tape is
input, and Python's ``re`` can take for ever over a bad pattern and a long text: both are bounded here. A
pattern within the bounds can still be slow; look at the regular expressions of a tape as at code.
"""

from __future__ import annotations

import fnmatch
import json
import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from .base import Model

PATTERN_LIMIT = 1000
"""Characters that a pattern may have."""

TEXT_LIMIT = 1 << 16
"""Characters of text beyond which no pattern but ``any`` matches."""


class Anything(Model):
    """Any word. As stdin: input that nobody looked at, as where the child left before it could be read."""

    any: Literal[True]


class AnyArgs(Model):
    """Any number of words, also none."""

    any_args: Literal[True]


class Regex(Model):
    """A word that matches from its beginning to its end, as :func:`re.fullmatch` has it."""

    regex: str

    def _check(self) -> None:
        _check_length(self.regex)
        _compiled(self.regex)


class Glob(Model):
    """A word that matches as a file name does a shell's pattern, case and all: :mod:`fnmatch`."""

    glob: str

    def _check(self) -> None:
        _check_length(self.glob)


Pattern = Anything | Regex | Glob


def is_pattern(word: object) -> bool:
    """Whether ``word`` of a tape stands for more than itself."""
    return isinstance(word, Anything | AnyArgs | Regex | Glob)


def fits(pattern: Model, text: str) -> bool:
    """Whether ``text`` is one that ``pattern`` stands for."""
    if isinstance(pattern, Anything | AnyArgs):
        return True
    if len(text) > TEXT_LIMIT:
        return False
    if isinstance(pattern, Regex):
        return _compiled(pattern.regex).fullmatch(text) is not None
    return isinstance(pattern, Glob) and _glob(pattern.glob).fullmatch(text) is not None


def fits_input(pattern: Model, data: bytes) -> bool:
    """:func:`fits` for what was sent to a child; bytes that are not UTF-8 are lone surrogates."""
    return fits(pattern, data.decode("utf-8", "surrogateescape"))


def pattern_text(pattern: Model) -> str:
    """As it stands on the tape: ``{"regex": "v.*"}``."""
    return json.dumps(pattern.model_dump(), ensure_ascii=False)


def aligned(words: Sequence[object], actual: Sequence[str], fit: Callable[[int, int], bool]) -> bool:
    """Whether ``words``, some of them :class:`AnyArgs`, stand for ``actual`` as a whole.

    Args:
        words: of a tape.
        actual: of a spawn.
        fit: whether the word of one index stands for the actual one of another.
    """
    reached = {0}
    for index, word in enumerate(words):
        if isinstance(word, AnyArgs):
            reached = set(range(min(reached), len(actual) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(actual) and fit(index, at)}
        if not reached:
            return False
    return len(actual) in reached


def _check_length(value: str) -> None:
    if len(value) > PATTERN_LIMIT:
        raise ValueError(f"a pattern of at most {PATTERN_LIMIT} characters; it has {len(value)}")


@lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            # What it will mean to a later Python is not the tape's reader's affair.
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"a regular expression, which this is not: {error}") from error


@lru_cache(1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
