"""A directory that the test has made by a random name, found again by the path on the tape."""

from __future__ import annotations

import pytest

from pytest_proctape.portable import Places, Rules
from pytest_proctape.session.made import find

A, B, C = "/t/tmpaaaaaaaa", "/t/tmpbbbbbbbb", "/t/work-cccccccc"


@pytest.fixture
def places() -> Places:
    """With names of a recording, none of which the test has said."""
    found = Places({"tempdir": "/t"}, Rules())
    found.names.load({"mktemp:1": b"tmp11111111", "mktemp:2": b"tmp22222222", "temp-name:1": b"33333333"})
    found.environment = {}
    return found


@pytest.mark.parametrize(
    "taped, made, revealed",
    [
        ("<tempdir>/<mktemp:1>/file", [A], f"{A}/file"),
        ("<tempdir>/<mktemp:1>", [A], A),
        ("<tempdir>/<mktemp:1>/file", [A, C], f"{A}/file"),
        ("<tempdir>/work-<temp-name:1>/d/file", [A, B, C], f"{C}/d/file"),
        ("<tempdir>/other-<temp-name:1>/file", [A, C], "/t/other-33333333/file"),
        ("<tempdir>/<mktemp:1>/file", [C], "/t/tmp11111111/file"),
        ("<tempdir>/<mktemp:1>/file", [A, B], "/t/tmp11111111/file"),
        ("<tempdir>/<mktemp:1>/file", ["/elsewhere/tmpaaaaaaaa"], "/t/tmp11111111/file"),
        ("<tempdir>/file", [A], "/t/file"),
    ],
)
def test_the_only_one_that_it_can_be(places: Places, taped: str, made: list[str], revealed: str) -> None:
    find(taped, made, places)

    assert places.reveal_text(taped) == revealed


@pytest.mark.parametrize("value", [B, f"{B}/sub", f"/bin:{B}/bin"])
def test_of_several_that_which_a_variable_names(places: Places, value: str) -> None:
    places.environment = {"OTHER": f"{A}x", "HOME": value}
    find("<tempdir>/<mktemp:1>/file", [A, B], places)

    assert places.reveal_text("<tempdir>/<mktemp:1>") == B


def test_none_where_variables_name_two(places: Places) -> None:
    places.environment = {"HOME": A, "WORK": B}
    find("<tempdir>/<mktemp:1>/file", [A, B], places)

    assert places.reveal_text("<tempdir>/<mktemp:1>") == "/t/tmp11111111"


def test_one_that_is_known_by_another_name_is_no_candidate(places: Places) -> None:
    places.learn("<tempdir>/<mktemp:2>", A)
    find("<tempdir>/<mktemp:1>/file", [A, B], places)

    assert places.reveal_text("<tempdir>/<mktemp:1>") == B


def test_a_name_that_is_known_stays(places: Places) -> None:
    places.learn("<tempdir>/<mktemp:1>", A)
    find("<tempdir>/<mktemp:1>/file", [B], places)

    assert places.reveal_text("<tempdir>/<mktemp:1>") == A
