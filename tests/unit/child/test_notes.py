"""From what was noted to the steps of a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_proctape.child.notes import ANSWER, Run, step_of, tidy, without_input
from pytest_proctape.tape import End, Spool, script

from .stage import CLOSED, hears, says


@pytest.mark.parametrize(
    "fd, step", [(0, hears(b"x", 5)), (1, says(b"x", at_ns=5)), (ANSWER, says(b"x", fd=0, at_ns=5))]
)
def test_a_run_is_a_step(tmp_path: Path, fd: int, step: script.Step) -> None:
    run = Run(fd, 5, Spool(tmp_path))
    run.spool.write(b"x")
    assert step_of(run) == step
    assert run.sealed


@pytest.mark.parametrize(
    "count, left",
    [(0, [b"one", b"two"]), (2, [b"one", b"t"]), (3, [b"one"]), (4, [b"on"]), (6, []), (9, [])],
)
def test_input_that_was_not_read_is_taken_away_from_its_end(count: int, left: list[bytes]) -> None:
    steps: list[script.Step] = [hears(b"one"), says(b"out"), hears(b"two"), CLOSED]
    kept = without_input(steps, count)
    assert [step.data.bytes() for step in kept if isinstance(step, script.Input)] == left
    assert says(b"out") in kept
    assert CLOSED not in kept


def test_an_end_of_output_matters_where_the_parent_did_something_later() -> None:
    ended = script.OutputEnd(1)
    assert tidy((says(b"x"), ended), End(0)) == (says(b"x"),)
    assert tidy((ended, hears(b"x"), ended), End(0)) == (ended, hears(b"x"))
    assert tidy((ended,), End(None)) == (ended,)
