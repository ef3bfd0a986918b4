"""The ``parity`` fixture; see :mod:`tests.parity.harness`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.harness import Parity


@pytest.fixture
def parity(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Parity]:
    harness = Parity(tmp_path)
    yield harness
    request.node.user_properties.append(("replay_s", harness.replay_s))
