"""Commands that a forked process starts for itself, while its parent is recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from pytest_proctape import intercept
from pytest_proctape.child import Started, Wiring
from tests import copies

from .answering import Answers


class Recorder(Answers):
    """A recorder that starts everything as it was asked for."""

    def record(self, spawn: object, wiring: Wiring, launch: Callable[[Wiring], Started]) -> Started:
        return launch(wiring)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    intercept.install()
    recorder = Recorder()
    try:
        with intercept.bound(recorder):
            yield recorder
    finally:
        intercept.uninstall()


def forked(act: Callable[[], object]) -> int:
    """The status of a forked process that does this, and goes no further."""
    return os.waitpid(copies.forked(act), 0)[1]


def test_an_exec_two_forks_away_is_told(recorder: Recorder) -> None:
    def act() -> None:
        os._exit(forked(lambda: os.execv("/bin/sh", ["sh", "-c", "exit 3"])) >> 8)

    assert forked(act) == 3 << 8
    told = intercept.guard.collect()
    assert [error.road for error in told] == ["os.exec"]
    assert "ran for real and is not on the tape" in str(told[0])


def test_a_fork_that_starts_nothing(recorder: Recorder) -> None:
    assert forked(lambda: os._exit(5)) == 5 << 8
    assert intercept.guard.collect() == []
