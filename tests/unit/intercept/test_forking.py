"""Which forks are a tape's business, and what is left when they are over."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import pytest

from pytest_proctape import intercept
from pytest_proctape.child import FORKS, Started, Wiring
from pytest_proctape.errors import UnsupportedSpawn
from pytest_proctape.intercept import forking
from pytest_proctape.tape import Spawn, SpawnError

from .answering import Answers


@dataclass
class Failing(Answers):
    """A replayer that refuses, or breaks."""

    raised: Exception | None = None

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        self.spawns.append(spawn)
        self.wirings.append(wiring)
        if self.raised is not None:
            raise self.raised
        return Started(0, SpawnError(errno="EACCES"))


@pytest.fixture
def handler() -> Iterator[Failing]:
    handler = Failing()
    intercept.guard.install()
    intercept.install()
    try:
        with intercept.bound(handler), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pytest's own threads
            yield handler
    finally:
        intercept.guard.collect()
        intercept.uninstall()


def held() -> dict[str, str]:
    """The descriptors of this process and what they are."""
    found = {}
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself
            found[name] = os.readlink(f"/dev/fd/{name}")
    return found


def forked(*argv: str) -> int:
    """The end of a copy that becomes this program, or ends with the number of the error."""
    pid = os.fork()
    if not pid:
        try:
            os.execv(argv[0], argv)
        except OSError as error:
            os._exit(error.errno or 0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_what_is_asked(handler: Failing) -> None:
    assert forked("/bin/sh", "-c", "exit 3") == 13
    (spawn,) = handler.spawns
    assert (spawn.program, spawn.args, spawn.road) == ("/bin/sh", ("-c", "exit 3"), "os.execv")
    assert (spawn.env, spawn.cwd, spawn.new_session, spawn.process_group) == (None, None, False, -1)
    assert handler.wirings[0].outputs.items() >= {1: 1, 2: 2}.items(), "they are inherited"


def test_nothing_is_left(handler: Failing) -> None:
    assert forked("/bin/true") == 13
    intercept.guard.collect()
    before = held()
    assert forked("/bin/true") == 13
    intercept.guard.collect()
    assert not FORKS
    assert held() == before


def test_a_divergence_ends_the_copy(handler: Failing, capfd: pytest.CaptureFixture[str]) -> None:
    handler.raised = UnsupportedSpawn("this", "is not on the tape")
    assert forked("/bin/true") == 127
    assert "pytest-proctape: this: is not on the tape" in capfd.readouterr().err


def test_a_bug_hangs_nobody(handler: Failing, capfd: pytest.CaptureFixture[str]) -> None:
    handler.raised = ZeroDivisionError("a bug")
    assert [forked("/bin/true"), forked("/bin/true")] == [127, 127]
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err


@pytest.mark.parametrize("why", ["closed", "live", "multiprocessing", "nobody"])
def test_forks_that_are_no_business_of_a_tape(handler: Any, why: str) -> None:
    def launch() -> tuple[int, bool]:
        return forking.fork(), bool(FORKS)

    name = "multiprocessing.popen_fork" if why == "multiprocessing" else __name__
    elsewhere = FunctionType(launch.__code__, {"__name__": name, "forking": forking, "FORKS": FORKS})
    handler.closed = why == "closed"
    handler.mode = "live" if why == "live" else "replay"
    with intercept.bound(None if why == "nobody" else handler):
        pid, noted = elsewhere()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
    assert not noted


def test_a_copy_that_calls_when_its_tape_is_over(handler: Failing, tmp_path: Any) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writer)
        os.read(reader, 1)
        try:
            os.execv("/bin/true", ["true"])
        finally:
            os._exit(99)
    os.close(reader)
    forking.retire()
    assert not FORKS
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 127
    assert handler.spawns == []


@pytest.mark.parametrize("count, warned", [(1, False), (2, sys.version_info >= (3, 12))])
def test_a_warning_of_threads_is_no_warning_of_ours(
    handler: Failing, monkeypatch: pytest.MonkeyPatch, count: int, warned: bool
) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            monkeypatch.setattr(threading, "active_count", lambda: count)
            pid = os.fork()
            if not pid:
                os._exit(0)
    finally:
        monkeypatch.undo()
        over.set()
        thread.join()
    assert os.waitpid(pid, 0) == (pid, 0)
    assert bool(seen) is warned
