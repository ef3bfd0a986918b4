"""Nothing has become more work: operations are counted, as a clock would tell of the machine's other work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from . import measured

ROOM = 0.02
"""The part that is let through: what differs between releases of CPython, not what a change adds."""

ADVICE = "if that can't be helped, write the table anew: python -m tests.benchmarks.measured"


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(measured.TABLE.read_bytes())
    return found


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("counted")


def more_than(table: measured.Counted, found: measured.Counted) -> list[str]:
    """What is more than the table allows, in words."""
    return [
        f"{kind}: {count:g} {name}, {table[kind].get(name, 0):g} in the table"
        for kind, counts in found.items()
        for name, count in counts.items()
        if count > (known := table[kind].get(name, 0)) + abs(known) * ROOM
    ]


def test_a_spawn_does_no_more_than_it_did(table: dict[str, Any], scratch: Path) -> None:
    found = measured.spawns(scratch)
    assert set(found) == {
        "replay run",
        "replay lines",
        f"replay exec{measured.TOLD_BY}",
        "record run",
        "record lines",
        "replay run, general road",
        "replay lines, general road",
        "record run, general road",
        "record lines, general road",
    }
    assert more_than(table["counts"], found) == [], ADVICE


def test_a_replayed_spawn_has_no_descriptor_and_no_thread_of_ours(table: dict[str, Any]) -> None:
    for kind in ("replay run", "replay run, general road", "replay lines", "replay lines, general road"):
        assert table["counts"][kind]["descriptors"] <= 0
        assert table["counts"][kind]["threads"] == 0


def test_what_is_heard_needs_no_descriptor_and_no_thread_of_ours(table: dict[str, Any]) -> None:
    assert table["counts"]["record run"] == {"descriptors": 0, "threads": 0}


def test_a_test_that_spawns_nothing_does_no_more_than_it_did(table: dict[str, Any], scratch: Path) -> None:
    found = measured.tests(scratch)
    assert set(found) == {"untaped test", "taped test"}
    assert more_than(table["counts"], found) == [], ADVICE


def test_pytest_starts_with_no_more_code(table: dict[str, Any], tmp_path: Path) -> None:
    found = measured.modules_at_start(tmp_path)
    ours = {one for one in found if one.startswith("pytest_proctape.")}
    assert "pytest_proctape.plugin" in ours
    # Code is not the same size in every release of CPython: in 3.15 it is a fifth more.
    assert measured.code_of(found) <= table["start"]["bytes of code"] * 1.25, ADVICE
    # The standard library's, and those of pytest that it loads late. More than a few would be felt.
    assert len(set(found) - ours) <= 5, found
    rooms = {f"pytest_proctape.{room}" for room in ("intercept", "session", "match", "child", "tape")}
    assert rooms.isdisjoint(found)
    assert {"pydantic", "freezegun", "asyncio"}.isdisjoint(found)


def test_more_is_told() -> None:
    assert more_than({"replay run": {"system calls": -8.0}}, {"replay run": {"system calls": -8.0}}) == []
    assert more_than({"replay run": {"system calls": -8.0}}, {"replay run": {"system calls": -7.0}}) != []
    before = {"replay run": {"package calls": 100.0}}
    assert more_than(before, {"replay run": {"package calls": 102.0}}) == []
    assert more_than(before, {"replay run": {"package calls": 103.0, "threads": 1.0}}) == [
        "replay run: 103 package calls, 100 in the table",
        "replay run: 1 threads, 0 in the table",
    ]
