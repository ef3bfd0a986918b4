"""The real clock and the real waits, kept where nobody who freezes time finds them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from ..genuine import select
from ..unfrozen import unfrozen


class _Real:
    """Functions as they were when the package was imported.

    freezegun replaces real time functions that it finds among the attributes of modules; these are
    attributes of a class, which it does not look at. Nor do we, when a mock clock takes the place of the
    functions that wait.
    """

    monotonic: Callable[[], float] = staticmethod(unfrozen("monotonic"))
    monotonic_ns: Callable[[], int] = staticmethod(unfrozen("monotonic_ns"))
    perf_counter: Callable[[], float] = staticmethod(unfrozen("perf_counter"))
    perf_counter_ns: Callable[[], int] = staticmethod(unfrozen("perf_counter_ns"))
    time_ns: Callable[[], int] = staticmethod(unfrozen("time_ns"))
    sleep = staticmethod(time.sleep)
    read = staticmethod(os.read)
    write = staticmethod(os.write)
    poll = staticmethod(select.poll)
    select = staticmethod(select.select)


REAL: Final = _Real
