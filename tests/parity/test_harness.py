"""The judge is judged: each thing that parity promises to notice is noticed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.child import TABLE

from .harness import Hang, Parity, RealProcesses
from .observe import python


@pytest.fixture
def hasty(parity: Parity) -> Parity:
    """One that gives what is left no time: it stays for good."""
    parity.settle_s = 0
    return parity


def test_a_real_process_is_counted() -> None:
    counter = RealProcesses()
    with counter.counted():
        import _posixsubprocess

        before, subprocess._fork_exec = subprocess._fork_exec, _posixsubprocess.fork_exec  # type: ignore[attr-defined]
        try:
            subprocess.run(["true"], check=True)
        finally:
            subprocess._fork_exec = before  # type: ignore[attr-defined]
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "true"], {}), 0)
        os.system("true")
    assert [line.split()[0] for line in counter.seen] == ["fork_exec", "os.posix_spawn", "os.system"]


def test_a_body_that_forks_on_replay_is_found(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = os.fork()
        if not pid:
            os._exit(0)
        return os.waitpid(pid, 0)[1]

    with pytest.raises(pytest.fail.Exception, match=r"started real processes:\n  os\.fork"):
        parity(body)


def test_another_observation_is_found(parity: Parity) -> None:
    count = itertools.count()

    with pytest.raises(pytest.fail.Exception, match="the recording is not what the bare run was"):
        parity(lambda folder: next(count))
    runs = iter([1, 1, 2])
    with pytest.raises(pytest.fail.Exception, match="the replay is not what the bare run was"):
        parity(lambda folder: next(runs))


def test_a_descriptor_left_open_is_found(hasty: Parity) -> None:
    opened: list[int] = []

    def body(folder: Path) -> Any:
        opened.append(os.open(os.devnull, os.O_RDONLY))

    try:
        with pytest.raises(pytest.fail.Exception, match="the bare run left behind:\n  descriptor"):
            hasty(body)
    finally:
        os.close(opened[0])


def test_threads_left_running_are_found(hasty: Parity) -> None:
    event = threading.Event()
    # They are counted, and one of another test may end meanwhile.
    threads = [threading.Thread(target=event.wait) for _ in range(9)]

    def body(folder: Path) -> Any:
        for thread in threads:
            thread.start()

    try:
        with pytest.raises(pytest.fail.Exception, match=r"the bare run left behind:\n  [1-9] threads"):
            hasty(body)
    finally:
        event.set()
        for thread in threads:
            thread.join()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_zombie_is_found(hasty: Parity) -> None:
    pids: list[int] = []
    try:
        with pytest.raises(pytest.fail.Exception, match="left behind:\n  child"):
            hasty(lambda folder: pids.append(os.posix_spawn("/bin/sh", ["sh", "-c", "true"], {})))
    finally:
        os.waitpid(pids[0], 0)


def _soon() -> None:
    """Let the limit be over in a moment, and again later: the call that hangs may not have begun by then."""
    signal.setitimer(signal.ITIMER_REAL, 0.001, 5)


def test_a_hang_is_found(parity: Parity) -> None:
    reader, writer = os.pipe()

    def body(folder: Path) -> Any:
        # The limit is over now, and was not before: on a loaded machine it might be over anywhere.
        _soon()
        os.read(reader, 1)

    try:
        with pytest.raises(Hang, match="the bare run did not end"):
            parity(body)
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_recording_that_hangs_leaves_its_child_to_nobody(parity: Parity) -> None:
    runs = itertools.count()

    def body(folder: Path) -> Any:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        if next(runs):
            _soon()
            child.wait()
        child.communicate()

    with pytest.raises(Hang, match="the recording did not end"):
        parity(body)
    assert list(TABLE) == []


def test_a_divergence_that_is_swallowed_is_found(parity: Parity) -> None:
    # Bare, recorded by both roads, replayed.
    words = iter(["same", "same", "same", "other"])

    def body(folder: Path) -> Any:
        try:
            subprocess.run(["echo", next(words)], capture_output=True, check=True)
        except Exception:
            pass

    with pytest.raises(pytest.fail.Exception, match=r"Divergence: (?s:.*)args\[0\]"):
        parity(body)


def test_leftover_entries_are_found(parity: Parity) -> None:
    spawns = iter([1, 1, 1, 0])

    def body(folder: Path) -> Any:
        if next(spawns):
            subprocess.run(python("pass"), check=True)

    with pytest.raises(pytest.fail.Exception, match="Leftover"):
        parity(body)
