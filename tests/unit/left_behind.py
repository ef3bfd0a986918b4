"""The fixture of the rooms whose tests hold descriptors and threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_proctape.child import PUMP
from tests.parity.harness import HANG_S, Holdings, deadline, settled


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No test may leave a descriptor or the pump's thread behind."""
    with deadline("the test", HANG_S):
        before = Holdings.now()
        yield
        PUMP.retire()
        assert settled(before) == []
