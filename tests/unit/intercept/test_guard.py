"""Roads that lead past every stand-in are refused as they are taken."""

from __future__ import annotations

import os
import warnings

import pytest

from pytest_proctape import intercept
from pytest_proctape.errors import UnsupportedSpawn
from pytest_proctape.intercept import guard

from .answering import Answers

# Bound before any tape was active, as code under test may have done it.
EXECV, SYSTEM, POSIX_SPAWN = os.execv, os.system, os.posix_spawn


class Guarded(Answers):
    """Active without the stand-ins: only the guard is in the way."""


@pytest.fixture
def handler() -> Guarded:
    guard.install()
    return Guarded()


@pytest.mark.parametrize(
    "road, call",
    [
        ("os.exec", lambda: EXECV("/bin/true", ["true"])),
        ("os.system", lambda: SYSTEM("true")),
        ("os.posix_spawn", lambda: POSIX_SPAWN("/bin/true", ["true"], {})),
        ("os.forkpty", os.forkpty),
    ],
)
def test_every_road(handler: Guarded, road: str, call: object) -> None:
    with intercept.bound(handler), pytest.raises(UnsupportedSpawn) as caught:
        call()  # type: ignore[operator]
    assert caught.value.road == road
    assert handler.refusals == [caught.value], "its caller may swallow the error"


def test_nobody_else_is_in_the_way(handler: Guarded) -> None:
    assert SYSTEM("exit 3") == 3 << 8
    with intercept.bound(None):
        assert os.waitpid(POSIX_SPAWN("/bin/sh", ["sh", "-c", "exit 4"], {}), 0)[1] == 4 << 8


def test_an_exec_after_a_fork(handler: Guarded, capfd: pytest.CaptureFixture[str]) -> None:
    with intercept.bound(handler):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pytest's own threads
            pid = os.fork()
        if not pid:
            try:
                os.execv("/bin/true", ["true"])
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 127
        refused = guard.collect()
    assert [error.road for error in refused] == ["os.exec"]
    assert "os.exec: made in a forked process" in capfd.readouterr().err
    assert guard.collect() == []


def test_a_fork_that_starts_nothing(handler: Guarded) -> None:
    """``multiprocessing`` goes on working."""
    with intercept.bound(handler):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            os._exit(5)
        assert os.waitpid(pid, 0)[1] == 5 << 8
        assert guard.collect() == []


def test_a_forked_process_that_has_closed_everything(
    handler: Guarded, capfd: pytest.CaptureFixture[str]
) -> None:
    """Libraries do so before they exec; another file may have got the number of the pipe."""
    with intercept.bound(handler):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            try:
                os.closerange(0, 1024)
                os.execv("/bin/true", ["true"])
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 127
        assert guard.collect() == []
