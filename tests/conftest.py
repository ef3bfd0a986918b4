"""What holds for every test of the suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from pytest_proctape import use
from pytest_proctape.child import PUMP, TABLE
from pytest_proctape.clock import CLOCK
from pytest_proctape.enclosing import RUNS
from pytest_proctape.intercept import clocked, door, patches

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    # A part of the suite is run where it is not installed.
    pass
else:
    # A busy machine misses any limit of time, and what is found by chance is found by the long form.
    settings.register_profile(
        "suite",
        deadline=None,
        derandomize=not os.environ.get("PROCTAPE_FUZZ"),
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")


def _state() -> dict[str, object]:
    """What the package keeps for the whole process while somebody needs it."""
    return {
        "runs": len(RUNS),
        "blocks outside of runs": len(use._OUTSIDE.active),
        "users of the stand-ins": len(patches._users),
        "users of the clock": (len(CLOCK._users), len(clocked._users)),
        "paces": len(CLOCK.paces),
        "clocks in place": len(clocked._faked),
        "session": door.current(),
        "children": list(TABLE),
        "finders": [str(one) for one in sys.meta_path if "pytest_proctape" in str(type(one))],
        "pauses of the pump": len(PUMP._pauses),
    }


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """No test may leave the package in another state than it found it: a later one would fail of it."""
    before = _state()
    yield
    assert _state() == before
