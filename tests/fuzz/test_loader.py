"""Damaged and random bytes in the place of a tape: only typed errors, no code run, no file, bounded memory.

A short form runs with the tests. ``tox -e fuzz`` (PROCTAPE_FUZZ=1) runs the long one.
"""

from __future__ import annotations

import os
import random
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeError
from pytest_proctape.tape import TapeStore, dumps, loads, payloads_of, script_of
from tests.fuzz.mutate import TOKENS, damaged

ROOT = Path(__file__).parents[2]
INPUTS = 1_000_000 if os.environ.get("PROCTAPE_FUZZ") else 1_500
"""For each of the tests that go through a stream of them; about 3 kB and 0.3 ms each."""
SEED = int(os.environ.get("PROCTAPE_FUZZ_SEED", "0"))
PATH = Path("tapes/test_a/test_x.json")

FORBIDDEN = (
    "compile",
    "exec",
    "import",
    "os.",
    "subprocess.",
    "open",
    "socket.",
    "ctypes.",
    "pickle.",
    "pty.",
)
"""Audit events that a loader of bytes has no reason for: https://docs.python.org/3/library/audit_events.html"""
_seen: list[str] = []
_watching = False


def _hook(event: str, args: tuple[object, ...]) -> None:
    # A file that is opened by its descriptor was opened by its name before.
    if _watching and event.startswith(FORBIDDEN) and not isinstance(args[:1] and args[0], int):
        _seen.append(f"{event} {args!r:.200}")


sys.addaudithook(_hook)  # for good: there is no way to take one away


@contextmanager
def watched() -> Iterator[list[str]]:
    """What the code inside did that a loader must not do."""
    global _watching
    _seen.clear()
    _watching = True
    try:
        yield _seen
    finally:
        _watching = False


def seeds() -> list[bytes]:
    """The committed tapes, those with every field of the format first."""
    paths = [*(ROOT / "tests/unit/tape/data").glob("*.json"), *(ROOT / "tapes").rglob("*.json")]
    found = sorted({path.read_bytes() for path in paths}, key=len)
    assert len(found) > 5
    return [one for one in found if len(one) < 6000]


def outcome(data: bytes) -> str:
    """``tape``, or the name of the typed error; whatever else is raised goes through."""
    try:
        tape = loads(data, PATH)
    except TapeError as refused:
        error = refused
    else:
        assert loads(dumps(tape), PATH) == tape
        return "tape"
    assert str(error).startswith(str(PATH))
    assert len(str(error)) < 3000
    return type(error).__name__


def test_damaged_tapes_are_typed_errors_and_nothing_is_run_or_opened() -> None:
    chance = random.Random(SEED)
    good = seeds()
    outcomes: dict[str, int] = {}
    for data in good:
        assert outcome(data) == "tape"
    # Whatever is made or imported with the first error of its kind is so now.
    for data in islice(damaged(good, random.Random(SEED)), INPUTS):
        with suppress(Exception):
            outcome(data)
    for index, data in enumerate(islice(damaged(good, chance), INPUTS)):
        with watched() as seen:
            try:
                result = outcome(data)
            except Exception as error:
                raise AssertionError(f"seed {SEED}, input {index}: {data[:4000]!r}") from error
        assert seen == [], f"seed {SEED}, input {index}: {data[:4000]!r}"
        outcomes[result] = outcomes.get(result, 0) + 1
    # The stream is worth its time only if it comes to every end.
    assert set(outcomes) == {"tape", "TapeCorrupt", "TapeVersionError"}


def test_what_loads_can_be_played_without_leaving_its_directory(tmp_path: Path) -> None:
    store = TapeStore(tmp_path / "tapes")
    store.payloads.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_bytes(b"xyz")
    path = store.root / "x.json"

    def play(data: bytes) -> int:
        path.write_bytes(data)
        tape = store.load_file(path)
        for payload in payloads_of(tape):
            assert (store.payloads / payload.sha256).parent == store.payloads
        for entry in tape.entries:
            script_of(entry, store.decode, strict_input=False)
        return len(tape.entries)

    # Whatever is made with the first of its kind is made now.
    for data in chain(seeds(), islice(damaged(seeds(), random.Random(SEED + 1)), INPUTS)):
        with suppress(Exception):
            play(data)
    chance = random.Random(SEED + 1)
    played = 0
    for index, data in enumerate(islice(damaged(seeds(), chance), INPUTS)):
        with watched() as seen:
            try:
                played += play(data)
            except TapeError:
                pass
            except Exception as error:
                raise AssertionError(f"seed {SEED + 1}, input {index}: {data[:4000]!r}") from error
        assert [one for one in seen if str(tmp_path / "tapes") not in one] == []
    assert played > INPUTS // 10


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[" * 1_000_000, id="nested"),
        pytest.param(b'{"entries": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="nested-and-closed"),
        pytest.param(b"[" + b"[]," * 300_000 + b"[]]", id="lists"),
        pytest.param(b"[" + b'{"x":1},' * 100_000 + b"{}]", id="unknown-fields"),
        pytest.param(b'{"entries": [' + b"0," * 500_000 + b"0]}", id="wrong-types"),
        pytest.param(b'{"version": ' + b"9" * 1_000_000 + b"}", id="digits"),
        pytest.param(b'{"entries": [{"program": "' + b"\\u0041" * 150_000 + b'"}]}', id="escapes"),
        pytest.param(b"{" + b'"a":1,' * 150_000 + b'"a":1}', id="one-name-many-times"),
        pytest.param(
            b'[{"program":"x","timeline":[' + b'{"at_ms":1},' * 80_000 + b"{}]}]", id="events-without-action"
        ),
    ],
)
def test_memory_is_bounded_by_the_size_of_the_file(data: bytes) -> None:
    outcome(b"{")
    tracemalloc.start()
    try:
        assert outcome(data) in {"TapeCorrupt", "TapeVersionError", "tape"}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400 * len(data) + (16 << 20)


@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
def test_each_token_alone_is_a_typed_error(token: bytes) -> None:
    assert outcome(token) != "tape"
