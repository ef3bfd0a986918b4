"""Tapes of many entries: loading, and finding the entry."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pytest_proctape import use_tape
from pytest_proctape.errors import ProctapeError

from .. import peers, tapes
from ..measure import US, Figures, Row, Setting, Target, Turns, at_most, timed

FOUND = 50


def echo(number: int) -> object:
    """One of the spawns of :func:`.tapes.numbered`."""
    return subprocess.run(["echo", str(number)], capture_output=True)


def with_tape(path: Path, order: Literal["strict", "any"], body: Callable[[], float]) -> float:
    """Replay ``body``, and let the entries be that are left over."""
    value = -1.0
    try:
        with use_tape(path, mode="replay", order=order):
            value = body()
    except ProctapeError:
        if value < 0:
            raise
    return value


def load(setting: Setting) -> Figures:
    """From the beginning of the tape to the end of its first spawn."""
    turns = Turns()
    for count in setting.pick((10, 1_000, 10_000, 100_000), (10, 100, 1_000, 10_000, 100_000)):
        path = tapes.numbered(setting.scratch / f"{count}.json", count)

        def once(path: Path = path) -> float:
            started = time.perf_counter_ns()

            def first() -> float:
                echo(0)
                return time.perf_counter_ns() - started

            return with_tape(path, "strict", first)

        turns.add(f"proctape {count}", once)
    for name, block in peers.loading_blocks(setting.scratch, 1_000):

        def read(block: Callable[[], object] = block) -> float:
            return timed(block)

        turns.add(f"{name} 1000", read)
    return turns.run(setting.times(5, 15))


def find(setting: Setting) -> Figures:
    """A call whose entry is somewhere on a loaded tape without order."""
    turns = Turns()
    for count in setting.pick((100, 10_000), (100, 1_000, 10_000, 100_000)):
        path = tapes.numbered(setting.scratch / f"{count}.json", count)
        numbers = [one * (count // FOUND) for one in range(FOUND)][::-1]

        def once(path: Path = path, numbers: list[int] = numbers) -> float:
            def all_of_them() -> float:
                echo(1)
                started = time.perf_counter_ns()
                for number in numbers:
                    echo(number)
                return (time.perf_counter_ns() - started) / FOUND

            return with_tape(path, "any", all_of_them)

        turns.add(f"proctape {count}", once)
    return turns.run(setting.times(7, 20))


def _an_entry(figures: Figures) -> float:
    least, most = min(figures["proctape 10"]), min(figures["proctape 100000"])
    return (most - least) / 99_990


def _bend(figures: Figures) -> float:
    least = min(figures["proctape 10"])
    return (min(figures["proctape 100000"]) - least) / (min(figures["proctape 10000"]) - least) / 10


ROWS = (
    Row(
        "load",
        "load a tape of so many entries, and replay its first",
        "ns",
        load,
        (
            Target("at most 5 us an entry", 5 * US, _an_entry, ("proctape 100000",), "ns"),
            Target(
                "linear: an entry of 100,000 at most 1.25 x one of 10,000", 1.25, _bend, ("proctape 100000",)
            ),
        ),
        curve="entries",
    ),
    Row(
        "find",
        "one replayed call, anywhere on a tape of so many entries, order=any",
        "ns",
        find,
        (at_most(1.1, "proctape 100", "proctape 10000", "10,000 entries at most 1.1 x 100 entries"),),
        curve="entries",
    ),
)
