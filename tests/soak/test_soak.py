"""Many spawns leave nothing behind: as many descriptors, threads and zombies as before. `tox -e soak`.

Every run of the tests has the short form; the environment variable `PROCTAPE_SOAK` sets the full one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_proctape import intercept
from pytest_proctape.child import GUARDIAN
from pytest_proctape.portable import Places
from pytest_proctape.session import RecordSession, ReplaySession
from pytest_proctape.tape import TapeStore
from tests.parity.harness import Holdings, settled

FULL = bool(os.environ.get("PROCTAPE_SOAK"))
RECORDED = 1_000 if FULL else 40
ROUNDS = 10 if FULL else 3

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts what /proc shows")


def spawn_all(count: int) -> None:
    """A plain one, one with input, one that is killed, one that can't be started, in turn."""
    for number in range(count):
        match number % 4:
            case 0:
                assert subprocess.run(["echo", "x"], capture_output=True).stdout == b"x\n"
            case 1:
                assert subprocess.run(["cat"], input=b"y", capture_output=True).stdout == b"y"
            case 2:
                child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                child.kill()
                child.communicate()
                assert child.returncode == -9
            case _:
                with pytest.raises(FileNotFoundError):
                    subprocess.run(["no-such-program-here"])


def test_many_spawns_leave_nothing_behind(tmp_path: Path) -> None:
    store = TapeStore(tmp_path / "tapes")
    owner = "soak.py::test_soak"
    # It lives as long as this process, and is nobody's leak.
    GUARDIAN.engage()
    before = Holdings.now()

    recording = RecordSession(store, owner, Places(), root=tmp_path)
    intercept.install()
    try:
        with intercept.bound(recording):
            spawn_all(RECORDED)
        recording.save(recording.finish(), complete=True)
    finally:
        intercept.uninstall()
    assert settled(before) == []

    for _ in range(ROUNDS):
        replaying = ReplaySession(store, owner, Places(), root=tmp_path)
        intercept.install()
        try:
            with intercept.bound(replaying):
                spawn_all(RECORDED)
            assert replaying.leftover("setup", "call", "teardown") is None
            assert replaying.errors == []
        finally:
            replaying.close()
            intercept.uninstall()
        assert settled(before) == []
