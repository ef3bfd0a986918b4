"""One spawn, call by call: replayed, recorded, real, and by the fakes of the peers."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest import mock

from pytest_proctape import use_tape
from pytest_proctape.intercept import short

from .. import peers, tapes
from ..measure import Figures, Row, Setting, Turns, at_most, at_most_fastest, timed

CALLS = 200
FAKES = ("subprocess-vcr", "pytest-subprocess", "mock.patch")


def within(
    block: Callable[[], AbstractContextManager[object]], call: Callable[[], object]
) -> Callable[[], float]:
    """Nanoseconds of a call inside of the block; entering it does not count."""

    def once() -> float:
        with block():
            return timed(call, CALLS)

    return once


def general_road(once: Callable[[], float]) -> Callable[[], float]:
    """The same with the short road closed; ``PROCTAPE_SHORT_ROAD=0`` does that when the package is loaded."""

    def closed() -> float:
        with mock.patch.object(short, "OPEN", False):
            return once()

    return closed


def run_true(setting: Setting) -> Figures:
    """``subprocess.run(["true"], capture_output=True)``."""
    path = tapes.of_true(setting.scratch / "true.json", CALLS)
    turns = Turns()
    turns.add("real", lambda: timed(tapes.run_true, CALLS))
    turns.add("proctape", within(lambda: use_tape(path, mode="replay"), tapes.run_true))
    turns.add(
        "proctape, general road", general_road(within(lambda: use_tape(path, mode="replay"), tapes.run_true))
    )
    done = subprocess.CompletedProcess(["true"], 0, b"", b"")
    turns.add("mock.patch", within(lambda: mock.patch("subprocess.run", return_value=done), tapes.run_true))
    for name, block in peers.true_blocks(setting.scratch, CALLS):
        turns.add(name, within(block, tapes.run_true))
    return turns.run(setting.times(15, 60))


def record_true(setting: Setting) -> Figures:
    """The same, recorded. The tape is written outside of the measured time."""
    path = setting.scratch / "true.json"
    turns = Turns()
    turns.add("real", lambda: timed(tapes.run_true, CALLS))
    turns.add("proctape", within(lambda: use_tape(path, mode="record"), tapes.run_true))
    for name, block in peers.recording_blocks(setting.scratch):
        turns.add(name, within(block, tapes.run_true))
    return turns.run(setting.times(9, 40))


def run_asyncio(setting: Setting) -> Figures:
    """``create_subprocess_exec`` and ``communicate``, one child after the other in one loop."""
    return _in_loop(setting, ["true"], None)


def run_asyncio_input(setting: Setting) -> Figures:
    """The same with ``communicate(input)``."""
    return _in_loop(setting, ["cat"], b"a few words\n")


def _in_loop(setting: Setting, command: list[str], data: bytes | None) -> Figures:
    pipe = asyncio.subprocess.PIPE

    async def calls(count: int) -> None:
        for _ in range(count):
            child = await asyncio.create_subprocess_exec(
                *command, stdin=None if data is None else pipe, stdout=pipe, stderr=pipe
            )
            await child.communicate(data)

    def loop() -> float:
        return timed(lambda: asyncio.run(calls(CALLS))) / CALLS

    tape = tapes.record(setting.scratch / "one.json", lambda: asyncio.run(calls(1)))
    path = tapes.multiplied(tape, CALLS)

    def replayed() -> float:
        with use_tape(path, mode="replay"):
            return loop()

    turns = Turns()
    turns.add("real", loop)
    turns.add("proctape", replayed)
    return turns.run(setting.times(9, 40))


def read_lines(setting: Setting) -> Figures:
    """Start a child and read its 1,000 lines one by one from ``p.stdout``."""
    times = 20
    command = ["seq", "-f", "line number %g of a thousand", "1000"]

    def call() -> None:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert sum(1 for _ in child.stdout) == 1000

    path = tapes.multiplied(tapes.record(setting.scratch / "lines.json", call), times)

    def replayed() -> float:
        with use_tape(path, mode="replay"):
            return timed(call, times)

    turns = Turns()
    turns.add("real", lambda: timed(call, times))
    turns.add("proctape", replayed)
    return turns.run(setting.times(15, 60))


ROWS = (
    Row(
        "run-true",
        'subprocess.run(["true"], capture_output=True), a call',
        "ns",
        run_true,
        (
            at_most(1 / 12, "real", "proctape, general road", "general road: at most 1/12 of real"),
            at_most(1 / 40, "real", words="short road: at most 1/40 of real"),
            at_most_fastest(2.5, FAKES),
        ),
    ),
    Row(
        "record-true",
        "the same, recorded, a call",
        "ns",
        record_true,
        (at_most(1.15, "real"),),
    ),
    Row(
        "asyncio",
        "asyncio create_subprocess_exec + communicate, a call",
        "ns",
        run_asyncio,
        (at_most(1 / 5, "real"),),
    ),
    Row("asyncio-input", "the same with communicate(input), a call", "ns", run_asyncio_input, ()),
    Row(
        "read-lines", "a child's 1,000 lines read from p.stdout", "ns", read_lines, (at_most(1 / 2, "real"),)
    ),
)
