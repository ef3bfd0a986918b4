"""The format: tapes of version 1 load for ever, what is written comes back, and nothing else gets through."""

from __future__ import annotations

import json
import os
import string
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_proctape.errors import TapeCorrupt, TapeVersionError
from pytest_proctape.tape import (
    Argument,
    Base64,
    Entry,
    Event,
    Payload,
    Recorded,
    SpawnError,
    Stream,
    Tape,
    dumps,
    encode,
    loads,
    ms_from_ns,
    ns_from_ms,
)

DATA = Path(__file__).parent / "data"
TAPE = Path("tapes/test_a/test_x.json")
EXAMPLES = settings(max_examples=60)

VERSION_1 = Tape(
    version=1,
    test="tests/test_git.py::TestLog::test_x[a-b]",
    recorded=Recorded(
        at="2026-11-20T14:00:00Z", python="CPython 3.12.1", platform="linux-x86_64", proctape="0.1.0"
    ),
    entries=(
        Entry(
            program="git",
            args=("log", "--oneline", Base64(base64="Y2Fm6Q==")),
            argv0="git-log",
            cwd="/src/project",
            env={"LC_ALL": "C", "GIT_DIR": None},
            phase="setup",
            stdin=("first\n", "second"),
            stdout=("crlf\r\n", "nul \0 and separator \u2028\n"),
            stderr=None,
            fds={3: ("[GNUPG:] NEWSIG\n",)},
            exit_code=0,
            duration_ms=12.345678,
            note="everything that is said in whole streams",
        ),
        Entry(
            program="bc",
            timeline=(
                Event(at_ms=1, stdin=("1+1\n",)),
                Event(at_ms=1.5, stdout=("2\n",)),
                Event(at_ms=2, stderr=Base64(base64="/w==")),
                Event(at_ms=2.25, fd=3, data="status"),
                Event(at_ms=2.5, stdout=("two\n", "lines\n")),
                Event(timeout_ms=100),
                Event(at_ms=103, close="stdin"),
                Event(at_ms=103.25, stopped="SIGSTOP"),
                Event(at_ms=103.5, continued=True),
                Event(at_ms=104, signal="SIGTERM"),
            ),
            signal="SIGTERM",
            core_dumped=True,
            duration_ms=105,
        ),
        Entry(program="no-such-tool", spawn_error=SpawnError(errno="ENOENT", message="noexec:chdir")),
        Entry(
            program=Base64(base64="L2Jpbi//"),
            stdin="",
            stdout=Payload(
                sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", size=70000
            ),
            stderr_to_stdout=True,
            running=True,
            duration_ms=3000,
        ),
        Entry(program="head", stdout=encode(b"\xff" * 60), exit_code=141, duration_ms=0.000001),
    ),
)
"""What `data/version-1.json` says. Neither may ever change: a new version gets a file of its own."""


def load(name: str) -> Tape:
    return loads((DATA / name).read_bytes(), DATA / name)


def test_a_tape_of_version_1_loads_for_ever() -> None:
    assert load("version-1.json") == VERSION_1


def test_a_tape_of_version_1_is_written_as_it_always_was() -> None:
    assert dumps(VERSION_1) == (DATA / "version-1.json").read_bytes()


def test_a_bare_list_is_a_tape() -> None:
    assert load("bare-list.json") == Tape(
        entries=(
            Entry(
                program="git",
                args=("describe", "--tags"),
                env={"LC_ALL": "C"},
                stdout="v1.2\n",
                exit_code=0,
                duration_ms=3.25,
            ),
            Entry(
                program="git",
                args=("push",),
                cwd="/src",
                stderr=("fatal: no upstream\n", "try again\n"),
                exit_code=128,
                duration_ms=7,
            ),
        )
    )
    assert loads(b"[]", TAPE) == Tape()


def test_a_tape_by_hand_needs_only_programs() -> None:
    tape = load("by-hand.json")
    assert tape == Tape(entries=(Entry(program="git", args=("status",)),))
    assert (tape.version, tape.test, tape.recorded) == (2, "", None)
    assert loads(b" {} \n", TAPE) == Tape()


@pytest.mark.parametrize("name", ["version-1.json", "bare-list.json", "by-hand.json"])
def test_writing_what_was_read_is_stable(name: str) -> None:
    once = dumps(load(name))
    assert dumps(loads(once, TAPE)) == once
    assert loads(once, TAPE) == load(name)


# What is written comes back

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
STREAMS: st.SearchStrategy[Stream] = st.one_of(
    TEXTS,
    st.lists(TEXTS, max_size=3).map(tuple),
    st.binary(max_size=90).map(encode),
    st.builds(
        Payload, sha256=st.text("0123456789abcdef", min_size=64, max_size=64), size=st.integers(0, 2**63)
    ),
)
ARGUMENTS: st.SearchStrategy[Argument] = TEXTS | st.just(Base64(base64="/w=="))
TIMES = st.integers(0, 10**14).map(ms_from_ns)
EVENTS = st.one_of(
    st.builds(Event, at_ms=st.none() | TIMES, stdin=STREAMS),
    st.builds(Event, at_ms=TIMES, fd=st.integers(3, 1 << 20), data=STREAMS),
    st.builds(Event, close=st.sampled_from(["stdin", "stdout", "stderr"])),
    st.builds(Event, signal=st.sampled_from(["SIGTERM", "SIGINT", "SIG5"])),
    st.builds(Event, stopped=st.just("SIGTSTP")),
    st.builds(Event, continued=st.just(True)),
    st.builds(Event, timeout_ms=TIMES),
    st.builds(Event, terminal=st.sampled_from(["", "-echo", "min 1 time 0"])),
    st.builds(Event, set_terminal=st.sampled_from(["echo", "rows 40 columns 100"])),
)
ENDS = st.sampled_from(
    [
        {},
        {"exit_code": 0},
        {"exit_code": 255},
        {"signal": "SIGKILL", "core_dumped": True},
        {"running": True},
        {"spawn_error": SpawnError(type="OSError", errno="ENOENT")},
        {"spawn_error": SpawnError(type="SubprocessError", message="Exception occurred in preexec_fn.")},
    ]
)
BODIES = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "stdin": st.none() | STREAMS,
            "stdout": st.none() | STREAMS,
            "stderr": st.none() | STREAMS,
            "fds": st.dictionaries(st.integers(3, 99), STREAMS, max_size=2),
        },
    ),
    st.fixed_dictionaries({"timeline": st.lists(EVENTS, max_size=4).map(tuple)}),
)
SPAWNS = st.fixed_dictionaries(
    {"program": ARGUMENTS},
    optional={
        "args": st.lists(ARGUMENTS, max_size=4).map(tuple),
        "argv0": ARGUMENTS,
        "cwd": st.none() | ARGUMENTS,
        "env": st.none() | st.dictionaries(TEXTS, st.none() | TEXTS, max_size=3),
        "phase": st.sampled_from(["setup", "call", "teardown"]),
        "duration_ms": TIMES,
        "note": st.none() | TEXTS,
    },
)
ENTRIES = st.builds(lambda spawn, body, end: Entry(**spawn, **body, **end), SPAWNS, BODIES, ENDS)
TAPES = st.builds(Tape, test=TEXTS, entries=st.lists(ENTRIES, max_size=3).map(tuple))


@given(TAPES)
@EXAMPLES
def test_every_tape_comes_back_as_it_was(tape: Tape) -> None:
    written = dumps(tape)
    assert loads(written, TAPE) == tape
    assert dumps(loads(written, TAPE)) == written
    assert json.loads(written)["version"] == 2
    assert written.endswith(b"}\n")


@given(st.integers(0, 2**52))
@example(1)
@example(999_999)
@example(4_503_599_627_370_495)
@EXAMPLES
def test_nanoseconds_survive_as_milliseconds_on_a_tape(ns: int) -> None:
    tape = Tape(entries=(Entry(program="x", duration_ms=ms_from_ns(ns)),))
    assert ns_from_ms(ms_from_ns(ns)) == ns
    assert loads(dumps(tape), TAPE) == tape
    assert ns_from_ms(loads(dumps(tape), TAPE).entries[0].duration_ms) == ns


def test_milliseconds_round_to_the_nearest_nanosecond() -> None:
    assert ns_from_ms(0.0000004) == 0
    assert ns_from_ms(1.0000006) == 1_000_001
    assert ns_from_ms(0.0) == 0


# Nothing else gets through


def refused(data: bytes | str) -> TapeCorrupt:
    raw = data.encode("utf-8") if isinstance(data, str) else data
    with pytest.raises(TapeCorrupt) as caught:
        loads(raw, TAPE)
    error = caught.value
    assert error.path == TAPE
    assert error.problem
    assert error.expected
    assert "--record-tapes" in error.next_step
    return error


@pytest.mark.parametrize(
    "data, problem, place",
    [
        (b"", "the file is empty", ""),
        (b" \n\t\r ", "the file is empty", ""),
        (b"{", "truncated", "line 1, column 2"),
        (b'{"entries": [', "truncated", "line 1, column 14"),
        (b'{"entries": [\n  {"program": "gi', "truncated", "line 2, column 15"),
        (b'{"entries": [\n  {"program": "git"}\n]\n', "truncated", "line 4, column 1"),
        (b'{"version": -', "truncated", "line 1, column 13"),
        (b'{"test": "\\u12', "truncated", "line 1, column 12"),
        (b'{"entries": [}', "not JSON", "line 1, column 14"),
        (b'{"entries": []} x', "not JSON: Extra data", "line 1, column 17"),
        (b"{'entries': []}", "not JSON", "line 1, column 2"),
        (b'{"test": "a\nb"}', "not JSON: Invalid control character", "line 1, column 12"),
        (b'{"test": "\0"}', "a NUL byte", "line 1, column 11"),
        (b"\0" * 512, "a NUL byte", "line 1, column 1"),
        ('{"entries": []}'.encode("utf-16-le"), "a NUL byte", "line 1, column 2"),
        ('{"entries": []}'.encode("utf-16"), "not UTF-8: byte 0xff", "line 1, column 1"),
        (b'\xef\xbb\xbf{"entries": []}', "a byte order mark", "line 1, column 1"),
        ('{\n"test": "\u00e4'.encode() + b'\xe4"}', "not UTF-8: byte 0xe4", "line 2, column 11"),
        (b'{"test": "\\ud800"}', "not JSON", "line 1, column 17"),
        (b"<<<<<<< HEAD\n{}", "not JSON", "line 1, column 1"),
        (b"5", "neither an object nor a list", ""),
        (b"null", "neither an object nor a list", ""),
        (b'"text"', "neither an object nor a list", ""),
        (b"[" * 100_000, "nested too deep", ""),
        (b'{"a":' * 100_000, "nested too deep", ""),
        (b"[" * 500 + b"]" * 500, "", ""),
        (b'{"version": ' + b"1" * 5000 + b"}", "too many digits", ""),
    ],
)
def test_what_is_no_json_says_where(data: bytes, problem: str, place: str) -> None:
    error = refused(data)
    assert problem in error.problem
    if place:
        assert error.place == place


def test_a_truncated_tape_is_never_a_shorter_one() -> None:
    whole = (DATA / "version-1.json").read_bytes().rstrip()
    for size in range(1, len(whole)):
        assert "the file is truncated" in refused(whole[:size]).problem


@pytest.mark.parametrize(
    "data, place",
    [
        ('{"version": 1, "version": 1}', "version"),
        ('{"entries": [{"program": "a"}, {"program": "b", "program": "c"}]}', "entries[1].program"),
        ('[{"program": "a", "env": {"PATH": "x", "PATH": "x"}}]', "[0].env.PATH"),
        ('[{"program": "a", "env": {"a b": "x", "a b": "x"}}]', "[0].env['a b']"),
        ('[{"program": "a", "stdout": {"base64": "", "base64": ""}}]', "[0].stdout.base64"),
        ('{"version": 9, "test": "", "test": ""}', "test"),
    ],
)
def test_a_field_that_stands_twice_is_an_error(data: str, place: str) -> None:
    error = refused(data)
    assert "twice" in error.problem
    assert error.place == place


def test_one_descriptor_under_two_names_is_an_error() -> None:
    error = refused('{"entries": [{"program": "a"}, {"program": "a", "fds": {"3": "x", "03": "y"}}]}')
    assert (error.problem, error.place) == ("a descriptor stands twice", "entries[1].fds")


@pytest.mark.parametrize(
    "data, problem, next_step",
    [
        ('{"version": 3, "entries": {"of": "another shape"}}', "newer", "upgrade pytest-proctape"),
        ('{"version": 999999999999999999999}', "newer", "upgrade pytest-proctape"),
        ('{"version": 0}', "no such version", "mend the file"),
        ('{"version": -1, "stdot": 5}', "no such version", "mend the file"),
    ],
)
def test_the_version_is_looked_at_before_the_rest(data: str, problem: str, next_step: str) -> None:
    with pytest.raises(TapeVersionError, match=problem) as caught:
        loads(data.encode(), TAPE)
    assert (caught.value.path, caught.value.place) == (TAPE, "version")
    assert caught.value.expected == "version 1 to 2"
    assert caught.value.next_step.startswith(next_step)


@pytest.mark.parametrize("version", ['"1"', "1.0", "true", "null", "[]"])
def test_a_version_of_another_type_is_an_error(version: str) -> None:
    error = refused(f'{{"version": {version}}}')
    assert (error.place, error.expected) == ("version", "a whole number")


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*Tape.model_fields, *Entry.model_fields, *Event.model_fields, "base64", "sha256", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def check_is_read_or_refused(data: bytes) -> None:
    """Either it is a tape, and can be written again, or the error is one of ours; others pass through."""
    try:
        tape = loads(data, TAPE)
    except (TapeCorrupt, TapeVersionError):
        return
    assert loads(dumps(tape), TAPE) == tape


@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
@EXAMPLES
def test_random_bytes_are_never_another_exception(data: bytes) -> None:
    check_is_read_or_refused(data)


@given(JSON_LIKE)
@example([{"program": "a", "duration_ms": 1e300}])
@example([{"program": "a", "duration_ms": 10**400}])
@example([{"program": "a", "exit_code": True}])
@settings(EXAMPLES, max_examples=200)
def test_random_json_is_never_another_exception(value: object) -> None:
    for wrapped in (value, {"entries": value}, [value], {"entries": [{"program": "a", "stdout": value}]}):
        check_is_read_or_refused(json.dumps(wrapped).encode())


@given(st.data())
@settings(EXAMPLES, max_examples=150)
def test_a_damaged_tape_is_never_another_exception(data: st.DataObject) -> None:
    whole = bytearray((DATA / "version-1.json").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    check_is_read_or_refused(bytes(whole))


# What can't be written


def test_fields_at_odds_are_not_written() -> None:
    tape = Tape(entries=(Entry(program="a"), Entry(program="b", exit_code=1, running=True)))
    with pytest.raises(ValueError, match=r"entries\[1\]\.running: two ends: exit_code and running"):
        dumps(tape)


def test_text_that_is_no_text_is_not_written() -> None:
    tape = Tape(entries=(Entry(program=os.fsdecode(b"caf\xe9"), args=(), duration_ms=0.0),))
    with pytest.raises(ValueError, match="surrogates"):
        dumps(tape)


def test_a_tape_of_plain_entries_is_checked_without_a_look_into_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading is on the way of every replayed test: no Python code runs for a plain entry but one test."""
    from pytest_proctape.tape import checks

    monkeypatch.setattr(checks, "_problems", None)
    plain = {
        "program": "git",
        "args": ["status"],
        "cwd": "/src",
        "stdout": ["x\n"],
        "exit_code": 0,
        "duration_ms": 1,
    }
    assert len(loads(json.dumps([plain] * 100).encode(), TAPE).entries) == 100
