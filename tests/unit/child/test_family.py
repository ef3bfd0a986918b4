"""Who belongs to a child, and that nobody else is ever signalled."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape.child.family import Family

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="families are read from /proc")

SAYS_READY = "print('ready', flush=True); time.sleep(600)"


def start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", f"import os, signal, time; {code}"], stdout=subprocess.PIPE
    )


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Another child of ours, in our group."""
    with start(SAYS_READY) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


def test_a_child_in_our_group_is_ended_alone(bystander: subprocess.Popen[bytes]) -> None:
    with start(SAYS_READY) as child:
        assert child.stdout is not None
        child.stdout.readline()
        family = Family(child.pid)
        assert family.living() == {child.pid}
        family.end()
        assert child.wait() == -signal.SIGKILL
    assert bystander.poll() is None


def test_grandchildren_go_with_it_though_they_have_left_the_group(
    bystander: subprocess.Popen[bytes],
) -> None:
    code = "pid = os.fork() or (os.setsid(), os.fork())[1]; " + SAYS_READY
    with start(code) as child:
        assert child.stdout is not None
        for _ in range(3):
            child.stdout.readline()
        family = Family(child.pid)
        pids = family.living()
        assert len(pids) == 3
        ends = [os.pidfd_open(pid) for pid in pids]
        family.signal(signal.SIGTERM)
        assert child.stdout.read() == b"", "the end comes when nobody holds the pipe any more"
        assert child.wait() == -signal.SIGTERM
    for end in ends:
        assert select.select([end], [], [], 60)[0], "it has not ended"
        os.close(end)
    assert family.living() == set()
    assert bystander.poll() is None


def test_who_has_lost_its_parent_is_found_by_the_pipe_that_it_holds(
    bystander: subprocess.Popen[bytes],
) -> None:
    # The last of them is ready when all that came before have closed what they had.
    code = (
        "r, w = os.pipe(); os.fork() and os._exit(0); os.fork() and os._exit(0); os.close(w); os.read(r, 1); "
    )
    with start(code + SAYS_READY) as child:
        assert child.stdout is not None
        child.stdout.readline()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        pipe = os.fstat(child.stdout.fileno()).st_ino
        assert Family(child.pid).living() == set(), "not by its parent, which has gone"
        family = Family(child.pid, [pipe])
        (pid,) = family.living()
        assert pid not in (child.pid, os.getpid(), bystander.pid)
        family.end()
        assert child.stdout.read() == b""
    assert bystander.poll() is None


def test_we_are_never_of_the_family(bystander: subprocess.Popen[bytes]) -> None:
    family = Family(os.getpid(), [os.fstat(bystander.stdout.fileno()).st_ino] if bystander.stdout else [])
    assert not family.living() & {0, 1, os.getpid(), os.getppid()}


def test_one_that_has_gone_is_left_alone() -> None:
    with start("pass") as child:
        child.wait()
    family = Family(child.pid)
    assert family.living() == set()
    family.signal(signal.SIGTERM)
    family.end()
