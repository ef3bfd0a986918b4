"""Base64 is found among what looks like it, alone and among many."""

from __future__ import annotations

import base64
import random

import pytest

from pytest_proctape.portable.encoded import _SHORTEST, encoded_spans
from pytest_proctape.portable.runs import SHORTEST, few_runs, runs_in, table_of

SOUGHT = b"the one that is sought"
HASHES = b"".join(b"%s  file\n" % random.Random(one).randbytes(20).hex().encode() for one in range(50))
PATHS = b"".join(b"/usr/lib/Some/Long/Folder/Name%d/File\n" % one for one in range(50))


def holds(text: bytes) -> bool:
    """What the tests look for."""
    return SOUGHT in text


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
@pytest.mark.parametrize(
    "around", [b"", HASHES, PATHS, HASHES + PATHS], ids=["alone", "hashes", "paths", "both"]
)
def test_a_run_that_holds_it_is_found_among_others(before: bytes, around: bytes) -> None:
    run = base64.b64encode(before + SOUGHT + b"!!!")
    data = around + b"it: " + run + b"\n" + around
    assert [data[start:end] for start, end in encoded_spans(data, holds)] == [run]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_lines_of_one_width_are_one_run(newline: bytes) -> None:
    body = base64.encodebytes(bytes(range(50)) + SOUGHT + bytes(range(90))).replace(b"\n", newline)
    data = PATHS + b"\n: " + newline + body + b"\n"
    found = [data[start:end] for start, end in encoded_spans(data, holds)]
    assert found == [body.rstrip(newline)]


def test_a_long_run_is_looked_through_by_itself() -> None:
    run = base64.b64encode(random.Random(3).randbytes(70_000) + SOUGHT + b"!!!")
    data = PATHS + run + b"\n"
    assert [data[start:end] for start, end in encoded_spans(data, holds)] == [run]


def test_paths_and_hashes_hold_nothing() -> None:
    assert not list(encoded_spans(HASHES + PATHS, holds))


def test_runs_of_a_class() -> None:
    table = table_of(rb"[a-z]")
    assert runs_in(b"ab abc  abcd".translate(table) + b"0", 3) == [(3, 6), (8, 12)]


def test_a_long_run_is_found_wherever_it_stands() -> None:
    words = b"a few words, and nothing else: " * 300
    assert few_runs(words) == b""
    assert few_runs(words + b"x" * (SHORTEST - 1)) == b""
    for run in (b"x" * SHORTEST, b"A_b-C.d/e+f01"):
        assert few_runs(words + run + b" " + words) == run
        assert few_runs(run + b"\n" + words + run) == run + b"\n" + run
    assert few_runs((b"x" * SHORTEST + b" ") * 300) is None


@pytest.mark.parametrize("small", [b"a" * 24, b"a0" * 12, b"0a-_+/" * 4])
@pytest.mark.parametrize("at", range(24))
def test_one_capital_is_enough_wherever_it_stands(small: bytes, at: int) -> None:
    run = small[:at] + b"Q" + small[at : _SHORTEST - 1]
    assert list(encoded_spans(b": " + run + b" :", bool)) == [(2, 2 + _SHORTEST)]
