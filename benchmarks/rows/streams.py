"""200 MiB of standard output: recorded, replayed, and how much memory it takes.

Each turn is a process of its own, so that its peak of memory is its own as well.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..measure import MIB, Figures, Row, Setting, Turns, at_most, more_by
from ..projects import variables

SIZE = 200 * MIB
STEP = 1 << 16
KINDS = ("zeros", "log", "hashes")
"""Of output: nothing to look at; words; words, and a hash in every line, which might be a secret."""

_BODY = """
    import json, subprocess, sys, time
    from contextlib import nullcontext

    def peak():
        try:
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
        except OSError:
            import resource
            size = 1 if sys.platform == "darwin" else 1024
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * size

    def chunks():
        with subprocess.Popen(["cat", "big"], stdout=subprocess.PIPE) as child:
            return sum(map(len, iter(lambda: child.stdout.read({step}), b"")))

    def whole():
        with subprocess.Popen(["cat", "big"], stdout=subprocess.PIPE) as child:
            return len(child.communicate()[0])

    mode, body, size = sys.argv[1], globals()[sys.argv[2]], int(sys.argv[3])
    block = nullcontext()
    if mode != "bare" or "package" in sys.argv:
        # Loading the package is not what is asked about.
        from pytest_proctape import use_tape
        for first in ("record", "replay"):
            with use_tape("small.json", mode=first):
                subprocess.run(["true"], capture_output=True)
    if mode != "bare":
        block = use_tape("big.json", mode=mode)
    with block:
        started = time.perf_counter_ns()
        assert body() == size
        took = time.perf_counter_ns() - started
    print(json.dumps([took, peak()]))
"""
_SCRIPT = textwrap.dedent(_BODY).replace("{step}", str(STEP))

Answer = tuple[float, float]
"""Nanoseconds and peak of bytes."""


def mebibyte(kind: str) -> bytes:
    """The MiB that a text of this kind is made of."""
    words = random.Random(9)
    if kind == "zeros":
        return bytes(MIB)
    names = ["cache", "reader", "a", "request", "was", "found", "in", "the", "index", "of", "twelve", "files"]
    lines = []
    for number in range(30_000):
        said = " ".join(words.choices(names, k=6))
        hashed = f" {words.randbytes(20).hex()}" if kind == "hashes" else ""
        lines.append(
            f"2024-05-17 10:{number % 60:02}:{number % 59:02} INFO app.{names[number % 12]}: {said}{hashed}\n"
        )
    return "".join(lines).encode()[:MIB]


def prepared(setting: Setting, kind: str) -> Path:
    """A directory with 200 MiB of output, in the file ``big``."""
    folder = setting.folder(kind)
    block = mebibyte(kind)
    with (folder / "big").open("wb") as file:
        for number in range(SIZE // MIB):
            file.write(b"%08d" % number + block[8:])
    (folder / "script.py").write_text(_SCRIPT, encoding="utf-8")
    return folder


def run_script(folder: Path, mode: str, body: str, *more: str) -> Answer:
    """One turn: what its body took, and its peak."""
    command = [sys.executable, "script.py", mode, body, str(SIZE), *more]
    done = subprocess.run(command, cwd=folder, env=variables(), stdout=subprocess.PIPE, check=True)
    took, peak = json.loads(done.stdout)
    return took, peak


def forget(folder: Path) -> None:
    """Remove the tape and its payloads."""
    (folder / "big.json").unlink(missing_ok=True)
    for path in folder.rglob("*payloads*"):
        shutil.rmtree(path)


def recording_time(setting: Setting) -> Figures:
    """Whole runs: start of the interpreter, reading by ``communicate()``, writing the tape."""
    turns = Turns()

    def once(folder: Path, mode: str) -> Callable[[], float]:
        def run() -> float:
            forget(folder)
            started = time.perf_counter_ns()
            run_script(folder, mode, "whole")
            return time.perf_counter_ns() - started

        return run

    for kind in KINDS:
        folder = prepared(setting, kind)
        turns.add(f"bare {kind}", once(folder, "bare"))
        turns.add(f"proctape {kind}", once(folder, "record"))
    return turns.run(setting.times(3, 9), warm=False)


def recording_memory(setting: Setting) -> Figures:
    """Peaks of the same."""
    turns = Turns()

    def recorded(folder: Path) -> float:
        forget(folder)
        return run_script(folder, "record", "whole")[1]

    for kind in KINDS:
        folder = prepared(setting, kind)
        turns.add(f"bare {kind}", partial(_peak, folder, "bare", "whole"))
        turns.add(f"proctape {kind}", partial(recorded, folder))
    return turns.run(setting.times(2), warm=False)


def _peak(folder: Path, mode: str, body: str) -> float:
    return run_script(folder, mode, body, "package")[1]


def _time(folder: Path, mode: str, body: str) -> float:
    return run_script(folder, mode, body, "package")[0]


def _replaying(setting: Setting, value: Callable[[Path, str, str], float], rounds: int) -> Figures:
    folder = prepared(setting, "log")
    run_script(folder, "record", "chunks")
    turns = Turns()
    turns.add("bare", partial(value, folder, "bare", "chunks"))
    turns.add("proctape", partial(value, folder, "replay", "chunks"))
    return turns.run(rounds)


def replaying_time(setting: Setting) -> Figures:
    """From the spawn to the end of its output, in pieces of 64 KiB."""
    return _replaying(setting, _time, setting.times(5, 15))


def replaying_memory(setting: Setting) -> Figures:
    """Peaks of the same."""
    return _replaying(setting, _peak, setting.times(2))


ROWS = (
    Row(
        "record-200MiB",
        "recording 200 MiB read by communicate(), whole run",
        "ns",
        recording_time,
        tuple(at_most(1.5, f"bare {kind}", f"proctape {kind}") for kind in KINDS),
    ),
    Row(
        "record-200MiB-memory",
        "peak of memory of the same",
        "B",
        recording_memory,
        tuple(
            more_by(
                64 * MIB, f"bare {kind}", f"proctape {kind}", "B", f"{kind}: at most 64 MiB more than bare"
            )
            for kind in KINDS
        ),
    ),
    Row(
        "replay-200MiB",
        "replaying 200 MiB read from p.stdout in pieces",
        "ns",
        replaying_time,
        (at_most(1.0, "bare", words="at least the bare pipe's throughput"),),
    ),
    Row(
        "replay-200MiB-memory",
        "peak of memory of the same",
        "B",
        replaying_memory,
        (more_by(16 * MIB, "bare", "proctape", "B", "at most 16 MiB more than bare"),),
    ),
)
