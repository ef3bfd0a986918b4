"""Tapes to measure with: one real recording, multiplied. The rows use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from pytest_proctape import use_tape


def record(path: Path, body: Callable[[], object]) -> Path:
    """Record what ``body`` starts onto a tape of its own."""
    path.unlink(missing_ok=True)
    with use_tape(path, mode="record"):
        body()
    return path


def multiplied(path: Path, times: int) -> Path:
    """Write each entry of the tape ``times`` times, in place."""
    tape = json.loads(path.read_bytes())
    tape["entries"] = tape["entries"] * times
    path.write_text(json.dumps(tape, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def run_true() -> object:
    """The spawn that most rows are about."""
    return subprocess.run(["true"], capture_output=True)


def of_true(path: Path, times: int) -> Path:
    """A tape that answers :func:`run_true` so often."""
    return multiplied(record(path, run_true), times)


def numbered(path: Path, count: int) -> Path:
    """A tape of so many different ``echo``\\ s, ``echo 0`` first."""
    record(path, lambda: subprocess.run(["echo", "0"], capture_output=True))
    tape = json.loads(path.read_bytes())
    (entry,) = tape["entries"]
    tape["entries"] = [{**entry, "args": [str(one)], "stdout": [f"{one}\n"]} for one in range(count)]
    path.write_text(json.dumps(tape, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
