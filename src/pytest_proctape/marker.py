"""The marker with completion: ``pytest.mark`` tells editors nothing of its arguments."""

from __future__ import annotations

from typing import Unpack

import pytest

from .tape_config import TapeConfig


def taped(**settings: Unpack[TapeConfig]) -> pytest.MarkDecorator:
    """``@pytest.mark.tape(...)``, whose arguments editors complete and type checkers check.

    ::

        @taped(mode="live")
        def test_the_real_thing(): ...

    Args:
        settings: see :class:`~pytest_proctape.TapeConfig`. They are checked when the tests are collected.
    """
    marker: pytest.MarkDecorator = pytest.mark.tape(**settings)
    return marker
