"""A watched directory for every test of this room, as a small tree and as one that is only listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .watching import Watched


@pytest.fixture(params=[1000, 0], ids=["a small tree", "a large tree"])
def watched(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    """An empty directory that is watched."""
    monkeypatch.setattr("pytest_proctape.effects.snapshot.SMALL", request.param)
    folder = tmp_path / "watched"
    folder.mkdir()
    found = Watched(folder)
    yield found
    found.watch.end()
