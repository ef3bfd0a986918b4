"""Public suites, untouched but for ``tapes_auto``: run bare, recorded, and replayed in every way there is.

``python tests/public/run.py`` gets the source distributions with pip and prints a table; ``tox -e public``
does that in an environment of its own. The outcome of each test has to be that of the bare run, and no
replay may start a process. It takes minutes, as each test is run alone as well, and needs the network once.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

Outcomes = Mapping[str, str]
_RANDOM = ("1", "22", "333")
_AT_ONCE = 2
_LIMIT_S = 900
ALONE = "replay, each alone"


@dataclass(frozen=True)
class Suite:
    """A suite that others have written, and that asks the system for something.

    Attributes:
        name: of the distribution.
        version: of it: another one may have other tests.
        source: where its packages are.
        tests: what is run.
    """

    name: str
    version: str
    source: str
    tests: tuple[str, ...]


SUITES = (Suite("distro", "1.9.0", "src", ("tests",)),)


@dataclass(frozen=True)
class Ran:
    """One run of a suite, or of all of its tests, each alone.

    Attributes:
        way: in which it was run.
        outcomes: by test: ``passed``, ``failed``, ``error`` or ``skipped``.
        replayed: spawns that were answered from tapes.
        real: processes that were started for taped tests.
        seconds: that it took.
    """

    way: str
    outcomes: Outcomes
    replayed: int
    real: int
    seconds: float


# -- a run of pytest ---------------------------------------------------------------------------


def fetch(suite: Suite, folder: Path) -> Path:
    """Get the source distribution and unpack it; where it is then.

    Raises:
        subprocess.CalledProcessError: pip can't get it.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", suite.name]
    subprocess.run([*command, "--dest", str(folder), f"{suite.name}=={suite.version}"], check=True)
    with tarfile.open(folder / f"{suite.name}-{suite.version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"{suite.name}-{suite.version}"


def _plugin() -> list[str]:
    """What makes pytest load us: nothing where we are installed."""
    found = importlib.metadata.entry_points(group="pytest11", name="proctape")
    return [] if found else ["-p", "pytest_proctape.plugin"]


def run_pytest(place: Path, suite: Suite, way: str, options: Sequence[str], tests: Sequence[str] = ()) -> Ran:
    """One run.

    Args:
        place: the unpacked suite.
        suite: what is known of it.
        way: its name.
        options: for pytest.
        tests: node ids; all of the suite where there are none.
    """
    source = os.pathsep.join(filter(None, [str(place / suite.source), os.environ.get("PYTHONPATH", "")]))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        junit, report = Path(folder, "junit.xml"), Path(folder, "report.json")
        taped = [] if way == "bare" else [*_plugin(), "-o", "tapes_auto=true", f"--tapes-report={report}"]
        randomly = [] if "randomly" in options else ["-p", "no:randomly"]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *randomly, *taped]
        done = subprocess.run(
            [*command, *options, f"--junitxml={junit}", *(tests or suite.tests)],
            cwd=place,
            env={**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT_S,
        )
        if not junit.exists():
            raise SystemExit(f"{suite.name}, {way}: pytest has ended with {done.returncode}\n{done.stdout}")
        spawns = {} if way == "bare" else json.loads(report.read_text())["totals"]["spawns"]
        outcomes = dict(_outcomes(junit))
    seconds = time.monotonic() - began
    return Ran(way, outcomes, spawns.get("replayed", 0), spawns.get("real", 0), seconds)


def _outcomes(junit: Path) -> Iterator[tuple[str, str]]:
    for case in ET.parse(junit).iter("testcase"):
        told = {child.tag for child in case} & {"failure", "error", "skipped"}
        names = {"failure": "failed", "error": "error", "skipped": "skipped"}
        yield f"{case.get('classname')}::{case.get('name')}", names[told.pop()] if told else "passed"


# -- the ways ----------------------------------------------------------------------------------


def ways() -> Iterator[tuple[str, list[str]]]:
    """Replays of the whole suite, and what pytest is told for each."""
    yield "replay -n 0", ["-n", "0"]
    yield "replay -n 2", ["-n", "2"]
    yield "replay -n 2 loadgroup", ["-n", "2", "--dist", "loadgroup"]
    for seed in _RANDOM:
        yield f"replay randomly {seed}", ["-p", "randomly", f"--randomly-seed={seed}"]


def each_alone(place: Path, suite: Suite, step: int) -> Ran:
    """Replay each test, or one of ``step``, in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:randomly", *suite.tests]
    source = os.pathsep.join(filter(None, [str(place / suite.source), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": source}
    listed = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=True)
    nodeids = [line for line in listed.stdout.splitlines() if "::" in line][::step]
    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        runs = list(pool.map(lambda one: run_pytest(place, suite, "alone", ["-n", "0"], [one]), nodeids))
    outcomes = {test: outcome for ran in runs for test, outcome in ran.outcomes.items()}
    replayed, real = sum(ran.replayed for ran in runs), sum(ran.real for ran in runs)
    return Ran(ALONE, outcomes, replayed, real, time.monotonic() - began)


def run_suite(suite: Suite, folder: Path, step: int) -> Iterator[Ran]:
    """All the runs of one suite, the bare one first; see :func:`each_alone` for ``step``."""
    place = fetch(suite, folder)
    yield run_pytest(place, suite, "bare", ["-n", "0"])
    yield run_pytest(place, suite, "record", ["-n", "0", "--record-tapes"])
    for way, options in ways():
        yield run_pytest(place, suite, way, options)
    if step:
        yield each_alone(place, suite, step)


# -- the table ---------------------------------------------------------------------------------


def judge(ran: Ran, bare: Ran) -> list[str]:
    """What is wrong with a run, a line each."""
    # Alone, it may have been only some.
    tests = sorted({*ran.outcomes} if ran.way == ALONE else {*ran.outcomes, *bare.outcomes})
    wrong = [
        f"{test}: {ran.outcomes.get(test, 'not run')}, bare {bare.outcomes.get(test, 'not run')}"
        for test in tests
        if ran.outcomes.get(test) != bare.outcomes.get(test)
    ]
    if ran.way.startswith("replay") and ran.real:
        wrong.append(f"{ran.real} processes were started")
    return wrong


def line(suite: str, ran: Ran, wrong: Sequence[str]) -> str:
    """A line of the table."""
    counts = [sum(one == kind for one in ran.outcomes.values()) for kind in ("passed", "failed", "skipped")]
    counts[1] += sum(one == "error" for one in ran.outcomes.values())
    numbers = "".join(f"{one:>8}" for one in (*counts, ran.replayed, ran.real))
    return f"{suite:<12} {ran.way:<24}{numbers}{ran.seconds:>9.1f}  {'DIFFERS' if wrong else 'same'}"


def main() -> int:
    """Run what was asked for; the exit code is 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(one.name for one in SUITES)}; else all")
    parser.add_argument(
        "--step", metavar="N", type=int, default=1, help="run only each Nth test alone; none for 0"
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="unpack there, and leave it")
    asked = parser.parse_args()
    unknown = {*asked.suites} - {one.name for one in SUITES}
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    folder = asked.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    heads = ("passed", "failed", "skipped", "taped", "real")
    print(f"{'suite':<12} {'way':<24}{''.join(f'{one:>8}' for one in heads)}{'seconds':>9}", flush=True)
    differs = False
    try:
        for suite in SUITES:
            if asked.suites and suite.name not in asked.suites:
                continue
            bare: Ran | None = None
            for ran in run_suite(suite, folder, asked.step):
                bare = bare or ran
                wrong = judge(ran, bare)
                differs = differs or bool(wrong)
                print(line(suite.name, ran, wrong), *wrong, sep="\n    ", flush=True)
    finally:
        if asked.keep is None:
            shutil.rmtree(folder)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
