"""Matching: what makes a spawn an entry, what keeps it from being one, and which entries are near."""

from __future__ import annotations

import base64
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape import match
from pytest_proctape.match import Asked, Difference, asked_by, differences, first_match, nearest
from pytest_proctape.tape import AnyArgs, Entry, encode_argument


def asked(*argv: str, cwd: str | None = None, argv0: str | None = None) -> Asked:
    return Asked(argv[0], argv[1:], argv0, cwd)


def entry(*argv: str, **fields: Any) -> Entry:
    return Entry(program=argv[0], args=argv[1:], **fields)


def told(spawn: Asked, recorded: Entry) -> list[tuple[str, str | None, str | None]]:
    return [(one.field, one.expected, one.actual) for one in differences(spawn, recorded)]


def test_the_face_is_what_is_exported() -> None:
    public = {
        name for name, value in vars(match).items() if name[0] != "_" and not isinstance(value, ModuleType)
    }
    assert set(match.__all__) == public - {"annotations"}
    assert match.FIELDS == ("program", "args", "cwd", "env", "inputs")


def test_equal_is_a_match() -> None:
    assert told(asked("git", "log", "-n", "5"), entry("git", "log", "-n", "5")) == []


@pytest.mark.parametrize("cwd", [None, "/", "<tmp>/sub", ""])
def test_a_null_cwd_matches_any(cwd: str | None) -> None:
    assert told(asked("git", cwd=cwd), entry("git")) == []


def test_a_cwd_matches_only_itself() -> None:
    assert told(asked("git", cwd="<tmp>"), entry("git", cwd="<tmp>")) == []
    assert told(asked("git", cwd="<tmp>"), entry("git", cwd="<tmp>/sub")) == [("cwd", "<tmp>/sub", "<tmp>")]
    assert told(asked("git"), entry("git", cwd="<tmp>")) == [("cwd", "<tmp>", None)]


@pytest.mark.parametrize(
    "fields, other",
    [
        ({"stdout": "x"}, {"stdout": "y"}),
        ({"exit_code": 1}, {"signal": "SIGTERM"}),
        ({"duration_ms": 1}, {"duration_ms": 2}),
        ({"phase": "setup"}, {"phase": "call"}),
        ({"note": "a"}, {}),
    ],
)
def test_what_came_of_it_is_not_compared(fields: dict[str, Any], other: dict[str, Any]) -> None:
    assert told(asked("git"), entry("git", **fields)) == told(asked("git"), entry("git", **other)) == []


def test_differences_come_field_by_field_and_argument_by_argument() -> None:
    spawn = asked("git", "log", "x", "--all", cwd="/b", argv0="other")
    assert told(spawn, entry("hg", "log", "y", cwd="/a")) == [
        ("program", "hg", "git"),
        ("args[1]", "y", "x"),
        ("args[2]", None, "--all"),
        ("argv0", None, "other"),
        ("cwd", "/a", "/b"),
    ]


def test_a_missing_argument_is_not_an_empty_one() -> None:
    assert told(asked("git"), entry("git", "")) == [("args[0]", "", None)]
    assert told(asked("git", ""), entry("git")) == [("args[0]", None, "")]


def test_arguments_are_not_joined() -> None:
    assert told(asked("git", "a b"), entry("git", "a", "b")) != []
    assert told(asked("a", "b"), entry("a b")) != []


def test_an_argument_that_is_not_utf_8_is_compared_by_its_bytes() -> None:
    data = base64.b64encode(b"\xff").decode()
    recorded = Entry.model_validate({"program": {"base64": data}, "args": [{"base64": data}]})
    assert told(asked("\udcff", "\udcff"), recorded) == []
    assert told(asked("\udcff", "\udcfe"), recorded) == [("args[0]", "\udcff", "\udcfe")]
    # The same text, written the long way.
    plain = Entry.model_validate({"program": {"base64": base64.b64encode(b"git").decode()}})
    assert told(asked("git"), plain) == []


arguments = st.text(max_size=4)
commands = st.builds(
    Asked,
    arguments,
    st.lists(arguments, max_size=3).map(tuple),
    st.none() | arguments,
    st.none() | arguments,
)


@given(commands)
def test_every_spawn_matches_the_entry_that_is_made_of_it(spawn: Asked) -> None:
    made = Entry(
        program=encode_argument(spawn.program),
        args=tuple(encode_argument(one) for one in spawn.args),
        argv0=None if spawn.argv0 is None else encode_argument(spawn.argv0),
        cwd=None if spawn.cwd is None else encode_argument(spawn.cwd),
    )
    assert asked_by(made) == spawn
    assert differences(spawn, made) == ()


@given(commands, commands)
def test_another_spawn_differs_in_just_the_fields_told(spawn: Asked, other: Asked) -> None:
    recorded = Entry(program=other.program, args=other.args, argv0=other.argv0, cwd=other.cwd)
    fields = {one.field.partition("[")[0] for one in differences(spawn, recorded)}
    expected = {name for name in ("program", "args", "argv0") if getattr(spawn, name) != getattr(other, name)}
    if other.cwd is not None and other.cwd != spawn.cwd:
        expected.add("cwd")
    assert fields == expected
    assert all(one.expected != one.actual for one in differences(spawn, recorded))


# -- looking for entries -----------------------------------------------------------------------

ENTRIES = [entry("git", "a"), entry("git", "b"), entry("git", "a"), entry("tar", "a"), entry("git", "a", "b")]


def test_the_first_match_is_the_next_one_from_the_start() -> None:
    assert first_match(asked("git", "a"), ENTRIES, 0) == 0
    assert first_match(asked("git", "a"), ENTRIES, 1) == 2
    assert first_match(asked("git", "a"), ENTRIES, 3) is None
    assert first_match(asked("git", "a"), ENTRIES, 99) is None
    assert first_match(asked("git"), ENTRIES, 0) is None


def test_near_are_exact_ones_first_and_then_the_most_alike() -> None:
    near = nearest(asked("git", "a"), ENTRIES, 1)
    assert [(one.index, one.consumed, len(one.differences)) for one in near] == [
        (0, True, 0),
        (2, False, 0),
        (4, False, 1),
    ]
    assert near[2].differences == (Difference("args[1]", "b", None),)
    assert near[0].entry is ENTRIES[0]


def test_the_expected_entry_is_not_among_the_near_ones() -> None:
    assert [one.index for one in nearest(asked("git", "a"), ENTRIES, 0, limit=9)] == [2, 1, 4]


def test_entries_of_another_program_are_not_near() -> None:
    assert [one.index for one in nearest(asked("tar", "x"), ENTRIES, 0)] == [3]
    assert nearest(asked("cat"), ENTRIES, 0) == []


def test_nearer_on_the_tape_goes_first_among_equals() -> None:
    entries = [entry("git", str(number)) for number in range(7)]
    assert [one.index for one in nearest(asked("git", "x"), entries, 3)] == [2, 4, 1]


def test_at_most_so_many_are_told() -> None:
    entries = [entry("git", str(number)) for number in range(50)]
    assert len(nearest(asked("git", "x"), entries, 0)) == 3
    assert len(nearest(asked("git", "x"), entries, 0, limit=10)) == 10


def test_behind_the_end_every_entry_may_be_near() -> None:
    near = nearest(asked("git", "a"), ENTRIES, len(ENTRIES))
    assert [(one.index, one.consumed) for one in near] == [(2, True), (0, True), (4, True)]


def test_an_argument_that_came_in_and_some_that_went_are_told_where_they_are() -> None:
    found = told(asked("x", *"zabcfg"), entry("x", *"abcdefg"))
    assert found == [("args[0]", None, "z"), ("args[3]", "d", None), ("args[4]", "e", None)]


@pytest.mark.parametrize(
    "actual, found",
    [
        (("a", "b", "y"), [("args[2]", "z", "y")]),
        (("a", "b", "c", "d", "y"), [("args[4]", "z", "y")]),
        (("b", "z"), [("args[0]", "a", "b")]),
        (("b", "y"), [("args[0]", "a", "b"), ("args[1]", "z", "y")]),
        ((), [("args[0]", "a", None), ("args[0]", "z", None)]),
    ],
)
def test_what_is_before_and_behind_any_arguments_is_told_by_itself(
    actual: tuple[str, ...], found: list[tuple[str, str, str | None]]
) -> None:
    assert told(asked("x", *actual), Entry(program="x", args=("a", AnyArgs(any_args=True), "z"))) == found
