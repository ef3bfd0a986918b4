"""What is too short to hold anything is not looked through, and comes out as if it had been."""

from __future__ import annotations

import os
import re
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.portable import Capture, Places, Rules, places
from pytest_proctape.portable.innocent import NEVER, is_plain, is_plain_text, shortest

HERE = {"root": "/s", "tempdir": "/t", "user-name": "somebody", "host-name": "box-17"}
SECRETS = {"API_TOKEN": "hunter2x", "DB_PASSWORD": "a/b c%d"}
RULES = Rules(values=(("port", "8080"), ("place", "x/y")))
PATTERNED = Rules(redact=(re.compile(rb"k\d"),))
CAPTURING = Rules(captures=(Capture("id", re.compile(rb"#\d")),))

PARTS = ["/s", "/t", "%2Fs", "\\/t", "somebody", "box-17", "hunter2x", "a/b c%d", "8080", "x/y", "k7", "#5"]
TEXTS = st.lists(
    st.sampled_from([*PARTS, "<", "root>", "\u00e9", "\udcff", " ", "-", "\n", "q"]) | st.text(max_size=2),
    max_size=4,
).map("".join)


def made(rules: Rules) -> Places:
    made = Places(HERE, rules).copy()
    made.secrets.learn(SECRETS)
    made.capturing = True
    return made


def concealed(rules: Rules, text: str) -> tuple[str, bytes, list[bytes]]:
    raw = os.fsencode(text)
    return (
        made(rules).conceal_text(text),
        made(rules).conceal(raw),
        made(rules).conceal_pieces([raw[:2], raw[2:]]),
    )


@pytest.mark.parametrize("rules", [Rules(), RULES, PATTERNED, CAPTURING])
@given(TEXTS)
def test_it_comes_out_as_if_it_had_been_looked_through(rules: Rules, text: str) -> None:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return
    short = concealed(rules, text)
    with mock.patch.multiple(places, is_plain=lambda _: False, is_plain_text=lambda _: False):
        assert concealed(rules, text) == short


def test_a_short_word_is_not_looked_for() -> None:
    with mock.patch.object(Places, "_spans", side_effect=AssertionError):
        assert made(Rules()).conceal_text("add") == "add"
        assert made(Rules()).conceal(b"ok\n") == b"ok\n"
        assert made(Rules()).conceal_pieces([b"o", b"k\n"]) == [b"o", b"k\n"]


def test_what_is_as_long_as_a_value_is_looked_for() -> None:
    assert made(RULES).conceal_text("8080") == "<port>"
    assert made(Rules()).conceal(b"box-17") == b"<host-name>"


def test_of_the_users_patterns_nobody_knows_how_much_they_take() -> None:
    assert made(PATTERNED).conceal(b"k7") == b"<redacted>"
    assert made(CAPTURING).conceal_text("#5") == "<id:1>"


def test_plain() -> None:
    assert is_plain(b"a-b_c 1\n")
    assert is_plain_text("a-b_c 1\n")
    assert not any(map(is_plain, [b"/", b"%2F", b"\\/", b"<", b"\xc3\xa9", b"\0"]))
    assert not any(map(is_plain_text, ["/", "%2F", "\\/", "<", "\u00e9", "\udcff", "\0"]))


def test_shortest() -> None:
    assert shortest([b"long/path", b"abc", b"abcd"]) == 3
    assert shortest([b"/"]) == NEVER
