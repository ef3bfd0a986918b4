"""The roll of children: bounded, and only who has finished is forgotten."""

from __future__ import annotations

import pytest

from pytest_proctape.session import children
from pytest_proctape.session.children import Roll, TapedChild
from pytest_proctape.tape import SpawnError


class Runs(TapedChild):
    """One that is said to run."""

    status = "running"


def child(number: int, kind: type[TapedChild] = TapedChild) -> TapedChild:
    return kind([str(number)], "", 0, SpawnError(errno="ENOENT"))


def test_the_oldest_that_has_finished_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "CAP", 3)
    roll = Roll()
    for number in range(5):
        roll.add(child(number, Runs if number == 0 else TapedChild))
    assert [one.command for one in roll] == [["0"], ["3"], ["4"]]


def test_who_runs_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "CAP", 2)
    roll = Roll()
    for number in range(4):
        roll.add(child(number, Runs))
    assert len(list(roll)) == 4


def test_one_that_could_not_be_started() -> None:
    one = child(7)
    assert (one.status, one.pid, one.returncode, one.is_alive) == ("spawn failed", None, None, False)
    assert one.end_s == one.start_s == 0
    assert one.stdout is one.stderr is None
