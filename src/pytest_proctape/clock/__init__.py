"""Time: the real clock, and the mock clock that a test and its children share."""

from __future__ import annotations

from .mock import CLOCK, EPOCH_NS, Pace, Shown, TapeClock
from .ranks import outer_lock
from .readings import ns_of
from .real import REAL
from .timeline import Timeline
from .waiting import Source, Ticket, Wait
from .waits import Waits

__all__ = [
    "CLOCK",
    "EPOCH_NS",
    "REAL",
    "Pace",
    "Shown",
    "Source",
    "TapeClock",
    "Ticket",
    "Timeline",
    "Wait",
    "Waits",
    "ns_of",
    "outer_lock",
]
