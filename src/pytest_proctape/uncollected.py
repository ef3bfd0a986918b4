"""No look for garbage while very many objects are made that all stay: a large tape, or our modules."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Around the making of them: looking for garbage among them takes longest."""
    if not gc.isenabled():
        yield
        return
    try:
        # Inside: an interrupt may come as it returns.
        gc.disable()
        yield
    finally:
        gc.enable()
