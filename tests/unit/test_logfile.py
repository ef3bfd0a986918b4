"""The file of events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_proctape.errors import UsageError
from pytest_proctape.logfile import LogFile


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_events_are_numbered(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.begin()
    log.write([{"test": "a"}, {"test": "b"}])
    log.write([{"test": "c"}])
    assert lines(log.path) == [{"seq": 1, "test": "a"}, {"seq": 2, "test": "b"}, {"seq": 3, "test": "c"}]


def test_workers_are_put_together_by_test(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.begin()
    for worker, tests in (("gw0", "ca"), ("gw1", "b")):
        one = LogFile(tmp_path / "log", worker)
        for test in tests:
            one.write([{"test": test, "n": 1}, {"test": test, "n": 2}])
    with open(tmp_path / "log.gw1", "a", encoding="utf-8") as file:
        file.write('{"seq": 3, "te')
    log.merge()
    assert [(one["seq"], one["test"], one["n"]) for one in lines(log.path)] == [
        (1, "a", 1),
        (2, "a", 2),
        (3, "b", 1),
        (4, "b", 2),
        (5, "c", 1),
        (6, "c", 2),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_what_another_run_has_left_is_removed(tmp_path: Path) -> None:
    LogFile(tmp_path / "log", "gw0").write([{"test": "old"}])
    log = LogFile(tmp_path / "log")
    log.begin()
    log.merge()
    assert lines(log.path) == []


def test_a_place_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be written"):
        LogFile(tmp_path).begin()
