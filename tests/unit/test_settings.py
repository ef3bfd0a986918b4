"""The settings: names of modes, contradicting flags, markers, ini keys, and who wins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_proctape.errors import UsageError
from pytest_proctape.keys import MODES, Mode, marker_help
from pytest_proctape.parsing import parse_mode
from pytest_proctape.settings import (
    KEYS,
    Settings,
    check_asked,
    check_marker,
    command_line_mode,
    for_test,
    from_ini,
)


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
    assert check_marker((), {}, "t") == {}
    assert check_marker((), {"mode": None}, "t") == {}
    assert check_marker((), {"mode": "live"}, "t") == {"mode": "live"}


@pytest.mark.parametrize(
    "args, kwargs, told",
    [
        (("live",), {}, "mode="),
        ((), {"mod": "live"}, "did you mean 'mode'"),
        ((), {"xyz": "live"}, "'xyz'"),
        ((), {"auto": True}, "'auto'"),
        ((), {"mode": "liv"}, "did you mean 'live'"),
        ((), {"mode": 3}, "3"),
        ((), {"mode": ["live"]}, "['live']"),
    ],
)
def test_a_marker_that_is_not_understood_is_told_with_its_test(
    args: tuple[object, ...], kwargs: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_marker(args, kwargs, "test_it.py::test_it")
    assert str(caught.value).startswith("test_it.py::test_it: @pytest.mark.tape")
    assert told in str(caught.value)


def test_the_ini_file_says_what_it_says_and_no_more() -> None:
    written = {"tapes_mode": "new", "tapes_auto": True, "tapes_dir": ""}
    assert from_ini(written, "pytest.ini") == Settings(mode="new", auto=True)
    assert from_ini({}, "pytest.ini") == Settings()


def test_a_value_of_the_ini_file_that_is_not_understood_is_told_with_key_and_file() -> None:
    with pytest.raises(UsageError, match=r"^tapes_mode in a/pytest\.ini: no such mode: 'nwe'"):
        from_ini({"tapes_mode": "nwe"}, "a/pytest.ini")


@pytest.mark.parametrize(
    "markers, line, mode",
    [
        ([], None, "missing"),
        ([{"mode": "new"}], None, "new"),
        ([{"mode": "new"}, {"mode": "live"}], None, "new"),
        ([{}, {"mode": "live"}], None, "live"),
        ([{"mode": "new"}], "record", "record"),
        ([], "record", "record"),
    ],
)
def test_command_line_over_nearest_marker_over_ini(
    markers: Sequence[dict[str, object]], line: Mode | None, mode: Mode
) -> None:
    assert for_test(Settings(mode="missing"), markers, line).mode == mode


def test_every_argument_of_the_marker_is_told() -> None:
    told = marker_help()
    for key in KEYS:
        assert (f"{key.name}=None" in told) == key.marker


@pytest.mark.parametrize(
    "asked, told",
    [
        ({"mod": "live"}, "here has no setting 'mod' (did you mean 'mode'?); it has mode"),
        ({3: 4}, "here has no setting 3"),
        ({"mode": "lvie"}, "here: 'mode': no such mode: 'lvie' (did you mean 'live'?)"),
        (["mode"], "here is a dict of settings, not ['mode']"),
    ],
)
def test_a_dict_that_is_not_understood_is_told_with_its_source(asked: object, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_asked(asked, "here", shape="{}: {!r}", what="setting")
    assert str(caught.value).startswith(told)


def test_what_is_asked_for_is_checked_and_none_says_nothing() -> None:
    assert check_asked({"mode": "all"}, "here") == {"mode": "record"}
    assert check_asked({"mode": None}, "here") == {}
