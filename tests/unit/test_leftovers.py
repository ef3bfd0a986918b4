"""What a test leaves in the process is told, and taken away before the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_proctape import intercept
from pytest_proctape.child import PUMP, TABLE
from pytest_proctape.child.table import add_ended
from pytest_proctape.intercept import door
from tests.leftovers import (
    differences,
    end_children,
    of_the_package,
    of_the_process,
    put_package_back,
    put_process_back,
    real_children,
)


class _Left:
    """As a test that hung leaves it."""

    __module__ = "pytest_proctape.left"


def test_what_the_package_keeps() -> None:
    before = of_the_package()
    real = os.waitpid
    intercept.install()
    door.bound(None).__enter__()
    add_ended(0)
    sys.meta_path.append(_Left())  # type: ignore[arg-type]
    PUMP._pauses.add(1)
    left = differences(before, of_the_package())
    assert set(left) == {"users of the stand-ins", "paces", "children", "finders", "pauses of the pump"}
    put_package_back(before)
    assert differences(before, of_the_package()) == {}
    assert os.waitpid is real
    assert list(TABLE) == []


def test_what_all_tests_of_a_process_have_in_common(tmp_path: Path) -> None:
    before = of_the_process()
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    signal.setitimer(signal.ITIMER_REAL, 3600)
    os.umask(before["umask"] ^ 0o11)
    os.chdir(tmp_path)
    os.environ["LEFT"] = "1"
    del os.environ["PATH"]
    left = differences(before, of_the_process())
    assert set(left) == {"handlers", "blocked", "timer", "umask", "directory", "environment"}
    assert left["environment"][1] == {"LEFT": "1", "PATH": None}
    put_process_back(before)
    assert differences(before, of_the_process()) == {}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="they are found in /proc")
def test_a_child_that_nobody_has_waited_for() -> None:
    before = real_children()
    child = subprocess.Popen(["sleep", "600"])
    end_children(before)
    assert real_children() <= before
    # It was reaped by somebody else.
    assert child.wait() == 0
