"""The words of a failed replay."""

from __future__ import annotations

import pytest

from pytest_proctape.match import Asked, Difference, Near
from pytest_proctape.session.report import both_shown, build, command_line, entry_line, shorten
from pytest_proctape.tape import Entry

LOG = Entry(program="git", args=("log", "-n", "5"), cwd="<tmp>")
ASKED = Asked("git", ("log", "-n", "6"), None, "<root>")


def test_a_whole_report() -> None:
    text = build(
        headline="they differ",
        tape="tapes/t.json",
        count=4,
        number=2,
        asked=ASKED,
        place="git.py:31 in log()",
        expected=(1, LOG),
        differences=[Difference("args[2]", "5", "6"), Difference("cwd", "<tmp>", "<root>")],
        near=[Near(2, LOG, (), consumed=False), Near(0, LOG, (Difference("cwd", "a", "b"),), consumed=True)],
        notes=["a note"],
        next_step="pytest --record-tapes t.py::t",
    )
    assert text.splitlines() == [
        "they differ",
        "",
        "  the test asked for (spawn 2) at git.py:31 in log()",
        "    git log -n 6",
        "    in <root>",
        "  the tape has (entry 2 of 4 in tapes/t.json)",
        "    git log -n 5    (in <tmp>)",
        "  they differ in",
        "    args[2]  tape: 5",
        "             test: 6",
        "    cwd      tape: <tmp>",
        "             test: <root>",
        "  entry 3 (further on) is exactly this command",
        "  entry 1 (already replayed) is like it but for cwd: git log -n 5    (in <tmp>)",
        "  a note",
        "",
        "  if the change is meant, record this test again:",
        "    pytest --record-tapes t.py::t",
    ]


def test_parts_that_have_nothing_to_say_are_left_out() -> None:
    assert build(headline="h", tape="t.json", count=1).splitlines() == [
        "h",
        "",
        "  the tape is t.json (1 entry)",
    ]
    assert "(2 entries)" in build(headline="h", tape="t.json", count=2)


def test_a_command_line_is_as_one_would_type_it() -> None:
    assert command_line(Asked("git", ("log", "a b", ""), None, None)) == "git log 'a b' ''"
    assert command_line(Asked("/bin/sh", ("-c", "x"), "mine", None)) == "/bin/sh -c x    (argv[0] is 'mine')"
    assert entry_line(Entry(program="git")) == "git"


def test_a_command_line_shows_nothing_that_steers_a_terminal_or_breaks_a_line() -> None:
    line = command_line(Asked("echo", ("a\nb", "\x1b[31m", "\r", "\udcff", "é"), None, None))
    assert line.isprintable()
    line.encode("utf-8")
    assert "é" in line


def test_long_texts_are_cut_and_say_how_long_they_are() -> None:
    assert shorten("x" * 200) == "x" * 200
    assert shorten("x" * 201) == "x" * 200 + "... (201 characters)"
    assert len(command_line(Asked("echo", ("x" * 10_000,), None, None))) < 250


@pytest.mark.parametrize("length", [150, 300, 5000])
def test_where_two_long_values_differ_is_shown(length: int) -> None:
    values = [f"{'x' * length}{end}{'y' * 300}" for end in ("one", "two")]
    lines = build(headline="h", tape="t", count=1, differences=[Difference("args[0]", *values)]).splitlines()
    rest = f"{'y' * 147}... (353 characters)"
    assert lines[-2:] == [
        f"    args[0]  tape: ...{'x' * 50}one{rest}",
        f"             test: ...{'x' * 50}two{rest}",
    ]


def test_what_is_shown_as_a_whole_is_not_cut() -> None:
    text = build(
        headline="h", tape="t", count=1, differences=[Difference("args[0]", "x" * 199, "x" * 199 + "y")]
    )
    assert text.splitlines()[-2:] == [f"    args[0]  tape: {'x' * 199}", f"             test: {'x' * 199}y"]


def test_the_one_line_shows_where_they_differ() -> None:
    told = Difference("stdin, byte 90", "x" * 90 + "one", "x" * 90 + "two")
    assert both_shown(told, 60) == ("..." + "x" * 15 + "one", "..." + "x" * 15 + "two")


def test_values_that_are_hard_to_see_are_quoted() -> None:
    values = {"": "''", " a": "' a'", "a ": "'a '", "a\tb": "'a\\tb'", "a b": "a b", "\udcff": "'\\udcff'"}
    for value, shown in values.items():
        text = build(headline="h", tape="t", count=1, differences=[Difference("args[0]", value, None)])
        assert text.splitlines()[-2:] == [f"    args[0]  tape: {shown}", "             test: (nothing)"]
