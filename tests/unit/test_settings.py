"""The settings: names of modes, contradicting flags, and markers."""

from __future__ import annotations

import pytest

from pytest_proctape.errors import UsageError
from pytest_proctape.settings import MODES, command_line_mode, marker_mode, parse_mode


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_its_name(mode: str) -> None:
    assert parse_mode(mode, "here") == mode


def test_all_is_another_word_for_record() -> None:
    assert parse_mode("all", "here") == "record"


@pytest.mark.parametrize(
    "value, nearest",
    [("recrod", "record"), ("reply", "replay"), ("Replay", "replay"), ("mising", "missing"), ("news", "new")],
)
def test_a_mode_that_is_not_known_is_told_with_the_nearest(value: str, nearest: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_mode(value, "tapes_mode in pytest.ini")
    text = str(caught.value)
    assert text.startswith("tapes_mode in pytest.ini: ")
    assert repr(value) in text
    assert f"did you mean {nearest!r}" in text
    assert ", ".join(MODES) in text


@pytest.mark.parametrize("value", ["", " ", "x", "once", "replay "])
def test_a_mode_that_is_like_none_is_told_with_all(value: str) -> None:
    with pytest.raises(UsageError, match="the modes are replay, record, missing, new, live"):
        parse_mode(value, "here")


@pytest.mark.parametrize(
    "record, replay, live, mode",
    [
        ([], False, False, None),
        (["all"], False, False, "record"),
        (["missing"], False, False, "missing"),
        (["new"], False, False, "new"),
        (["new", "new"], False, False, "new"),
        ([], True, False, "replay"),
        ([], False, True, "live"),
    ],
)
def test_one_flag_is_a_mode(record: list[str], replay: bool, live: bool, mode: str | None) -> None:
    assert command_line_mode(record, replay, live) == mode


@pytest.mark.parametrize(
    "record, replay, live, told",
    [
        (["all"], True, False, "--record-tapes and --replay-tapes"),
        (["new"], False, True, "--record-tapes=new and --live-tapes"),
        ([], True, True, "--replay-tapes and --live-tapes"),
        (["all", "new"], False, False, "--record-tapes and --record-tapes=new"),
        (["all"], True, True, "--record-tapes and --replay-tapes and --live-tapes"),
    ],
)
def test_two_flags_contradict_each_other(record: list[str], replay: bool, live: bool, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        command_line_mode(record, replay, live)
    assert str(caught.value).startswith(told)


def test_a_marker_may_say_a_mode_or_none() -> None:
    assert marker_mode((), {}, "t") is None
    assert marker_mode((), {"mode": None}, "t") is None
    assert marker_mode((), {"mode": "live"}, "t") == "live"


@pytest.mark.parametrize(
    "args, kwargs, told",
    [
        (("live",), {}, "mode="),
        ((), {"mod": "live"}, "did you mean 'mode'"),
        ((), {"xyz": "live"}, "'xyz'"),
        ((), {"mode": "liv"}, "did you mean 'live'"),
        ((), {"mode": 3}, "3"),
        ((), {"mode": ["live"]}, "['live']"),
    ],
)
def test_a_marker_that_is_not_understood_is_told_with_its_test(
    args: tuple[object, ...], kwargs: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        marker_mode(args, kwargs, "test_it.py::test_it")
    assert str(caught.value).startswith("test_it.py::test_it: @pytest.mark.tape")
    assert told in str(caught.value)
