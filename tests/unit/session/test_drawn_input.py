"""Values in the input that look drawn, and the placeholder that is proposed for them."""

from __future__ import annotations

import re

import pytest

from pytest_proctape.match import Difference
from pytest_proctape.session.drawn_input import notes_on_input

UUID = ("0a1b2c3d-0011-4aaa-8bbb-0123456789ab", "ffffffff-2222-4bbb-9ccc-ba9876543210")
UUIDS = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def proposed(taped: str | None, asked: str | None, field: str = "stdin, byte 5") -> list[str]:
    """The lines of the ini file."""
    notes = notes_on_input([Difference(field, taped, asked)])
    assert not notes or notes[2] == "  tapes_places ="
    return [one.strip() for one in notes[3:-1]]


@pytest.mark.parametrize(
    "taped, asked, line",
    [
        (f"echo done-{UUID[0]}\n", f"echo done-{UUID[1]}\n", f"drawn = /done-{UUIDS}/"),
        (f"echo '{UUID[0]}'; x", f"echo '{UUID[1]}'; x", f"drawn = /{UUIDS}/"),
        ("echo --.END12345678.--\n", "echo --.END345678.--\n", r"drawn = /--\.END[0-9]+\.--/"),
        ("echo END_0123ABCD $?", "echo END_FEDC4321 $?", "drawn = /END_[0-9A-F]{8}/"),
        ("x=q7Gh2Lp0z", "x=Zk3mN8v1W", "drawn = /[0-9A-Za-z]{9}/"),
    ],
)
def test_a_placeholder_is_proposed(taped: str, asked: str, line: str) -> None:
    assert proposed(taped, asked) == [line]
    pattern = re.compile(line.partition("/")[2][:-1])
    assert pattern.search(taped)
    assert pattern.search(asked)


def test_each_of_two_has_a_name() -> None:
    lines = proposed("begin-123456 end-0123abcd\nrest", "begin-987654 end-ffffeee0\n")
    assert lines == ["drawn = /begin-[0-9]+/", "drawn-2 = /end-[0-9a-f]{8}/"]


LONG = "x" * 200


@pytest.mark.parametrize(
    "taped, asked",
    [
        # What the test sent is taken as far as the tape has something.
        ("echo END123456; true 1>&2\n", "echo END12345678; true 1>"),
        ("echo END123456; true && more\n", "echo END12345678; true && mor"),
        ("echo END12345678; true 1>&2\n", "echo END123456; true 1>&2\nm"),
        # And both are shown only so far.
        (f"echo END123456 {LONG}"[:200], f"echo END12345678 {LONG}"[:200]),
        (f"echo END12345678 {LONG}"[:200], f"echo END123456 {LONG}"[:200]),
        (f"echo END12345678 {'x ' * 99}"[:200], f"echo END123456 {'x ' * 99}"[:200]),
        (f"echo END123456 {'x ' * 99}"[:200], f"echo END1234567 {'x ' * 99}"[:200]),
    ],
)
def test_one_of_another_length_moves_what_comes_behind_it(taped: str, asked: str) -> None:
    assert proposed(taped, asked) == ["drawn = /END[0-9]+/"]


@pytest.mark.parametrize(
    "taped, asked",
    [
        ("echo 12345678 more", "echo 87654321"),
        ("echo 12345678", "echo 87654321 mo"),
        ("echo 12345678; ls", "echo 87654321; cd"),
        ("echo 12345678; ls\n", "echo 8765432; list"),
        ("echo one\n", "echo two\n"),
        ("head -n 1", "head -n 20"),
        ("checkout\n", "describe\n"),
        ("echo 12345678 a", "echo 87654321 b"),
        ("echo 12345678", "echo 87654321 more"),
        ("echo 12345678", None),
        (None, "echo 12345678"),
    ],
)
def test_what_does_not_look_drawn_is_none(taped: str | None, asked: str | None) -> None:
    assert proposed(taped, asked) == []


def test_of_anything_else_nothing_is_said() -> None:
    assert proposed("12345678", "87654321", field="signal") == []


def test_input_that_is_no_text_may_be_any() -> None:
    one, other = r"key\n\xd0_\xaeT\xbc\xa7\x14\xe3\x83#\xa9\xff\x97", "\0\1\2\3\4\5\6\7"
    assert notes_on_input([Difference("stdin, byte 5", one, other)]) == (
        "if what the test sends are other bytes in every run,",
        'take any input: @pytest.mark.tape(match_on=["program", "args", "cwd"])',
    )
    assert notes_on_input([Difference("stdin, byte 5", one, "text")]) == ()
    assert notes_on_input([Difference("stdin, byte 5", "\3", "\4")]) == ()


def test_the_end_of_a_long_line_is_no_word() -> None:
    """What it begins with is not shown, so no pattern is proposed that would not find the whole."""
    one, other = ("...ne-3f2a77b1c0d94e55", "...ne-9c1d55e2a7b04f33")
    assert proposed(one[3:], other[3:])
    assert not proposed(one, other)
