"""Patterns on a tape: what they match, and that they are bounded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.tape import (
    AnyArgs,
    Anything,
    Entry,
    Glob,
    Regex,
    Tape,
    aligned,
    dumps,
    fits,
    fits_input,
    is_pattern,
    loads,
    pattern_text,
)
from pytest_proctape.tape.patterns import TEXT_LIMIT


@pytest.mark.parametrize(
    "pattern, text, expected",
    [
        (Anything(any=True), "", True),
        (Anything(any=True), "\udcff", True),
        (Regex(regex="v[0-9]+"), "v12", True),
        (Regex(regex="v[0-9]+"), "v12 ", False),
        (Regex(regex="a|ab"), "ab", True),
        (Regex(regex=""), "", True),
        (Regex(regex="(?s)a.b"), "a\nb", True),
        (Glob(glob="*.txt"), "a/b.txt", True),
        (Glob(glob="*.txt"), "A.TXT", False),
        (Glob(glob="[!a]?"), "b1", True),
        (Glob(glob="a[b"), "a[b", True),
    ],
)
def test_what_a_pattern_stands_for(pattern: Any, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


def test_a_long_text_is_held_against_no_pattern() -> None:
    text = "x" * (TEXT_LIMIT + 1)
    assert not fits(Regex(regex="x*"), text)
    assert not fits(Glob(glob="*"), text)
    assert fits(Anything(any=True), text)
    assert fits(Regex(regex="x*"), text[1:])


@pytest.mark.parametrize(
    "bad", ["(", "[", "*", "a{3,2}", "(?P<1>x)", "a{99999999999}", "(" * 999, "x" * 1001]
)
def test_a_bad_regular_expression_is_refused_when_it_is_read(bad: str) -> None:
    with pytest.raises(ValueError, match=r"a regular expression, which this is not|at most 1000"):
        Regex(regex=bad)


def test_what_python_warns_of_is_no_error(recwarn: pytest.WarningsRecorder) -> None:
    assert fits(Regex(regex="[[a]"), "[")
    assert not recwarn.list


def test_input_that_is_not_utf_8_can_be_matched() -> None:
    assert fits_input(Regex(regex="a.b"), b"a\xffb")
    assert not fits_input(Regex(regex="a.b"), b"a\xff\xffb")


def test_a_pattern_is_shown_as_it_stands_on_the_tape() -> None:
    assert pattern_text(Regex(regex='"é\\d')) == '{"regex": "\\"é\\\\d"}'
    assert pattern_text(Anything(any=True)) == '{"any": true}'
    assert not is_pattern("x")


def test_patterns_survive_the_round_trip_and_stand_on_one_line() -> None:
    entry = Entry(
        program=Glob(glob="*/git"),
        args=("log", Anything(any=True), Regex(regex="v.*"), AnyArgs(any_args=True)),
        cwd=Regex(regex="<tmp>/.*"),
        stdin=Glob(glob="*"),
    )
    tape = Tape(entries=(entry,))
    data = dumps(tape)
    assert loads(data, None) == tape  # type: ignore[arg-type]
    line = '    "args": ["log", {"any": true}, {"regex": "v.*"}, {"any_args": true}],'
    assert line in data.decode().replace("      ", "    ").splitlines()


# -- any number of words -------------------------------------------------------------------------

words = st.lists(st.sampled_from(["a", "b", "*"]), max_size=6)
texts = st.lists(st.sampled_from(["a", "b"]), max_size=8)


@given(words, texts)
def test_any_args_is_what_a_star_is_to_a_regular_expression(pattern: list[str], actual: list[str]) -> None:
    given_words = [AnyArgs(any_args=True) if one == "*" else one for one in pattern]
    expression = "".join(".*" if one == "*" else one for one in pattern)
    expected = re.fullmatch(expression, "".join(actual)) is not None
    assert aligned(given_words, actual, lambda i, at: given_words[i] == actual[at]) is expected
