"""The reader takes nothing that pydantic refuses, makes the same tape of it, and takes what we write."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_proctape.errors import TapeError
from pytest_proctape.tape import (
    AnyArgs,
    Anything,
    Base64,
    Effect,
    Entry,
    Event,
    Glob,
    Payload,
    Recorded,
    Regex,
    SentSignal,
    SpawnError,
    Tape,
    dumps,
)
from pytest_proctape.tape.base import REQUIRED, Model
from pytest_proctape.tape.judge import JUDGES
from pytest_proctape.tape.reader import read
from pytest_proctape.tape.verdict import verdict

PATH = Path("x.json")
MANY = settings(max_examples=300)

HASH = "0123456789abcdef" * 4
TEXT = st.text(st.characters(codec="utf-8"), max_size=3)
NUMBER = st.sampled_from([0, 1, 2, 3, 255, 256, -1, 1 << 40, 1 << 70, 0.0, -0.0, 1.5, -0.5, 1e300, math.inf])
PLAIN = st.none() | st.booleans() | NUMBER | TEXT
PATTERN = (
    st.fixed_dictionaries({"any": st.sampled_from([True, False, 1])})
    | st.fixed_dictionaries({"any_args": st.booleans()})
    | st.fixed_dictionaries({"regex": st.sampled_from(["a+", "(", "x" * 1001])})
    | st.fixed_dictionaries({"glob": st.sampled_from(["*", "x" * 1001])})
)
BYTES = st.fixed_dictionaries(
    {"base64": st.sampled_from(["", "YQ==", "Y Q = =", "?", ["YQ", "=="], [1], []])}
) | st.fixed_dictionaries(
    {"sha256": st.sampled_from([HASH, HASH.upper(), HASH[1:], HASH + "\n"])}, optional={"size": NUMBER}
)
LINES = st.lists(TEXT | st.integers(0, 1), max_size=3)


def objects(model: type[Model], **better: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON that is nearly a ``model``: its fields, most of them with what one of its fields may have."""
    values = PLAIN | LINES | PATTERN | BYTES
    fields = {name: better.get(name, values) for name in model.model_fields}
    required = {name for name, default in model.model_fields.items() if default is REQUIRED}
    return st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: fields[name] for name in fields.keys() - required} | {"x": st.just(1)},
    )


def rarely(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What a field should have, and now and then something else."""
    return st.one_of(strategy, strategy, strategy, PLAIN | PATTERN | BYTES)


WORD = TEXT | BYTES | PATTERN
STREAM = st.none() | TEXT | LINES | BYTES
STDIN = STREAM | PATTERN
TIME = st.none() | NUMBER
NAMES = st.dictionaries(st.sampled_from(["A", "3", "03", "4", "2", " 5", "1_0", "٣"]), STREAM, max_size=2)
EFFECT = objects(
    Effect,
    path=rarely(TEXT | BYTES),
    file=rarely(STREAM),
    kind=rarely(st.sampled_from(["gone", "file", None])),
    parts=rarely(st.none() | st.lists(st.lists(NUMBER, max_size=3), max_size=2)),
    mtime=rarely(TEXT | NUMBER),
)
EVENT = objects(
    Event,
    at_ms=rarely(TIME),
    stdin=rarely(STDIN),
    close=rarely(st.sampled_from(["stdin", "fd"])),
    fd=rarely(NUMBER),
    effects=rarely(st.lists(EFFECT, max_size=2)),
    stream=rarely(st.sampled_from(["stdin", "3"])),
    size=rarely(NUMBER),
)
ENTRY_FIELDS = {
    "program": rarely(WORD),
    "args": rarely(st.lists(WORD, max_size=3)),
    "env": rarely(NAMES),
    "phase": rarely(st.sampled_from(["setup", "call", "teardown", "other"])),
    "stdin": rarely(STDIN),
    "stdout": rarely(STREAM),
    "stderr": rarely(STREAM),
    "fds": rarely(NAMES),
    "timeline": rarely(st.lists(EVENT, max_size=2)),
    "streams": rarely(st.none() | st.dictionaries(st.sampled_from(["stdin", "3"]), BYTES, max_size=2)),
    "spawn_error": rarely(objects(SpawnError)),
    "exit_code": rarely(NUMBER),
    "duration_ms": rarely(TIME),
    "effects": rarely(st.lists(EFFECT, max_size=2)),
}
ENTRY = objects(Entry, **ENTRY_FIELDS)
TAPE = objects(
    Tape,
    version=rarely(st.sampled_from([1, 2])),
    test=rarely(TEXT),
    recorded=rarely(objects(Recorded, **dict.fromkeys(Recorded.model_fields, rarely(TEXT)))),
    names=rarely(NAMES),
    tools=rarely(st.dictionaries(TEXT, st.none() | TEXT | BYTES, max_size=2)),
    signals=rarely(st.lists(objects(SentSignal, pid=rarely(NUMBER)), max_size=2)),
    entries=rarely(st.lists(ENTRY, max_size=2)),
)


def check_together(data: bytes) -> bool:
    """Whether the reader took ``data``; then pydantic takes it, too, for the same tape."""
    tape = read(data)
    if tape is None:
        return False
    judged = verdict(data, PATH)
    assert judged == tape
    assert repr(judged) == repr(tape), "equal, but a number is of another type"
    assert [entry.model_fields_set for entry in judged.entries] == [
        entry.model_fields_set for entry in tape.entries
    ]
    return True


@given(TAPE | st.lists(ENTRY, max_size=2), st.booleans())
@example({}, False)
@example([], False)
@example([{"program": "\ud800"}], True)
@example([{"program": "a", "duration_ms": 10**400}], False)
@example([{"program": "a", "duration_ms": 2**53 + 1}], False)
@MANY
def test_what_the_reader_takes_pydantic_takes_for_the_same_tape(document: object, escaped: bool) -> None:
    text = json.dumps(document, ensure_ascii=escaped)
    check_together(text.encode("utf-8", "surrogatepass"))


# One field at a time, so that what is wrong elsewhere hides nothing.
@given(st.data())
@MANY
def test_each_field_alone_is_taken_by_both_or_by_neither(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(Entry.model_fields)))
    value = data.draw(ENTRY_FIELDS.get(name, PLAIN | BYTES))
    document = json.dumps([{"program": "a"} | {name: value}], ensure_ascii=False).encode()
    if not check_together(document):
        # What the reader leaves to pydantic, pydantic refuses; but for names and truths that are odd.
        try:
            verdict(document, PATH)
        except TapeError:
            return
        assert name == "fds" or "1" in json.dumps(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"5",
        b'"x"',
        b"{",
        b"\xef\xbb\xbf[]",
        b"\xff",
        b'[{"program": "a", "program": "a"}]',
        b'[{"program": "a", "env": {"A": "1", "A": "1"}}]',
        b'{"version": 3}',
        b'{"version": 1.0}',
        b'[{"program": "a", "duration_ms": NaN}]',
        b'[{"program": "a", "exit_code": ' + b"9" * 5000 + b"}]",
        b"[" * 100_000,
        b'[{"program": "\\ud83d\\ude00"}]',
    ],
)
def test_what_the_reader_leaves_to_the_judge(data: bytes) -> None:
    assert read(data) is None


def test_the_judge_takes_what_only_looks_odd() -> None:
    assert verdict(b'[{"program": "\\ud83d\\ude00"}]', PATH) == Tape(entries=(Entry(program="\U0001f600"),))


BASE64, REGEX, ANYTHING = Base64(base64=("YQ", "==")), Regex(regex="a+"), Anything(any=True)
LARGE = Payload(sha256=HASH, size=1 << 20, crc32=(1 << 32) - 1)
FILE = Effect(path="<tmp>/a", file=("a\n",), mode="600", at_ms=1.5)
SPARSE = Effect(path="<tmp>/b", file="ab", size=1 << 30, parts=((0, 1), (9, 1)), was="file")
SENT = SentSignal(pid=7, group=True, signal="SIGTERM", error="ESRCH")
RECORDED = Recorded(at="2026-01-01T00:00:00Z", python="3.11", platform="linux", proctape="1")
FAILED = SpawnError(errno="ENOENT")
ENTRIES = (
    Entry(program=REGEX, args=("a", AnyArgs(any_args=True), BASE64), cwd=Glob(glob="*")),
    Entry(program="a", stdin=ANYTHING, stdout=Payload(sha256=HASH, size=1), stderr=None),
    Entry(program="a", stdin=LARGE),
    Entry(program="a", timeline=(Event(at_ms=1.0, stdout=LARGE),)),
    Entry(program="a", env={"A": None, "B": "b"}, fds={3: ("x\n",), 10: "y"}, signal="SIGKILL"),
    Entry(program="a", timeline=(Event(at_ms=1.0, stdin=REGEX), Event(ended=True), Event(effects=(FILE,)))),
    Entry(program="a", spawn_error=FAILED, effects=(FILE, SPARSE), began="2026-01-01T00:00:00Z"),
)
TOOLS = {"git": "/usr/bin/git", "docker": None, "odd": BASE64}
WHOLE = Tape(
    test="t", recorded=RECORDED, names={"port:1": "1"}, signals=(SENT,), tools=TOOLS, entries=ENTRIES
)


def test_what_is_written_is_read_without_pydantic() -> None:
    data = dumps(WHOLE)
    assert read(data) == WHOLE
    assert check_together(data)


def test_every_model_has_a_judge() -> None:
    assert set(JUDGES) == set(Model.__subclasses__())
    for model, judge in JUDGES.items():
        assert judge.__name__ == model.__name__
        assert list(judge.model_fields) == list(model.model_fields)


@pytest.mark.parametrize(
    "one", [BASE64, REGEX, ANYTHING, FILE, SPARSE, SENT, RECORDED, FAILED, ENTRIES[0], ENTRIES[5]]
)
def test_a_model_is_a_value(one: Model) -> None:
    again = type(one).model_validate(one.model_dump())
    assert again == one == copy.deepcopy(one)
    assert hash(again) == hash(one)
    assert again.model_copy(update={}) == one
