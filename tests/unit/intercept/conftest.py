"""A handler that answers every spawn with a child that has ended, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_proctape import intercept
from pytest_proctape.clock import EPOCH_NS, TapeClock
from tests.clocking import frozen, waits_told
from tests.unit.left_behind import nothing_left_behind
from tests.unit.pipes import pipe

from .answering import Answers

__all__ = ["answers", "clock", "nothing_left_behind", "pipe"]


@pytest.fixture
def answers() -> Iterator[Answers]:
    """The handler, active in this thread."""
    handler = Answers()
    intercept.install()
    try:
        with intercept.bound(handler):
            yield handler
    finally:
        intercept.uninstall()


@pytest.fixture
def clock(answers: Answers) -> Iterator[TapeClock]:
    """A mock clock, in place, with everything that waits in its hands."""
    made = TapeClock(EPOCH_NS, lambda: answers.sleeps)
    with frozen(made), waits_told():
        yield made
