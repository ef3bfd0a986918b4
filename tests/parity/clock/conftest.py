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
def clocked(clock_parity: ClockParity) -> Clocked:
    """Runs a program under a mock clock, recording and replaying; gives what it told."""
    return clock_parity.tell


@pytest.fixture
def clock_parity(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ClockParity]:
    """What :func:`clocked` is of; it has the tape, too."""
    harness = ClockParity(tmp_path)
    yield harness
    request.node.user_properties.append(("slowest_replay_ms", harness.slowest_ns / 1e6))
