from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Project, Result

START = {"seq": 0, "test": "t.py::t", "event": "spawn", "virtual_ns": 0, "argv": ["git", "log"]}
OUTPUT = {
    "seq": 1,
    "test": "t.py::t",
    "event": "output",
    "virtual_ns": 5,
    "data": {"text": "x", "sha256": "a"},
}


def compared(project: Project, a: list[Any], b: list[Any], *arguments: str) -> Result:
    for name, events in (("a.jsonl", a), ("b.jsonl", b)):
        project.write(name, "".join(json.dumps(event) + "\n" for event in events))
    return project.run("compare", *arguments, "a.jsonl", "b.jsonl")


def test_equal_logs(project: Project) -> None:
    result = compared(project, [START, OUTPUT], [START, OUTPUT])
    assert (result.code, result.out) == (0, "equal: 2 events\n")
    assert compared(project, [], []).out == "equal: 0 events\n"
    assert compared(project, [START], [START], "--json").json["equal"] is True


def test_monotonic_time_does_not_count(project: Project) -> None:
    a, b = ({**START, "monotonic_ns": at, "monotonic": at / 1e9} for at in (1, 2))
    assert compared(project, [a], [b]).code == 0
    assert compared(project, [a], [START]).code == 0


def test_the_order_of_names_does_not_count(project: Project) -> None:
    assert compared(project, [START], [dict(reversed(START.items()))]).code == 0


def test_the_first_event_that_differs_and_why(project: Project) -> None:
    other = {**OUTPUT, "virtual_ns": 6, "data": {"text": "y", "sha256": "a"}}
    result = compared(project, [START, OUTPUT, START], [START, other])
    assert result.code == 1
    assert result.lines == [
        "not equal: event 2: they differ in virtual_ns, data.text",
        '    seq 1, test "t.py::t", event "output"',
        "    virtual_ns",
        "      - 5    a.jsonl",
        "      + 6    b.jsonl",
        "    data.text",
        '      - "x"    a.jsonl',
        '      + "y"    b.jsonl',
    ]
    assert compared(project, [OUTPUT], [other], "--ignore", "virtual_ns", "--ignore", "data").code == 0


def test_a_field_that_one_has_and_a_type_that_differs(project: Project) -> None:
    assert "      - (nothing)    a.jsonl" in compared(project, [START], [{**START, "pid": 1}]).lines
    assert compared(project, [{"x": 1}], [{"x": True}]).code == 1
    assert compared(project, [{"x": 1}], [{"x": 1.0}]).code == 1


def test_a_log_that_ends_before_the_other(project: Project) -> None:
    result = compared(project, [START], [START, OUTPUT])
    assert result.code == 1
    assert result.lines[0] == "not equal: event 2: a.jsonl ends after 1 event, and b.jsonl goes on"
    found = compared(project, [START, OUTPUT], [START], "--json").json
    assert found["a"] == OUTPUT
    assert found["b"] is None
    assert found["events"] == 1


def test_long_values_are_cut_to_where_they_differ(project: Project) -> None:
    a, b = ({"data": "x" * 1000 + letter + "z" * 1000} for letter in "ab")
    line = compared(project, [a], [b]).lines[2]
    assert line == f"      - ...{'x' * 30}a{'z' * 29}... (at character 1,002)    a.jsonl"


@pytest.mark.parametrize(
    "text, told",
    [
        ('{"seq": 0}\n{"seq"', "b.jsonl, line 2: not JSON: "),
        ('{"seq": 0}\n[]\n', "b.jsonl, line 2: an event is an object"),
        ("[" * 100_000, "b.jsonl, line 1: not JSON: "),
        ("\xff\n", "b.jsonl, line 1: not JSON: "),
    ],
)
def test_what_is_no_log(project: Project, text: str, told: str) -> None:
    project.write("a.jsonl", '{"seq": 0}\n')
    project.path.joinpath("b.jsonl").write_bytes(text.encode("latin-1"))
    result = project.run("compare", "a.jsonl", "b.jsonl")
    assert (result.code, result.out) == (2, "")
    assert told in result.err


def test_a_log_that_is_not_there(project: Project) -> None:
    result = project.run("compare", "a.jsonl", "b.jsonl")
    assert result.code == 2
    assert result.err == "proctape: a.jsonl: No such file or directory\n"
