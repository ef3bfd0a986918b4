"""The ``clocked`` fixture; see :mod:`tests.parity.clock.harness`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.clock.harness import SOAK, Clocked, ClockParity, load


@pytest.fixture(scope="session", autouse=True)
def _busy_machine() -> Iterator[None]:
    with load() if SOAK else contextlib.nullcontext():
        yield


@pytest.fixture
def clocked(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Clocked]:
    """Runs a program under a mock clock, recording and replaying; gives what it told."""
    harness = ClockParity(tmp_path)
    yield harness.tell
    request.node.user_properties.append(("slowest_replay_ms", harness.slowest_ns / 1e6))
