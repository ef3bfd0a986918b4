"""The real clock and the real waits, kept where nobody who freezes time finds them."""

from __future__ import annotations

import os
import select
import time
from typing import Final


class _Real:
    """Functions as they were when the package was imported.

    freezegun replaces real time functions that it finds among the attributes of modules; these are
    attributes of a class, which it does not look at. Nor do we, when a mock clock takes the place of the
    functions that wait.
    """

    monotonic = staticmethod(time.monotonic)
    monotonic_ns = staticmethod(time.monotonic_ns)
    perf_counter = staticmethod(time.perf_counter)
    perf_counter_ns = staticmethod(time.perf_counter_ns)
    time_ns = staticmethod(time.time_ns)
    sleep = staticmethod(time.sleep)
    read = staticmethod(os.read)
    write = staticmethod(os.write)
    poll = staticmethod(select.poll)
    select = staticmethod(select.select)


REAL: Final = _Real
