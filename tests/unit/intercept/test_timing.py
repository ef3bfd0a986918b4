"""How much of a timed wait is left, as ``Popen`` is told before each of its looks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_proctape.intercept import pausing, timing

NOBODY = SimpleNamespace(pid=0, stdin=None, stdout=None, stderr=None)


@pytest.mark.parametrize("clocked", [True, False])
def test_a_clock_that_stands_at_the_end_is_past_it(monkeypatch: pytest.MonkeyPatch, clocked: bool) -> None:
    monkeypatch.setattr(pausing, "clocked", lambda: clocked)
    left_s = timing._remaining(NOBODY, 0.0)
    assert left_s is not None
    assert (left_s < 0) is clocked
    assert timing._remaining(NOBODY, 0.5) == 0.5
    assert timing._remaining(NOBODY, None) is None
