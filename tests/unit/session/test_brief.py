"""One line for an error, and the error as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_proctape.errors import (
    Divergence,
    Exhaustion,
    Leftover,
    ProctapeError,
    TapeNotFound,
    UnsupportedSpawn,
)
from pytest_proctape.match import Asked, Difference, Near
from pytest_proctape.session import as_data, brief
from pytest_proctape.tape import Entry

ASKED = Asked("git", ("log", "-n", "5"), None, None)
ENTRY = Near(1, Entry(program="git", args=("status",)), (), consumed=False)


def divergence(*differences: Difference) -> Divergence:
    return Divergence(
        "another", spawn=ASKED, differences=differences, place="a.py:3 in f()", next_step="pytest"
    )


@pytest.mark.parametrize(
    "error, line",
    [
        (divergence(Difference("args[2]", "6", "5")), "Divergence: args[2] is 5, on the tape 6"),
        (divergence(Difference("args[2]", None, "5")), "Divergence: args[2] is 5, and not on the tape"),
        (divergence(Difference("args[2]", "6", None)), "Divergence: no args[2], on the tape 6"),
        (divergence(Difference("cwd", "", "\n")), "Divergence: cwd is '\\n', on the tape ''"),
        (
            divergence(*(Difference(f"args[{i}]", "a", "b") for i in range(3))),
            "Divergence: args[0] is b, on the tape a (and 2 more)",
        ),
        (divergence(), "Divergence: another"),
        (Exhaustion("more", spawn=ASKED), "Exhaustion: not on the tape any more: git log -n 5"),
        (Leftover("less", near=[ENTRY, ENTRY]), "Leftover: not replayed: git status (and 1 more)"),
        (Leftover("less"), "Leftover: less"),
        (TapeNotFound(Path("t.json"), "no tape", next_step="record it"), "TapeNotFound: no tape"),
        (UnsupportedSpawn("os.exec", "no\nway"), "UnsupportedSpawn: os.exec: no"),
    ],
)
def test_a_line(error: ProctapeError, line: str) -> None:
    assert brief(error) == line


def test_a_long_value_is_cut() -> None:
    line = brief(divergence(Difference("args[0]", "x" * 1000, "y" * 1000)))
    assert len(line) < 250
    assert "1000 characters" in line


def test_an_error_is_json() -> None:
    data = as_data(divergence(Difference("args[0]", None, "\udcff")))
    assert json.loads(json.dumps(data, ensure_ascii=False).encode()) == data
    assert data == {
        "kind": "Divergence",
        "told": "args[0] is '\\udcff', and not on the tape",
        "place": "a.py:3 in f()",
        "spawn": ["git", "log", "-n", "5"],
        "differences": [{"field": "args[0]", "tape": None, "test": "\\udcff"}],
        "next_step": "pytest",
    }
    told = as_data(UnsupportedSpawn("os.exec", "no"))
    assert (told["spawn"], told["differences"], told["next_step"]) == (None, [], "")
