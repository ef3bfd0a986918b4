"""Time: the real clock, kept where nobody who freezes time finds it."""

from __future__ import annotations

import time
from typing import Final


class _RealClock:
    """The functions of :mod:`time` as they were when the package was imported.

    freezegun replaces real time functions that it finds among the attributes of modules; these are
    attributes of a class, which it does not look at.
    """

    monotonic_ns = staticmethod(time.monotonic_ns)
    time_ns = staticmethod(time.time_ns)


REAL: Final = _RealClock
