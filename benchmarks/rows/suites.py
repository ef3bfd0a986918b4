"""Whole pytest runs, the interpreter's start included."""

from __future__ import annotations

from ..measure import Figures, Row, Setting, Target, Turns, at_most, ratio
from ..projects import add_recording, add_replaying

TESTS, SPAWNS = 300, 4
PEERS = ("subprocess-vcr", "pytest-subprocess")


def replayed(setting: Setting) -> Figures:
    """300 tests with 4 spawns each, one tape a test."""
    turns = Turns()
    add_replaying(turns, setting.folder, TESTS, SPAWNS)
    return turns.run(setting.times(5, 15))


def recorded(setting: Setting) -> Figures:
    """The same, recording."""
    turns = Turns()
    add_recording(turns, setting.folder, TESTS, SPAWNS)
    return turns.run(setting.times(3, 9))


def _against_peers(figures: Figures) -> float:
    return max((ratio(figures["proctape"], figures[one]) for one in PEERS if one in figures), default=0.0)


ROWS = (
    Row(
        "suite-replay",
        "300 tests of 4 spawns, a tape each, whole pytest run",
        "ns",
        replayed,
        (
            at_most(1.15, "mock.patch"),
            Target("faster than every peer", 1.0, _against_peers, ("proctape",)),
        ),
    ),
    Row("suite-record", "the same, recording", "ns", recorded, (at_most(1.2, "real"),)),
)
