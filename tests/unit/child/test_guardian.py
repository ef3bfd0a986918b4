"""The process beside a recording: what it is told, and that it is nobody's child and leaves no trace."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_proctape.child.guarding import parse

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it needs /proc")

# It starts a child as a recording does, and is then killed, or ends well.
RECORDER = """
import os, signal, subprocess, sys
from pytest_proctape.child.guardian import GUARDIAN

GUARDIAN.engage()
GUARDIAN.engage()
if "interrupted" in sys.argv:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.killpg(0, signal.SIGINT)
try:
    os.waitpid(-1, os.WNOHANG)
    print("a child of ours")
except ChildProcessError:
    pass
reader, writer = os.pipe()
inode = os.fstat(writer).st_ino
key = GUARDIAN.expect([inode])
child = subprocess.Popen(["sleep", "600"], stdout=writer)
if "unannounced" not in sys.argv:
    GUARDIAN.started(key, child.pid)
if "over" in sys.argv:
    GUARDIAN.over(key)
print(child.pid, flush=True)
child.returncode = 0
os.kill(os.getpid(), 9) if "well" not in sys.argv else os._exit(0)
"""


# It says whether lines are there with one child, with another one that is left, and how much with none.
FORGETFUL = """
import os
from pytest_proctape.child.guardian import GUARDIAN

GUARDIAN.engage()
size = lambda: os.fstat(GUARDIAN._book).st_size
one, other = GUARDIAN.expect([1]), GUARDIAN.expect([2])
first = size() > 0
# A little may stay.
GUARDIAN.expect(range(1_000_000, 1_010_000))
GUARDIAN.over(one)
GUARDIAN.over(one)
second = size() > 0
GUARDIAN.over(other)
GUARDIAN.over(other)
GUARDIAN.over(3)
print(first, second, size())
"""


def started(*how: str) -> int:
    """The pid of a child whose recorder has gone."""
    source = str(Path(parse.__code__.co_filename).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", RECORDER, *how],
        env={**os.environ, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    return int(done.stdout)


def has_ended(pid: int, seconds: float) -> bool:
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([end], [], [], seconds)[0])
    finally:
        os.close(end)


@needs_proc
@pytest.mark.parametrize(
    "how", [("killed",), ("killed", "unannounced"), ("killed", "interrupted"), ("well",)], ids=" ".join
)
def test_who_is_left_is_ended(how: tuple[str, ...]) -> None:
    assert has_ended(started(*how), 30)


@needs_proc
def test_who_is_nobodys_business_any_more_lives_on() -> None:
    pid = started("killed", "over")
    try:
        assert not has_ended(pid, 0)
        # The one that is to end shows that there was time enough.
        assert has_ended(started("killed"), 30)
        assert not has_ended(pid, 0)
    finally:
        os.kill(pid, 9)


@needs_proc
def test_what_is_written_down_is_forgotten_when_all_are_over() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL],
        env={**os.environ, "PYTHONPATH": str(Path(parse.__code__.co_filename).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.stdout == "True True 0\n"


def test_what_it_is_told() -> None:
    lines = [b"+1 7,8", b"=1 100 5", b"+2 ", b"+3 9", b"-3", b"=9 1 1", b"", b"=2 0 0"]
    assert parse(lines) == {b"1": ((7, 8), 100, 5), b"2": ((), 0, 0)}
