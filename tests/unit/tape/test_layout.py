"""The look of a tape file: it is read in reviews, so a small change is a small difference."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from pytest_proctape.tape import Base64, Entry, Event, Payload, SpawnError, Stream, Tape, dumps


def written(*entries: Entry) -> str:
    return dumps(Tape(entries=entries)).decode("utf-8")


def lines_of(**fields: object) -> list[str]:
    """The lines of one entry's fields behind the program, without their common indent."""
    lines = written(Entry.model_validate({"program": "p", **fields})).split("\n")
    return [line[6:] for line in lines[4:-4]]


def test_an_empty_tape() -> None:
    assert dumps(Tape()) == b'{\n  "version": 2,\n  "entries": []\n}\n'


def test_a_plain_entry() -> None:
    entry = Entry(program="git", args=("log", "-1"), stdout=("a\n", "b\n"), exit_code=0, duration_ms=2.5)
    assert written(entry) == dedent("""\
        {
          "version": 2,
          "entries": [
            {
              "program": "git",
              "args": ["log", "-1"],
              "stdout": [
                "a\\n",
                "b\\n"
              ],
              "exit_code": 0,
              "duration_ms": 2.5
            }
          ]
        }
        """)


def test_what_has_its_default_is_left_out() -> None:
    entry = Entry.model_validate({**Entry.model_fields} | {"program": "p"})
    assert written(entry) == written(Entry(program="p"))
    assert lines_of() == ['"program": "p",', '"duration_ms": 0']


def test_null_is_written_where_it_is_not_the_default() -> None:
    assert lines_of(stdout=None, stderr=None, stdin=None)[1:3] == ['"stdout": null,', '"stderr": null,']


def test_words_stay_on_one_line_up_to_a_hundred_columns() -> None:
    x, y = "x" * 40, "y" * 37
    fits = lines_of(args=(x, y))[1]
    assert fits == f'"args": ["{x}", "{y}"],'
    assert len("      " + fits) == 100
    assert lines_of(args=(x, y + "y"))[1:5] == ['"args": [', f'  "{x}",', f'  "{y}y"', "],"]


def test_words_that_are_not_text_stay_on_the_line() -> None:
    assert lines_of(args=("a", Base64(base64="/w==")))[1] == '"args": ["a", {"base64": "/w=="}],'
    assert lines_of(program=Base64(base64="/w=="))[0] == '"program": {"base64": "/w=="},'


@pytest.mark.parametrize(
    "stream, lines",
    [
        ("one\n", ['"stdin": "one\\n",']),
        ("", ['"stdin": "",']),
        ((), ['"stdin": [],']),
        (("a",), ['"stdin": [', '  "a"', "],"]),
        (Base64(base64="/w=="), ['"stdin": {"base64": "/w=="},']),
        (
            Base64(base64=("AAAA", "AAAA")),
            ['"stdin": {', '  "base64": [', '    "AAAA",', '    "AAAA"', "  ]", "},"],
        ),
        (
            Payload(sha256="a" * 64, size=5),
            ['"stdin": {', f'  "sha256": "{"a" * 64}",', '  "size": 5', "},"],
        ),
    ],
)
def test_streams(stream: Stream, lines: list[str]) -> None:
    assert lines_of(stdin=stream)[1:-1] == lines


def test_variables_and_descriptors_have_a_line_each() -> None:
    assert lines_of(env={"B": "1", "A": None})[1:-1] == ['"env": {', '  "B": "1",', '  "A": null', "},"]
    assert lines_of(env={})[1] == '"env": {},'
    assert lines_of(fds={4: "x", 3: ("y",)})[1:-1] == [
        '"fds": {',
        '  "4": "x",',
        '  "3": [',
        '    "y"',
        "  ]",
        "},",
    ]


def test_events_have_a_line_each_unless_they_have_lines_themselves() -> None:
    timeline = (
        Event(at_ms=1, stdin=("1+1\n",)),
        Event(at_ms=2, stdout=("a\n", "b\n")),
        Event(at_ms=3, stdout=Base64(base64="/w==")),
        Event(at_ms=4, stdout="x" * 80),
        Event(timeout_ms=0),
    )
    assert lines_of(timeline=timeline)[1:-1] == [
        '"timeline": [',
        '  {"at_ms": 1, "stdin": ["1+1\\n"]},',
        "  {",
        '    "at_ms": 2,',
        '    "stdout": [',
        '      "a\\n",',
        '      "b\\n"',
        "    ]",
        "  },",
        '  {"at_ms": 3, "stdout": {"base64": "/w=="}},',
        "  {",
        '    "at_ms": 4,',
        f'    "stdout": "{"x" * 80}"',
        "  },",
        '  {"timeout_ms": 0}',
        "],",
    ]
    assert lines_of(timeline=())[1] == '"timeline": [],'


def test_spawn_errors() -> None:
    assert lines_of(spawn_error=SpawnError(errno="EACCES"))[1:-1] == [
        '"spawn_error": {',
        '  "errno": "EACCES"',
        "},",
    ]
    assert lines_of(spawn_error=SpawnError())[1] == '"spawn_error": {},'


@pytest.mark.parametrize(
    "ms, text",
    [
        (0.0, "0"),
        (1.0, "1"),
        (100.0, "100"),
        (1.5, "1.5"),
        (0.1 + 0.2, "0.3"),
        (0.000001, "0.000001"),
        (0.0000004, "0"),
        (12345.678901, "12345.678901"),
        (2.0**53, "9007199254740992.0"),
        (1e300, "1e+300"),
    ],
)
def test_durations(ms: float, text: str) -> None:
    assert lines_of(duration_ms=ms)[-1] == f'"duration_ms": {text}'


def test_text_can_be_read_and_hides_nothing() -> None:
    shown = "\u00e4 \u6f22 \U0001f4fc"
    hidden = "\x00\x1b\x7f\x85\u200b\u200f\u2028\u2029\u202e\u2066\ufeff"
    text = written(Entry(program="p", stdout=shown + hidden))
    assert shown in text
    assert not set(hidden) & set(text)
    assert json.loads(text)["entries"][0]["stdout"] == shown + hidden
    assert "\\u202e" in text


def test_a_changed_line_of_output_is_one_changed_line_of_the_file() -> None:
    one = written(Entry(program="p", stdout=("a\n", "b\n", "c\n"))).split("\n")
    two = written(Entry(program="p", stdout=("a\n", "B\n", "c\n"))).split("\n")
    assert sum(a != b for a, b in zip(one, two, strict=True)) == 1
