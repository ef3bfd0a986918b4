"""What a new recording makes of a tape that all tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_proctape.match import Asked
from pytest_proctape.session.merging import merged, shared_terms, without_repeats
from pytest_proctape.tape import AMBIENT, CACHED, Content, Entry, Stream, decode


def plain(stream: Stream) -> Content:
    return decode(stream, Path("/nowhere"))


def entry(*argv: str, **fields: Any) -> Entry:
    return Entry(program=argv[0], args=argv[1:], **fields)


def merge(old: list[Entry], new: list[Entry], *, whole: bool = False, sort: bool = False) -> list[Entry]:
    return list(merged(old, new, plain, whole=whole, sort=sort))


def test_what_was_there_stays_and_what_is_new_is_added() -> None:
    old, new = entry("a", stdout="1"), entry("b", stdout="2")
    assert merge([old], [new]) == [old, new]


def test_a_whole_recording_drops_what_is_not_asked_for_any_more() -> None:
    old, new = entry("a", stdout="1"), entry("b", stdout="2")
    assert merge([old], [new], whole=True) == [new]


def test_a_command_that_says_something_else_says_that() -> None:
    assert merge([entry("a", stdout="1")], [entry("a", stdout="2")]) == [entry("a", stdout="2")]


def test_a_command_that_says_the_same_keeps_its_duration() -> None:
    old = entry("a", stdout="1", duration_ms=5)
    assert merge([old], [entry("a", stdout="1", duration_ms=7)]) == [old]


def test_one_that_is_asked_again_and_again_is_there_once() -> None:
    assert merge([], [entry("a", stdout="1")] * 3) == [entry("a", stdout="1")]
    different = [entry("a", stdout="1"), entry("a", stdout="2")]
    assert merge([], different) == different


def test_the_ambient_tape_is_in_the_order_of_its_commands() -> None:
    found = merge([entry("c")], [entry("b"), entry("a")], sort=True)
    assert [one.program for one in found] == ["a", "b", "c"]


def test_the_ambient_tape_has_a_command_once() -> None:
    assert merge([], [entry("a", stdout="1"), entry("a", stdout="2")], sort=True) == [entry("a", stdout="1")]


def test_names_made_at_random_are_no_difference_on_the_ambient_tape() -> None:
    old = entry("ld", stdout="cannot open /tmp/tmpabcd1234: /tmp/ccAbCdEf.o")
    new = entry("ld", stdout="cannot open /tmp/tmpwxyz5678: /tmp/ccFeDcBa.o")
    assert merge([old], [new], sort=True) == [old]
    assert merge([old], [new]) == [new]
    failed = new.model_copy(update={"exit_code": 1})
    assert merge([old], [failed], sort=True) == [failed]


def test_what_an_interface_has_counted_is_no_difference_on_the_ambient_tape() -> None:
    told = "eth0: flags=4163\n        ether 02:42:ac:11:00:02\n        RX packets {}  bytes {} (1.0 B)\n"
    old = entry("ifconfig", stdout=told.format(3, 42))
    assert merge([old], [entry("ifconfig", stdout=told.format(4, 99))], sort=True) == [old]
    other = entry("ifconfig", stdout=told.format(3, 42).replace(":02\n", ":03\n"))
    assert merge([old], [other], sort=True) == [other]


def test_the_ambient_tape_looks_past_what_differs_from_machine_to_machine() -> None:
    asked = Asked("/usr/bin/gcc", ("-o", "/tmp/tmpabcd1234", "-l", "c"), "gcc", "/work")
    assert shared_terms(AMBIENT, asked) == Asked("gcc", ("-o", "<tempfile>", "-l", "c"), None, None)


def test_what_is_remembered_is_the_same_wherever_it_was_asked() -> None:
    asked = Asked("/usr/bin/git", ("--version",), "git", "/work")
    assert shared_terms(CACHED, asked) == Asked("/usr/bin/git", ("--version",), "git", None)
    assert shared_terms("pkg/mod.py::@import", asked) is asked


def test_repeats() -> None:
    one, other = entry("a", stdout="1", duration_ms=1), entry("a", stdout="2")
    assert without_repeats([one, entry("a", stdout="1", duration_ms=3)], plain) == [one]
    assert without_repeats([one, other], plain) == [one, other]
