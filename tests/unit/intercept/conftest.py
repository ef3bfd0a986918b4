"""A handler that answers every spawn with a child that has ended, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_proctape import intercept
from pytest_proctape.child import PUMP
from tests.parity.harness import Holdings, deadline, settled

from .answering import Answers


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    with deadline("the test", 20):
        before = Holdings.now()
        yield
        PUMP.retire()
        assert settled(before) == []


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
