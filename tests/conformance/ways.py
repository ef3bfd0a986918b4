"""Runs a suite bare, recording and replaying, each in processes of their own, and gathers what happened.

:mod:`.run` and the short test call :func:`run`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.conformance.worker import Job

Way = Literal["bare", "record", "replay"]

LIMIT_S = 60.0
"""Real seconds after which a test counts as hanging. The slowest of them takes four."""

_GRACE_S = 30.0
"""Beyond a test's limit, for a worker that does not even die of its own watchdog, in seconds."""

_HERE = Path(__file__).resolve().parent
_PLUGIN = "pytest_proctape.plugin"
_PLAIN = ["-c", str(_HERE / "suites" / "pytest.ini"), "--import-mode=importlib", "-q", "-rN", "--tb=short"]
_PLAIN += ["-p", "no:cacheprovider", "-p", "no:faulthandler"]


@dataclass
class Outcome:
    """What became of one test.

    Attributes:
        result: ``passed``, ``failed``, ``skipped``, ``xfailed``, ``hung`` or ``crashed``.
        seconds: of real time.
        tried: calls that were to start a real process and reached the operating system, by their name.
        started: those of them that did start one.
        detail: the failure, as pytest shows it.
    """

    result: str
    seconds: float = 0.0
    tried: dict[str, int] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)
    detail: str = ""


@dataclass
class WayResult:
    """What became of a suite in one way.

    Attributes:
        tests: outcomes by node id.
        broken: why the suite could not be run, ``""`` if it could.
        children: the kernel accounted children to a worker.
    """

    tests: dict[str, Outcome] = field(default_factory=dict)
    broken: str = ""
    children: bool = False


def missing(module: str) -> str:
    """Why ``module`` can't be run on this interpreter, ``""`` if it can."""
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        return f"this interpreter comes without {error.name}"
    return "" if found else f"this interpreter comes without {module}"


def run(
    suite: str,
    way: Way,
    scratch: Path,
    *,
    keyword: str = "",
    only: Collection[str] | None = None,
    limit_s: float = LIMIT_S,
) -> WayResult:
    """Run ``suite`` one way. A test that hangs or crashes ends its worker, and another goes on behind it.

    Args:
        suite: name of a shim.
        way: how.
        scratch: directory of the suite's tapes and logs; the same one for recording and replaying.
        keyword: as pytest's ``-k``.
        only: node ids; all if ``None``.
        limit_s: real seconds after which a test counts as hanging.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    events, log = scratch / f"{way}.jsonl", scratch / f"{way}.log"
    events.unlink(missing_ok=True)
    if way == "record":
        shutil.rmtree(scratch / "tapes", ignore_errors=True)
    arguments = [*_PLAIN, *(["-k", keyword] if keyword else []), *_taping(way, scratch)]
    result, left = WayResult(), only
    while True:
        chosen = None if left is None else list(left)
        job = Job(str(_HERE / "suites" / f"{suite}.py"), str(events), arguments, chosen, limit_s)
        code = _run_worker(job, scratch, log)
        seen = _read(events, result)
        if seen.finished or result.broken:
            return result
        said = log.read_text(errors="replace")[-4000:]
        if seen.running is None:
            result.broken = f"the worker ended with {code}\n{said}"
            return result
        hang = events.with_suffix(".hang").read_text()
        how = Outcome("hung", limit_s) if hang else Outcome("crashed")
        how.detail = hang or f"the worker ended with {code}\n{said}"
        result.tests[seen.running] = how
        left = [test for test in seen.collected if test not in result.tests]
        if not left:
            return result


def _taping(way: Way, scratch: Path) -> list[str]:
    """Pytest's arguments that make the way."""
    if way == "bare":
        return []
    tapes = scratch / "tapes"
    return [
        "-p",
        _PLUGIN,
        f"--{way}-tapes",
        "-o",
        "tapes_auto=true",
        "-o",
        f"tapes_effects=.\n{scratch / 'tmp'}",
        "-o",
        f"tapes_dir={tapes}",
    ]


def _run_worker(job: Job, scratch: Path, log: Path) -> int:
    """One worker to its end; the exit code."""
    # The directories have the same names in all three ways, because commands mention them.
    for name in ("work", "tmp"):
        shutil.rmtree(scratch / name, ignore_errors=True)
        (scratch / name).mkdir()
    file = scratch / "job.json"
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not _is_of_the_caller(name)}
    environment |= {
        # Only the plugin that is on trial; what else is installed has nothing to say here.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        # A test that walks over a set of strings would make its spawns in another order every time.
        "PYTHONHASHSEED": "0",
        "TMPDIR": str(scratch / "tmp"),
    }
    with log.open("w") as stream:
        worker = subprocess.Popen(
            [sys.executable, str(_HERE / "worker.py"), str(file)],
            cwd=scratch / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return _wait(worker, Path(job.events), job.limit_s + _GRACE_S)
        finally:
            # With it goes what a hanging or careless test has left running.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def _is_of_the_caller(name: str) -> bool:
    """A variable by which the caller's shell would change what suites of Python and pytest do."""
    return name.startswith("PYTEST_") or (name.startswith("PYTHON") and name != "PYTHONPATH")


def _wait(worker: subprocess.Popen[bytes], events: Path, limit_s: float) -> int:
    """Wait for the worker as long as it tells of a new test every ``limit_s`` seconds."""
    size = -1
    while True:
        try:
            return worker.wait(limit_s)
        except subprocess.TimeoutExpired:
            before, size = size, events.stat().st_size if events.exists() else 0
            if size == before:
                worker.kill()


@dataclass
class _Seen:
    """Where a worker got to."""

    collected: list[str] = field(default_factory=list)
    running: str | None = None
    finished: bool = False


def _read(events: Path, result: WayResult) -> _Seen:
    """Put what all workers of a way have told into ``result``; where the last of them got to."""
    seen = _Seen()
    lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
    for line in lines:
        event: dict[str, Any] = json.loads(line)  # Any: it is JSON
        if "collected" in event:
            seen = _Seen(seen.collected or event["collected"])
        elif "begin" in event:
            seen.running = event["begin"]
        elif "end" in event:
            seen.running = None
            test = event.pop("end")
            result.tests[test] = Outcome(**event)
        elif "broken" in event:
            result.broken = event["detail"]
        else:
            seen.finished = True
            result.children = result.children or event["children"]
    return seen
