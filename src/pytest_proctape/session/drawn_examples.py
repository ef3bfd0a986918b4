"""A test of hypothesis asks for other commands in every run: recording again does not help."""

from __future__ import annotations

import sys
from typing import Any

_NOTE = (
    "hypothesis draws other examples in every run, so the commands are others, too: to have the same, mark",
    "the test with @settings(derandomize=True), and record it again",
)


def notes_on_examples() -> tuple[str, ...]:
    """Lines for the report; none where no example of hypothesis is being run."""
    hypothesis: Any = sys.modules.get("hypothesis")
    is_inside = getattr(hypothesis, "currently_in_test_context", None)
    return _NOTE if is_inside is not None and is_inside() else ()
