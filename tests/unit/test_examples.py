"""Hypothesis plays no luck in this suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings


@pytest.mark.skipif(bool(os.environ.get("PROCTAPE_FUZZ")), reason="the long form looks for new examples")
def test_examples_are_the_same_each_time_and_have_no_limit_of_time() -> None:
    used = settings.default
    assert used is not None
    assert (used.deadline, used.derandomize) == (None, True)
