"""Copies of the test's process, as a library makes them that forks by itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable


def forked(act: Callable[[], object]) -> int:
    """The pid of a copy of this process that does this and never comes back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pytest's own threads
        pid = os.fork()
    if not pid:
        try:
            act()
        finally:
            os._exit(99)
    return pid
