"""Input that is not held against the tape byte by byte."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_proctape.child.channels import Inlet
from pytest_proctape.child.loose import LooseInput, Unfitting, loosened, with_received
from pytest_proctape.tape import Content, End, Regex, Script, free_steps, script


@contextmanager
def pipe() -> Iterator[tuple[Inlet, int]]:
    reader, writer = os.pipe()
    try:
        yield Inlet(reader), writer
    finally:
        os.close(reader)
        os.close(writer)


def lines(count: int) -> free_steps.AnyInput:
    return free_steps.AnyInput(count, 10, whole_lines=True)


def frame(size: int) -> free_steps.AnyInput:
    return free_steps.AnyInput(0, size, whole_lines=False)


def test_a_line_is_waited_for_to_its_end() -> None:
    with pipe() as (inlet, writer):
        loose = LooseInput()
        assert not loose.take(inlet, lines(1))
        os.write(writer, b"begin")
        assert not loose.take(inlet, lines(1))
        os.write(writer, b"ning\n")
        assert loose.take(inlet, lines(1))
        assert not loose.take(inlet, lines(1))
        assert loose.received == b"beginning\n"


def test_fewer_lines_than_recorded_will_do() -> None:
    with pipe() as (inlet, writer):
        loose = LooseInput()
        os.write(writer, b"one\n")
        assert loose.take(inlet, lines(3))


def test_lines_sent_at_once_are_for_as_many_steps() -> None:
    with pipe() as (inlet, writer):
        loose = LooseInput()
        os.write(writer, b"one\ntwo\n")
        assert [loose.take(inlet, lines(1)) for _ in range(3)] == [True, True, False]


def test_frames_sent_at_once_are_for_as_many_steps() -> None:
    with pipe() as (inlet, writer):
        loose = LooseInput()
        os.write(writer, b"abcdef")
        assert [loose.take(inlet, frame(3)) for _ in range(3)] == [True, True, False]


def test_the_end_of_the_input_holds_nothing_back() -> None:
    with pipe() as (inlet, _):
        loose = LooseInput()
        inlet.at_end = True
        assert loose.take(inlet, lines(1))
        assert loose.take(inlet, free_steps.AnyInputEnd())
    assert LooseInput().take(None, lines(1))


def test_a_pattern_stands_for_a_line_or_for_everything() -> None:
    one = free_steps.InputPattern(Regex(regex="[a-z]+"), to_end=False)
    with pipe() as (inlet, writer):
        loose = LooseInput()
        os.write(writer, b"abc\ndef\n123\nrest")
        assert loose.take(inlet, one)
        assert loose.take(inlet, one)
        with pytest.raises(Unfitting) as caught:
            loose.take(inlet, one)
        assert caught.value.data == b"123\n"
    everything = free_steps.InputPattern(Regex(regex="(?s)a.*z"), to_end=True)
    with pipe() as (inlet, writer):
        loose = LooseInput()
        os.write(writer, b"a\nb\nz\n")
        assert not loose.take(inlet, everything)
        inlet.at_end = True
        assert loose.take(inlet, everything)


def test_a_script_is_loosened_step_by_step() -> None:
    played = Script(
        (
            script.Input(Content.of(b"a\n")),
            script.Input(Content.of(b"bc")),
            script.Output(1, Content.of(b"x")),
            script.Input(Content.of(b"d\n"), 5),
            script.InputEnd(6),
        ),
        End(0),
    )
    assert loosened(played).steps == (
        free_steps.AnyInput(1, 4, whole_lines=False),
        script.Output(1, Content.of(b"x")),
        free_steps.AnyInput(1, 2, whole_lines=True, at_ns=5),
        free_steps.AnyInputEnd(6),
    )
    assert not loosened(played).has_input


def test_what_was_sent_is_known_afterwards() -> None:
    played = loosened(Script((script.Input(Content.of(b"a")), script.Output(1, Content.of(b"x"))), End(0)))
    told = with_received(played, played.steps, b"other")
    assert (told.stream(0), told.stream(1)) == (b"other", b"x")
    assert with_received(played, played.steps, b"").stream(0) == b""
    exact = Script((script.Input(Content.of(b"a")),), End(0))
    assert with_received(exact, exact.steps, b"").stream(0) == b"a"
