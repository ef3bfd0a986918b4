"""What the mock clock costs a test, in a process with 1,500 modules."""

from __future__ import annotations

import datetime as dt
import sys
import time
import types

import freezegun

from pytest_proctape import use_tape

from .. import tapes
from ..measure import MS, Figures, Row, Setting, Turns, more_by, timed

MODULES = 1_500


def crowd() -> None:
    """Make the process one of an application: every tenth module has functions of time."""
    for number in range(MODULES):
        module = types.ModuleType(f"bench_module_{number}")
        vars(module).update((f"name_{one}", object()) for one in range(40))
        if number % 10 == 0:
            vars(module).update(time=time.time, datetime=dt.datetime)
        sys.modules[module.__name__] = module


def enter_and_leave(setting: Setting) -> Figures:
    """A block with a tape that has nothing on it, with a clock and without."""
    crowd()
    path = tapes.record(setting.scratch / "empty.json", lambda: None)
    path.write_text('{"version": 2, "entries": []}', encoding="utf-8")

    def block(*, clock: bool) -> None:
        with use_tape(path, mode="replay", clock=clock):
            pass

    def frozen() -> None:
        with freezegun.freeze_time("2020-01-01"):
            pass

    turns = Turns()
    turns.add("without a clock", lambda: timed(lambda: block(clock=False), 20))
    turns.add("with one", lambda: timed(lambda: block(clock=True), 20))
    turns.add("freezegun", lambda: timed(frozen, 3))
    return turns.run(setting.times(9, 40))


ROWS = (
    Row(
        "clock",
        "entering and leaving a clocked block with 1,500 modules",
        "ns",
        enter_and_leave,
        (more_by(1 * MS, "without a clock", "with one", "ns", "at most 1 ms"),),
    ),
)
