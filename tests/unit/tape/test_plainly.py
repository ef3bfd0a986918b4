"""What most tapes hold is written by a shorter way: in the bytes of the longer one, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.tape import Anything, Base64, Entry, Recorded, SentSignal, Tape, loads
from pytest_proctape.tape.layout import text_of
from pytest_proctape.tape.plainly import plain_text

RECORDED = Recorded(at="2026-11-20T14:00:00Z", python="3.12.1", platform="linux", proctape="0.1.0")
PLAIN: dict[str, Any] = {
    "program": "git",
    "args": ("log", '--format="%h\\t"'),
    "argv0": None,
    "cwd": None,
    "env": None,
    "phase": "call",
    "stdout": ("one\n", "two\r"),
    "stderr": "",
    "exit_code": 0,
    "duration_ms": 4.096001,
}


def tape_of(*entries: Entry, **head: Any) -> Tape:
    plain: dict[str, Any] = {"version": 2, "test": "test_a.py::test_b", "recorded": RECORDED}
    return Tape(**plain | {"entries": entries} | head)


def held(tape: Tape) -> None:
    """It is written in the same bytes by both ways, and is the same when it is read."""
    text = plain_text(tape)
    assert text is not None
    assert text == text_of(tape)
    assert loads(text.encode(), Path("tape.json")) == tape


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"args": ()},
        {"args": ("x" * 40, "y" * 37)},
        {"args": ("x" * 40, "y" * 38)},
        {"args": ("x" * 200,)},
        {"cwd": "<tmp_path>/a"},
        {"inputs": {"in": "0a" * 32}},
        {"inputs": {'"a"': "0a" * 32, "b": "f" * 64}},
        {"phase": "setup"},
        {"phase": "teardown"},
        {"stdout": ""},
        {"stderr": ("\\ud800 is no half of a character here\n",)},
        {"exit_code": None},
        {"exit_code": 255},
        {"duration_ms": 0.0},
        {"duration_ms": 1e15 + 0.25},
    ],
)
def test_plain(changed: dict[str, Any]) -> None:
    entry = Entry(**PLAIN | changed)
    held(tape_of(entry))
    held(tape_of(Entry(**PLAIN), entry, entry, test=""))


def test_what_is_not_given_has_its_default() -> None:
    held(tape_of(Entry(program="git", duration_ms=0.0)))


@pytest.mark.parametrize(
    "changed",
    [
        {"program": Base64(base64="/w==")},
        {"program": 1},
        {"args": ("a", Base64(base64="/w=="))},
        {"args": ["a"]},
        {"args": "ab"},
        {"argv0": "git-log"},
        {"cwd": Base64(base64="/w==")},
        {"env": {}},
        {"inputs": {}},
        {"inputs": {"in": "one"}},
        {"inputs": {"in": "A" * 64}},
        {"inputs": {"in": 1}},
        {"inputs": {1: "a" * 64}},
        {"inputs": {"in": None}},
        {"inputs": [("in", "a" * 64)]},
        {"phase": "never"},
        {"phase": []},
        {"stdin": ""},
        {"stdin": Anything(any=True)},
        {"stdout": "text"},
        {"stdout": ()},
        {"stdout": None},
        {"stdout": ("a", 1)},
        {"stderr": Base64(base64="/w==")},
        {"stderr": ("\x7f",)},
        {"stderr": ("\u2028",)},
        {"exit_code": 256},
        {"exit_code": -1},
        {"exit_code": True},
        {"exit_code": 1.0},
        {"duration_ms": -1.0},
        {"duration_ms": float("nan")},
        {"duration_ms": float("inf")},
        {"duration_ms": 2},
        {"note": "by hand"},
        {"signal": "SIGTERM"},
        {"running": True},
        {"stderr_to_stdout": False},
    ],
)
def test_not_plain(changed: dict[str, Any]) -> None:
    assert plain_text(tape_of(Entry(**PLAIN), Entry(**PLAIN | changed))) is None


@pytest.mark.parametrize(
    "head",
    [
        {"version": 1},
        {"recorded": None},
        {"recorded": RECORDED.but(at=1)},
        {"test": 1},
        {"names": {}},
        {"signals": (SentSignal(pid=2),)},
        {"tools": {"git": None}},
        {"entries": ()},
        {"entries": [Entry(**PLAIN)]},
    ],
)
def test_a_head_that_is_not_plain(head: dict[str, Any]) -> None:
    assert plain_text(tape_of(Entry(**PLAIN), **head)) is None


SOME: list[Any] = [None, 1, -1, 1.5, True, "", (), ("a", 1), [], {}, Base64(base64=""), Anything(any=True)]
ODD = st.sampled_from(SOME)
TEXT = st.text(max_size=50) | st.text(st.characters(max_codepoint=127), max_size=50)
TEXTS = st.lists(TEXT, max_size=5).map(tuple)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "program": TEXT,
    "args": TEXTS,
    "cwd": TEXT | st.none(),
    "inputs": st.dictionaries(TEXT, st.sampled_from(["a" * 64, "09" * 32])),
    "phase": st.sampled_from(["setup", "call", "teardown"]),
    "stdout": TEXTS,
    "stderr": TEXTS,
    "exit_code": st.integers(0, 255) | st.none(),
    "duration_ms": st.integers(0, 10**15).map(lambda ns: ns / 1e6),
}


@given(st.data())
def test_it_is_never_another_text(data: st.DataObject) -> None:
    entries = [
        Entry(**data.draw(st.fixed_dictionaries({}, optional=FIELDS | {name: ODD})) | {"program": "p"})
        for name in data.draw(st.lists(st.sampled_from([*FIELDS, "argv0", "stdin", "timeline"]), max_size=3))
    ]
    tape = tape_of(*entries, test=data.draw(TEXT))
    if plain_text(tape) is not None:
        held(tape)
