"""The project that the option tests run pytest in."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_proctape import intercept
from pytest_proctape.child import PUMP, TABLE
from pytest_proctape.intercept import patches
from tests.options.project import ON_WORKERS, Project, forget_what_was_left_open


@pytest.fixture
def real_processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a line for each real process that the package starts for a tape of this process."""
    started: list[str] = []

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            # An inner run under xdist starts its workers outside of any tape.
            # Nor is the tracker a test's that Python has for its own semaphores, from 3.14 on for any pool.
            if intercept.current() is not None and "multiprocessing.resource_tracker" not in str(args[0]):
                started.append(f"{real.__name__} {args[0]!r}")
            return real(*args, **kwargs)

        return call

    # Wherever the rooms keep the real functions, and under whatever name. (posix_spawn is not among them:
    # it raises an audit event, and on replay that is refused.)
    fork_exec: Any = subprocess._fork_exec  # type: ignore[attr-defined]
    wrapped = {real: counted(real) for real in (fork_exec, os.system, os._spawnvef)}  # type: ignore[attr-defined]
    found = [
        (module, name, value)
        for path, module in sorted(sys.modules.items())
        if path.startswith("pytest_proctape.intercept.")
        for name, value in vars(module).items()
        if callable(value) and value in wrapped
    ]
    assert fork_exec in {value for _, _, value in found}
    for module, name, value in found:
        monkeypatch.setattr(module, name, wrapped[value])
    return started


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, real_processes: list[str]
) -> Iterator[Project]:
    """An empty project; afterwards nothing of the runs inside it may be left in this process."""
    # Sources of one size, changed within one second, would meet a stale .pyc.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    # Of all that is installed, an inner run loads what its options name. (Hypothesis alone would add a
    # second to each.)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    forget_what_was_left_open()
    yield Project(pytester, real_processes)
    with contextlib.suppress(ChildProcessError):
        # What a test inside has not waited for would have gone with its process.
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    left = {
        "patches": len(patches._users),
        "session": intercept.current(),
        "children": [child.pid for child in TABLE],
        "watched": not PUMP.idle,
    }
    patches._undo.close()
    patches._users.clear()
    assert left == {"patches": 0, "session": None, "children": [], "watched": False}


@pytest.fixture(params=["plain", pytest.param("xdist", id="xdist")])
def run_options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options for a run in one process, and for one on two workers."""
    if request.param == "plain":
        return ()
    pytest.importorskip("xdist")
    return ON_WORKERS
