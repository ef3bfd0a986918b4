"""What a setting may be: everything else is told, with where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_proctape import parsing
from pytest_proctape.errors import UsageError


@pytest.mark.parametrize(
    "parse, value, told",
    [
        (parsing.parse_flag, "yes", "here is True or False, not 'yes'"),
        (parsing.parse_flag, 1, "here is True or False, not 1"),
        (parsing.parse_text, 3, "here is a string, not 3"),
        (parsing.parse_regexes, "a", "here is a list of regular expressions, not 'a'"),
        (parsing.parse_regexes, [3], r"here is a list of regular expressions, not \[3\]"),
        (parsing.parse_regexes, ["("], r"here: '\(' is no regular expression: "),
        (parsing.parse_words, "git", "here is a list of strings, not 'git'"),
        (parsing.parse_words, ["'"], "here: \"'\" can't be parted into words: "),
        (parsing.parse_words, ["git", " "], "here: there is no command in ' '"),
        (parsing.parse_lines, "a line", "here is a list of lines, not 'a line'"),
        (parsing.parse_lines, [b"a"], r"here is a list of lines, not \[b'a'\]"),
        (parsing.parse_patterns, "/tmp", "here is a list of paths or patterns, not '/tmp'"),
        (parsing.parse_patterns, [3], r"here is a list of paths or patterns, not \[3\]"),
    ],
)
def test_what_a_setting_may_not_be(parse: Callable[[object, str], object], value: object, told: str) -> None:
    with pytest.raises(UsageError, match=f"^{told}"):
        parse(value, "here")
