"""A mock clock without freezegun, real time that stands, and nothing left behind."""

from __future__ import annotations

import pytest

from pytest_proctape.clock import REAL, Timeline, readings
from pytest_proctape.clock.readings import OwnReading
from tests.unit.left_behind import nothing_left_behind

__all__ = ["nothing_left_behind"]

MS = 1_000_000
"""Nanoseconds."""


class Clocks:
    """The mock clocks that are in place, the topmost one last, and what the real one shows."""

    def __init__(self) -> None:
        self.stack = [OwnReading(0)]
        self.real_ns = 0

    def topmost(self) -> tuple[object, OwnReading] | None:
        return (self.stack[-1], self.stack[-1]) if self.stack else None


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """One mock clock is in place."""
    made = Clocks()
    monkeypatch.setattr(readings, "topmost", made.topmost)
    return made


@pytest.fixture
def stopped(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The real clock shows what the test says."""
    monkeypatch.setattr(REAL, "monotonic_ns", lambda: clocks.real_ns)
    return clocks


@pytest.fixture
def timeline(clocks: Clocks) -> Timeline:
    """A timeline at its beginning."""
    return Timeline()
