"""What a new recording leaves of the old one: patterns, and the order where it is chance."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape import effects
from pytest_proctape.session.unchanged import keep_unchanged
from pytest_proctape.tape import (
    AnyArgs,
    Anything,
    Content,
    Effect,
    Entry,
    Glob,
    Regex,
    Stream,
    decode,
    encode,
)


def plain(stream: Stream) -> Content:
    return decode(stream, Path("/nowhere"))


def entry(*argv: str, **fields: Any) -> Entry:
    return Entry(program=argv[0], args=argv[1:], **fields)


def kept(old: list[Entry], new: list[Entry], *, unordered: bool = False) -> list[Entry]:
    return list(keep_unchanged(old, new, plain, unordered=unordered))


def test_the_same_keeps_its_times() -> None:
    old = [entry("a", duration_ms=1), entry("b", duration_ms=2)]
    assert kept(old, [entry("a", duration_ms=3), entry("b", duration_ms=4)]) == old


def test_what_has_changed_is_new() -> None:
    new = [entry("a", stdout="x", duration_ms=3)]
    assert kept([entry("a", stdout="y", duration_ms=1)], new) == new


def test_a_pattern_stays_while_it_fits() -> None:
    old = Entry(program="a", args=(Glob(glob="v*"), AnyArgs(any_args=True)), stdout="x", duration_ms=1)
    assert kept([old], [entry("a", "v2", "y", stdout="x", duration_ms=2)]) == [old]
    changed = kept([old], [entry("a", "v2", stdout="z", duration_ms=2)])
    assert changed == [old.model_copy(update={"stdout": "z", "duration_ms": 2.0})]
    other = entry("a", "w2", stdout="x")
    assert kept([old], [other]) == [other]


def test_a_pattern_for_input_stays_while_it_fits() -> None:
    old = entry("a", stdin=Regex(regex="x+"), stdout="1", duration_ms=1)
    assert kept([old], [entry("a", stdin="xxx", stdout="1", duration_ms=2)]) == [old]
    assert kept([old], [entry("a", stdin="x", stdout="2")])[0].stdin == old.stdin
    assert kept([old], [entry("a", stdin="y", stdout="1")])[0].stdin == "y"


@pytest.mark.parametrize("order", ["abcb", "bbca", "cbab"])
def test_where_order_is_chance_the_old_one_stays(order: str) -> None:
    old = [entry(name, duration_ms=number) for number, name in enumerate("abcb")]
    new = [entry(name, duration_ms=9) for name in order]
    assert kept(old, new, unordered=True) == old
    assert (kept(old, new) == old) is (order == "abcb")


def test_where_order_is_chance_a_change_is_in_its_old_place_and_what_is_new_behind_its_neighbour() -> None:
    old = [entry("a"), entry("b", stdout="1"), entry("c")]
    new = [entry("n"), entry("c"), entry("m"), entry("b", stdout="2"), entry("a")]
    names = [one.program for one in kept(old, new, unordered=True)]
    assert names == ["n", "a", "b", "c", "m"]


def test_equal_commands_with_other_outputs_find_their_own() -> None:
    old = [entry("a", stdout=str(number)) for number in range(4)]
    assert kept(old, [old[2], old[0], old[3], old[1]], unordered=True) == old


@pytest.mark.parametrize(
    "ignored, stays",
    [
        (None, True),
        ((b"one\n", True), True),
        ((b"on", False), True),
        ((b"", False), True),
        ((b"on", True), False),
        ((b"", True), False),
        ((b"two\n", False), False),
        ((b"one\nmore", False), False),
    ],
)
def test_one_that_ignores_its_input_now(ignored: tuple[bytes, bool] | None, stays: bool) -> None:
    """What was sent to it, as far as that is known, has to be what the old one asks for."""
    old, new = [entry("a", stdin="one\n")], [entry("a", stdin=Anything(any=True))]
    assert keep_unchanged(old, new, plain, ignored=lambda _: ignored) == tuple(old if stays else new)


def test_one_that_was_sent_nothing_that_it_took_and_is_not_now() -> None:
    old, new = ([entry("a", stdin=Anything(any=True), duration_ms=ms)] for ms in (1, 2))
    assert keep_unchanged(old, new, plain, ignored=lambda _: (b"one", True)) == tuple(old)


# -- files -------------------------------------------------------------------------------------

BEGAN = "2026-01-02T03:04:05Z"


def made(data: bytes, **fields: Any) -> Entry:
    """An entry whose command has made a file."""
    effect = Effect.model_validate({"path": "a", "file": encode(data), **fields})
    return entry("a", began=BEGAN, effects=(effect,), duration_ms=len(fields) + 1)


def packed(text: bytes, time: int) -> bytes:
    return gzip.compress(text, mtime=time)


def test_times_that_a_format_keeps_inside_are_chance() -> None:
    old = made(packed(b"text", 1))
    assert kept([old], [made(packed(b"text", 2), mode="600")]) != [old]
    same = made(packed(b"text", 2)).model_copy(update={"duration_ms": 99.0})
    assert kept([old], [same]) == [old]
    other = made(packed(b"more", 1))
    assert kept([old], [other]) == [other]


def test_large_files_are_compared_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "MASKED_LIMIT", 10)
    old, new = made(packed(b"text", 1)), made(packed(b"text", 2))
    assert kept([old], [new]) == [new]
    assert kept([old], [old.model_copy(update={"duration_ms": 99.0})]) == [old]
