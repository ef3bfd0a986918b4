"""Names that look random where a test and its tape differ, and the placeholder that is proposed for them."""

from __future__ import annotations

import os
import re

import pytest

from pytest_proctape.match import Difference
from pytest_proctape.session.random_names import notes_on

UUID = ("0a1b2c3d-0011-4aaa-8bbb-0123456789ab", "ffffffff-aaaa-4bbb-9ccc-ba9876543210")


def proposed(*differences: tuple[str | None, str | None]) -> list[str]:
    """The lines of the ini file."""
    notes = notes_on([Difference("cwd", taped, asked) for taped, asked in differences])
    assert not notes or notes[2] == "  tapes_places ="
    return [one.strip() for one in notes[3:]]


@pytest.mark.parametrize(
    "taped, asked, line",
    [
        ("<tmp>/test-a1bcdefg-x", "<tmp>/test-_zyxwvut-x", "random = /test-[a-z0-9_]{8}-x/"),
        ("<tmp>/repo_ab1defgh/sub", "<tmp>/repo_zyxwvut2/sub", "random = /repo_[a-z0-9_]{8}/"),
        ("/d/ab1defgh_dir.txt", "/d/zyxwvut2_dir.txt", r"random = /[a-z0-9_]{8}_dir\.txt/"),
        (
            f"--job={UUID[0]}",
            f"--job={UUID[1]}",
            "random = /--job=[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/",
        ),
        ("id 0123abcd4567", "id ba9876543210", "random = /id [0-9a-f]{12}/"),
        ("-Lsocket_testkar1d_95", "-Lsocket_testwdeyu543", "random = /-Lsocket_test[a-z0-9_]{8}/"),
    ],
)
def test_a_placeholder_is_proposed(taped: str, asked: str, line: str) -> None:
    assert proposed((taped, asked)) == [line]
    pattern = re.compile(line.partition("/")[2][:-1])
    assert pattern.search(taped)
    assert pattern.search(asked)


@pytest.mark.parametrize(
    "taped, asked",
    [
        ("--abbrev=0", "--abbrev=7"),
        ("checkout", "describe"),
        ("20240101", "20250101"),
        ("a1b2c3d_", "zyx1vuts"),
        ("run_kar1d_95", "run_checkout"),
        ("run-kar1d_95", "run-wdeyu543"),
        ("run_kar1d_95", "run_wde"),
        ("feature_branch01", "feature_branch02"),
        ("test_a1b2c3d_", "test_a1b2c3e4"),
        ("/a/ab1defgh", "/a/ab1defgh/more"),
        ("/a/ab1defgh", "/a/ab1defghi"),
        ("/a/ab1defgh-x", "/a/zyxwvut2-y"),
        ("/a/AB1DEFGH", "/a/ZYXWVUT2"),
        ("/a/xab1defghx", "/a/yzyxwvut2x"),
        (None, "/a/ab1defgh"),
        ("/a/ab1defgh", None),
    ],
)
def test_what_does_not_look_random_is_none(taped: str | None, asked: str | None) -> None:
    assert proposed((taped, asked)) == []


def test_each_name_has_one_placeholder() -> None:
    first, second = ("/t/a-ab1defgh", "/t/a-zyxwvut2"), ("/t/b-ab1defgh", "/t/b-zyxwvut2")
    assert proposed(first, second, first) == [
        "random = /a-[a-z0-9_]{8}/",
        "random-2 = /b-[a-z0-9_]{8}/",
    ]
    assert proposed(first, ("one", "two")) == []
    assert proposed() == []


def test_a_placeholder_is_proposed_for_the_number_of_the_tests_own_process() -> None:
    number = os.getpid()
    tape, test = f"open('<root>/@it-{number + 1}-<temp-name:1>')", f"open('<root>/@it-{number}-ab1defgh')"
    assert proposed((tape, test)) == [r"process = /@it-(\d+)/"]
    found = re.search(r"@it-(\d+)", test)
    assert found is not None
    assert found[1] == str(number)


@pytest.mark.parametrize(
    "tape, test",
    [
        ("/d/it-{0}", "/d/it-{0}"),
        ("/d/it-{1}", "/d/other-{0}"),
        ("/d/it-x", "/d/it-{0}"),
        ("/d/it-{1}", "/d/it-{0}0"),
        ("{1}", "{0}"),
    ],
)
def test_other_numbers_are_none_of_it(tape: str, test: str) -> None:
    numbers = os.getpid(), os.getpid() + 1
    assert proposed((tape.format(*numbers), test.format(*numbers))) == []


def test_a_very_long_argument_is_looked_at_in_a_few_places() -> None:
    """Megabytes: looked at from each of its letters it would take days."""
    long = "x" * 3_000_000
    number = os.getpid()
    assert proposed((long, long + f"{number}")) == []
    assert proposed((f"{long}-{number + 1}", f"{long}-{number}")) == [rf"process = /{'x' * 63}-(\d+)/"]
    assert proposed((f"{number}-" * 300_000, f"{number}-" * 300_001)) == []
