"""Curves: what one call costs as there are more of something. A flat one is good, a bent one a finding."""

from __future__ import annotations

import contextlib
import importlib.util
import resource
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator

from pytest_proctape import use_tape

from .. import tapes
from ..measure import MIB, Figures, Row, Setting, Target, Turns, timed
from ..projects import PLUGIN, clocked, run_pytest, write_suite

Body = Callable[[int], object]


def curve(setting: Setting, points: Iterable[int], body: Body, rounds: int) -> Figures:
    """Real, replayed and recorded at each point; the figures are for one of so many.

    Args:
        setting: of the row.
        points: what ``body`` is called with.
        body: starts what is to be measured; the whole of it is divided by the point.
        rounds: how many.
    """
    turns = Turns()
    for point in points:
        path = tapes.record(setting.scratch / f"{point}.json", lambda: body(point))  # noqa: B023 - called at once
        again = setting.scratch / f"{point}-again.json"

        def real(point: int = point) -> float:
            return timed(lambda: body(point)) / point

        def replayed(point: int = point, path: object = path) -> float:
            with use_tape(str(path), mode="replay", order="any"):
                return timed(lambda: body(point)) / point

        def recorded(point: int = point, path: object = again) -> float:
            with use_tape(str(path), mode="record"):
                return timed(lambda: body(point)) / point

        turns.add(f"real {point}", real)
        turns.add(f"replayed {point}", replayed)
        turns.add(f"recorded {point}", recorded)
    return turns.run(rounds, warm=False)


def in_turn(count: int) -> None:
    """One after the other."""
    for _ in range(count):
        tapes.run_true()


def at_once(count: int) -> None:
    """All children are there before the first is read."""
    children = [
        subprocess.Popen(["echo", str(one)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for one in range(count)
    ]
    for child in children:
        child.communicate()


def by_threads(count: int) -> None:
    """Every thread starts 20 of its own."""

    def several(number: int) -> None:
        for one in range(20):
            subprocess.run(["echo", str(number), str(one)], capture_output=True)

    threads = [threading.Thread(target=several, args=(one,)) for one in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def mebibytes(count: int) -> None:
    """So many MiB of output, read by ``communicate()``."""
    subprocess.run(["head", "-c", str(count * MIB), "/dev/zero"], capture_output=True)


def spawns(setting: Setting) -> Figures:
    """Spawns of one test."""
    return curve(
        setting, setting.pick((1, 10, 100, 1_000), (1, 10, 100, 1_000, 10_000)), in_turn, setting.times(3, 7)
    )


def concurrent(setting: Setting) -> Figures:
    """Children at once. Their pipes need descriptors."""
    with allowed_descriptors(4_096):
        points = setting.pick((1, 10, 100), (1, 10, 50, 100, 250, 500))
        return curve(setting, points, at_once, setting.times(3, 7))


def threads(setting: Setting) -> Figures:
    """Threads that start children."""
    return curve(setting, setting.pick((1, 4, 16), (1, 2, 4, 8, 16)), by_threads, setting.times(3, 7))


def streams(setting: Setting) -> Figures:
    """Bytes of one stream."""
    return curve(setting, setting.pick((1, 8, 64), (1, 4, 16, 64, 256)), mebibytes, setting.times(3, 7))


def workers(setting: Setting) -> Figures:
    """Workers of pytest-xdist, whole runs of 400 tests with 4 spawns each."""
    if importlib.util.find_spec("xdist") is None:
        raise LookupError("pytest-xdist is not installed here")
    turns = Turns()
    for name, kind, arguments in (
        ("mock.patch", "mock.patch", ()),
        ("replayed", "taped", (*PLUGIN, "--replay-tapes")),
    ):
        folder = setting.folder(name)
        write_suite(folder, 400, 4, kind)
        if kind == "taped":
            run_pytest(folder, *PLUGIN, "--record-tapes")
        for count in setting.pick((1, 2), (1, 2, 4)):
            turns.add(f"{name} {count}", clocked(folder, *arguments, "-p", "xdist", "-n", str(count)))
    return turns.run(setting.times(3, 7), warm=False)


@contextlib.contextmanager
def allowed_descriptors(count: int) -> Iterator[None]:
    """As many as the system lets us have, up to ``count``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def stays(least: int, most: int, times: float, name: str = "replayed") -> Target:
    """One of the last point costs at most so many times what one of the first does."""

    def value(figures: Figures) -> float:
        return min(figures[f"{name} {most}"]) / min(figures[f"{name} {least}"])

    words = f"one of {most:,} at most {times:g} x one of {least:,}, {name}"
    return Target(words, times, value, (f"{name} {least}", f"{name} {most}"))


ROWS = (
    Row(
        "curve-spawns",
        "a call, of so many in one test",
        "ns",
        spawns,
        (stays(10, 1_000, 1.2), stays(10, 1_000, 1.2, "recorded")),
        "spawns",
    ),
    Row(
        "curve-concurrent",
        "a child, of so many at once",
        "ns",
        concurrent,
        (stays(10, 100, 1.2), stays(10, 100, 1.2, "recorded")),
        "children",
    ),
    Row("curve-threads", "20 calls of a thread, of so many", "ns", threads, (stays(1, 16, 1.5),), "threads"),
    Row(
        "curve-bytes",
        "a MiB of output, of so many",
        "ns",
        streams,
        (stays(1, 64, 1.2), stays(1, 64, 1.2, "recorded")),
        "MiB",
    ),
    Row("curve-workers", "pytest -n N on 400 tests of 4 spawns, whole run", "ns", workers, (), "workers"),
)
