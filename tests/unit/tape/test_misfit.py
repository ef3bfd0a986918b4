"""What a reader of a broken tape is told: the place, what is there, and what could be there instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeCorrupt
from pytest_proctape.tape import loads

STREAM = "text, a list of lines, {"
ARGUMENT = 'text or {"base64": "..."}'


def refused(document: object) -> TapeCorrupt:
    with pytest.raises(TapeCorrupt) as caught:
        loads(json.dumps(document).encode(), Path("t.json"))
    return caught.value


def entry(**fields: object) -> dict[str, object]:
    return {"program": "git", **fields}


def event(**fields: object) -> dict[str, object]:
    return entry(timeline=[{"at_ms": 1, "stdout": "x"}, fields])


@pytest.mark.parametrize(
    "fields, place, problem, expected",
    [
        (entry(program=5), ".program", "the number 5 can't be there", ARGUMENT),
        (entry(program=None), ".program", "null can't be there", ARGUMENT),
        (entry(program=["git"]), ".program", "a list can't be there", '{"program": "git", "args": ['),
        (entry(program={}), ".program", "an empty object can't be there", ARGUMENT),
        (entry(program={"base64": "%"}), ".program.base64", "the text '%'", "base64, in text"),
        (entry(program={"sha256": "x", "size": 1}), ".program.sha256", "unknown field", ARGUMENT),
        (entry(program={"any_args": True}), ".program.any_args", "unknown field", ARGUMENT),
        (entry(argv0={"glob": "*"}), ".argv0.glob", "unknown field", ARGUMENT),
        (entry(args="status"), ".args", "the text 'status'", "a list: words one by one"),
        (entry(args=[{"regex": "("}]), ".args[0].regex", "the text '('", "a regular expression, which this"),
        (entry(args=[{"regex": "x" * 1001}]), ".args[0].regex", "the text 'x", "at most 1000 characters"),
        (entry(args=[{"glob": "x" * 1001}]), ".args[0].glob", "the text 'x", "at most 1000 characters"),
        (entry(args=[{"regexp": "x"}]), ".args[0].regexp", "unknown field", "did you mean 'regex'?"),
        (entry(args=[{"any": False}]), ".args[0].any", "false", "true"),
        (entry(args=[{"regex": 3}]), ".args[0].regex", "the number 3", "text"),
        (entry(args=[{"any": True, "x": 1}]), ".args[0].x", "unknown field", "one of any"),
        (entry(stdin={"regex": "["}), ".stdin.regex", "the text '['", "a regular expression, which this"),
        (entry(stdout={"regex": "x"}), ".stdout.regex", "unknown field", STREAM),
        (event(stdin={"regex": "["}), ".timeline[1].stdin.regex", "the text '['", "a regular expression"),
        (
            entry(streams={"stdin": {"sha256": "a" * 64}}),
            ".streams.stdin.size",
            "the field is missing",
            "a value",
        ),
        (entry(streams={"stdin": "x"}), ".streams.stdin", "the text 'x'", "an object"),
        (entry(command="git x"), ".command", "unknown field", "words one by one"),
        (entry(returncode=1), ".returncode", "unknown field", "exit_code"),
        (entry(duration=1), ".duration", "unknown field", "duration_ms"),
        (entry(error="x"), ".error", "unknown field", '{"errno": "ENOENT"}'),
        (entry(args=["log", 5]), ".args[1]", "the number 5", ARGUMENT),
        (entry(args=["log", {"base46": ""}]), ".args[1].base46", "unknown field", "did you mean 'base64'?"),
        (entry(cwd=False), ".cwd", "false", ARGUMENT),
        (entry(env=["A=1"]), ".env", "a list", "an object"),
        (entry(env={"A": 1}), ".env.A", "the number 1", "text"),
        (entry(env={"str": 1}), ".env.str", "the number 1", "text"),
        (entry(env={"a b": 1}), ".env['a b']", "the number 1", "text"),
        (entry(phase="test"), ".phase", "the text 'test'", "one of 'setup', 'call' or 'teardown'"),
        (entry(stdout=5), ".stdout", "the number 5", STREAM),
        (entry(stdout=True), ".stdout", "true", STREAM),
        (entry(stdout={}), ".stdout", "an empty object", STREAM),
        (entry(stdout=["a\n", None]), ".stdout[1]", "null", "text: one line"),
        (entry(stdout=[["a"]]), ".stdout[0]", "a list", "text: one line"),
        (entry(stdout={"base64": 5}), ".stdout.base64", "the number 5", "text"),
        (entry(stdout={"base64": "YQ="}), ".stdout.base64", "the text 'YQ='", "base64, in text"),
        (entry(stdout={"base64": ["YQ==", 5]}), ".stdout.base64[1]", "the number 5", "text: one line"),
        (entry(stdout={"base64": ["YQ==", "%"]}), ".stdout.base64", "a list", "base64, in text"),
        (entry(stdout={"base64": "", "size": 0}), ".stdout.base64", "unknown field", "one of sha256, size"),
        (entry(stdout={"sha256": "abc", "size": 1}), ".stdout.sha256", "the text 'abc'", "64 hexadecimal"),
        (entry(stdout={"sha256": "a" * 64}), ".stdout.size", "the field is missing", "a value"),
        (entry(stdout={"size": 1}), ".stdout.sha256", "the field is missing", "a value"),
        (entry(stdout={"sha256": "a" * 64, "size": -1}), ".stdout.size", "the number -1", "0 or more"),
        (entry(stdout={"text": "x"}), ".stdout.text", "unknown field 'text'", STREAM),
        (entry(stderr_to_stdout="yes"), ".stderr_to_stdout", "the text 'yes'", "true or false"),
        (entry(fds=[]), ".fds", "an empty list", "an object"),
        (entry(fds={"1": "x"}), ".fds.1", "no number of a descriptor", "from 3 on"),
        (entry(fds={"x": "x"}), ".fds.x", "no number of a descriptor", "from 3 on"),
        (entry(fds={"3": 5}), ".fds.3", "the number 5", STREAM),
        (entry(exit_code="0"), ".exit_code", "the text '0'", "a whole number"),
        (entry(exit_code=1.5), ".exit_code", "the number 1.5", "a whole number"),
        (entry(exit_code=True), ".exit_code", "true", "a whole number"),
        (entry(exit_code=256), ".exit_code", "the number 256", "255 or less"),
        (entry(exit_code=-15), ".exit_code", "the number -15", "0 or more"),
        (entry(exit_code=10**4000), ".exit_code", "a number of many digits", "255 or less"),
        (entry(signal=15), ".signal", "the number 15", "text"),
        (entry(spawn_error="ENOENT"), ".spawn_error", "the text 'ENOENT'", "an object"),
        (entry(spawn_error={"errno": 2}), ".spawn_error.errno", "the number 2", "text"),
        (entry(spawn_error={"error": ""}), ".spawn_error.error", "unknown field", "did you mean 'errno'?"),
        (entry(duration_ms=-1), ".duration_ms", "the number -1", "0"),
        (entry(duration_ms="1"), ".duration_ms", "the text '1'", "a number"),
        (entry(duration_ms=float("inf")), ".duration_ms", "the number inf", "a finite number"),
        (entry(duration_ms=float("nan")), ".duration_ms", "the number nan", "a finite number"),
        (entry(timeline={}), ".timeline", "an empty object", "a list"),
        (entry(timeline=["x"]), ".timeline[0]", "the text 'x'", "an object"),
        (event(stdout=5), ".timeline[1].stdout", "the number 5", STREAM),
        (event(data=["x", 5]), ".timeline[1].data[1]", "the number 5", "text: one line"),
        (event(at=5), ".timeline[1].at", "unknown field 'at'", "did you mean"),
        (event(fd=2, data=""), ".timeline[1].fd", "the number 2", "0, or 3 or more"),
        (event(close="fd"), ".timeline[1].close", "the text 'fd'", "one of 'stdin', 'stdout' or 'stderr'"),
        (event(continued=False), ".timeline[1].continued", "false", "true"),
        (entry(stdot="x"), ".stdot", "unknown field 'stdot'", "did you mean 'stdout'?"),
        (entry(exitcode=1), ".exitcode", "unknown field 'exitcode'", "did you mean 'exit_code'?"),
        (entry(zzz=1), ".zzz", "unknown field 'zzz'", "one of program, args"),
        (entry(**{"z" * 99: 1}), "." + "z" * 99, f"unknown field '{'z' * 40}...'", "one of program"),
        ({"programm": "git"}, ".programm", "unknown field 'programm'", "did you mean 'program'?"),
        ({"args": []}, ".program", "the field is missing", ARGUMENT),
        ({}, ".program", "the field is missing", ARGUMENT),
        ("git status", "", "the text 'git status'", "an object"),
        (None, "", "null", "an object"),
        ("x" * 99, "", f"the text '{'x' * 40}'...", "an object"),
    ],
)
def test_an_entry(fields: object, place: str, problem: str, expected: str) -> None:
    for document, above in (({"entries": [entry(), fields]}, "entries"), ([entry(), fields], "")):
        error = refused(document)
        assert error.place == f"{above}[1]{place}"
        assert error.problem.startswith(problem)
        assert expected in error.expected
        assert error.next_step.startswith("mend the file")


@pytest.mark.parametrize(
    "document, place, problem, expected",
    [
        ({"entries": {}}, "entries", "an empty object", "a list"),
        ({"entries": None}, "entries", "null", "a list"),
        ({"entrys": []}, "entrys", "unknown field 'entrys'", "did you mean 'entries'?"),
        ({"test": None}, "test", "null", "text"),
        ({"recorded": "today"}, "recorded", "the text 'today'", "an object"),
        ({"recorded": {"at": "x"}}, "recorded.python", "the field is missing", "a value"),
        (
            {"recorded": {"at": "", "python": "", "platform": "", "proctape": "", "pythons": ""}},
            "recorded.pythons",
            "unknown field",
            "did you mean 'python'?",
        ),
    ],
)
def test_the_header(document: object, place: str, problem: str, expected: str) -> None:
    error = refused(document)
    assert error.place == place
    assert error.problem.startswith(problem)
    assert expected in error.expected


def test_an_unknown_field_is_told_before_what_it_causes() -> None:
    """A misspelt field is missing under its right name, too, and that is not the news."""
    error = refused({"entries": [{"args": 5, "pogram": "git"}]})
    assert error.place == "entries[0].pogram"
    error = refused({"entries": [entry(exit_code="1", stdot="x")]})
    assert error.place == "entries[0].stdot"


def test_of_several_entries_the_first_wrong_one_is_told() -> None:
    assert refused({"entries": [entry(exit_code="1"), entry(stdot="x")]}).place == "entries[0].exit_code"


def test_a_long_place_is_cut() -> None:
    assert refused([entry(**{"z" * 5000: 1})]).place == f"[0]['{'z' * 120}'...]"
    deep = "[" * 300 + '{"a": 1, "a": 2}' + "]" * 300
    with pytest.raises(TapeCorrupt) as caught:
        loads(deep.encode(), Path("t.json"))
    assert caught.value.place == ("[0]" * 300)[:400] + "..."


def test_the_whole_message_can_be_read() -> None:
    assert str(refused([entry(stdot="x")])) == (
        "t.json: unknown field 'stdot'\n"
        "  at:       [0].stdot\n"
        "  expected: did you mean 'stdout'?\n"
        "  next:     mend the file, restore it from version control, "
        "or record the test again with --record-tapes"
    )


def test_many_mistakes_are_one_error() -> None:
    assert refused([{"program": 5}] * 1000).place == "[0].program"


@pytest.mark.parametrize("value", [{"sha256": "0"}, {}, [], ["x"], 1.5, True], ids=str)
def test_what_is_no_time_of_a_file_is_told(value: object) -> None:
    effect = {"path": "a", "file": "", "mtime": value}
    error = refused({"version": 2, "entries": [{"program": "x", "effects": [effect]}]})
    assert error.place == "entries[0].effects[0].mtime"
