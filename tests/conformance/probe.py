"""Watches one pytest run from the inside: outcome, real processes and hangs of every test.

:mod:`tests.conformance.worker` installs it before anything of the package is imported, so that the
functions that the package takes for the real ones are the counted ones.
"""

from __future__ import annotations

import _posixsubprocess
import faulthandler
import json
import os
import posix
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Generator
from pathlib import Path
from typing import Any, Protocol, TextIO

import pytest

_STARTERS = ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system")


class _Report(Protocol):
    nodeid: str
    when: str
    outcome: str
    longreprtext: str


class Counter:
    """Counts the processes that this interpreter starts, whatever road they come by.

    Attributes:
        tried: calls that reached the operating system, by the name of the call.
        started: those of them that made a process.
    """

    def __init__(self) -> None:
        self.tried: dict[str, int] = {}
        self.started: dict[str, int] = {}

    def install(self) -> None:
        """Count from now on. There is no way back: a worker lives for one run."""
        assert "pytest_proctape" not in sys.modules, "the package has kept uncounted functions already"
        counted = _Counted(_posixsubprocess.fork_exec, "fork_exec", self)
        _posixsubprocess.fork_exec = counted  # multiprocessing looks it up here
        subprocess._fork_exec = counted  # type: ignore[attr-defined]
        for name in _STARTERS:
            counted = _Counted(getattr(os, name), name, self)
            setattr(os, name, counted)
            setattr(posix, name, counted)

    def take(self) -> tuple[dict[str, int], dict[str, int]]:
        """What was tried and what was started since the last call."""
        taken = self.tried, self.started
        self.tried, self.started = {}, {}
        return taken


class _Counted:
    """Stands in for one C function. Like that, it does not become a method where a class keeps it."""

    def __init__(self, real: Callable[..., Any], name: str, counter: Counter) -> None:
        self._real = real
        self._counter = counter
        self.__name__ = name
        self.__doc__ = real.__doc__
        # The package reads there what it takes.
        self.__text_signature__ = getattr(real, "__text_signature__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # Any: C functions that typeshed does not know
        counter, name = self._counter, self.__name__
        counter.tried[name] = counter.tried.get(name, 0) + 1
        result = self._real(*args, **kwargs)
        counter.started[name] = counter.started.get(name, 0) + 1
        return result


def children_accounted() -> int:
    """Page faults of all children that were ever reaped: getrusage(2). A process can't end without some.

    No function that could be replaced stands between, so this holds the counter to its word.
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


class Probe:
    """The pytest plugin: writes an event a line when a test begins and when it has ended."""

    def __init__(self, counter: Counter, events: Path, only: Collection[str] | None, limit_s: float) -> None:
        """Watch a run.

        Args:
            counter: of real processes, installed already.
            events: file to append events to, JSON lines.
            only: node ids of the tests to run; all if ``None``.
            limit_s: real seconds after which a test counts as hanging. The run ends there.
        """
        self._counter = counter
        self._only = only
        self._limit_s = limit_s
        self._pid = os.getpid()
        self._events: TextIO = events.open("a", encoding="utf-8")
        self._hang: TextIO = events.with_suffix(".hang").open("w")
        self._outcome = ""
        self._details: list[str] = []
        self._accounted = 0

    def _tell(self, **event: Any) -> None:
        if os.getpid() == self._pid:
            self._events.write(json.dumps(event) + "\n")
            self._events.flush()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen tests."""
        if self._only is not None:
            items[:] = [item for item in items if item.nodeid in self._only]
        self._tell(collected=[item.nodeid for item in items])
        self._accounted = children_accounted()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of what can't be collected."""
        if report.failed:
            self._tell(broken=report.nodeid, detail=report.longreprtext)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Around one test and its fixtures."""
        self._tell(begin=item.nodeid)
        self._outcome, self._details = "", []
        self._counter.take()
        # Random names must be the same in all three ways, as a test with another file name in a command
        # is another test to a tape. A seed of its own keeps a test apart from the ones before it.
        random.seed(item.nodeid)
        tempfile._name_sequence = _Names(item.nodeid)  # type: ignore[attr-defined]
        began_s = time.perf_counter()
        faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._hang)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()
            tried, started = self._counter.take()
            self._tell(
                end=item.nodeid,
                result=self._outcome,
                seconds=round(time.perf_counter() - began_s, 3),
                tried=tried,
                started=started,
                detail="\n".join(self._details),
            )

    def pytest_runtest_logreport(self, report: _Report) -> None:
        """The worst of setup, call, teardown and subtests is the outcome."""
        if report.outcome == "failed":
            self._outcome = "failed"
        elif hasattr(report, "context"):
            return  # a subtest that passed or was skipped leaves it to its test
        elif report.outcome == "skipped":
            self._outcome = self._outcome or ("xfailed" if hasattr(report, "wasxfail") else "skipped")
        elif report.when == "call":
            self._outcome = self._outcome or "passed"
        if report.outcome != "passed":
            self._details.append(f"[{report.when}] {report.longreprtext}")

    def pytest_sessionfinish(self) -> None:
        """Tell what the kernel says about the whole run."""
        self._tell(finished=True, children=children_accounted() > self._accounted)


class _Names:
    """Temporary names that depend on the test alone; see ``tempfile._RandomNameSequence``."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def __iter__(self) -> _Names:
        return self

    def __next__(self) -> str:
        return "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz0123456789_", k=8))
