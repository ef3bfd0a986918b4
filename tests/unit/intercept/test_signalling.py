"""Signals to virtual children reach nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from pytest_proctape.child import TABLE, Stalled, VirtualChild, Wiring, WrongCause
from pytest_proctape.errors import Divergence, ProctapeError
from pytest_proctape.intercept import signalling
from pytest_proctape.tape import End, Script
from pytest_proctape.tape.script import Signal

TERM = int(signal.SIGTERM)


def _on_wrong(child: VirtualChild, wrong: WrongCause | Stalled) -> ProctapeError:
    return Divergence(str(wrong))


@pytest.fixture
def child() -> Iterator[VirtualChild]:
    """A child that leads a group and waits for SIGTERM."""
    pid = TABLE.new_pid()
    made = VirtualChild(
        pid, pid, Script((Signal(TERM),), End(TERM)), new_session=True, on_wrong=_on_wrong, on_end=TABLE.tell
    )
    TABLE.add(made)
    made.start(Wiring())
    yield made
    made.close()
    TABLE.remove(pid)


def test_kill(child: VirtualChild) -> None:
    signalling.kill(child.pid, 0)
    assert child.poll() is None
    signalling.kill(child.pid, TERM)
    assert child.poll() == TERM


@pytest.mark.parametrize("how", ["killpg", "kill"])
def test_a_group(child: VirtualChild, how: str) -> None:
    if how == "killpg":
        signalling.killpg(child.pid, TERM)
    else:
        signalling.kill(-child.pid, TERM)
    assert child.poll() == TERM


@pytest.mark.skipif(not hasattr(signal, "pidfd_send_signal"), reason="process descriptors are Linux's")
def test_a_process_descriptor(child: VirtualChild) -> None:
    fd = TABLE.open_pidfd(child)
    signalling.pidfd_send_signal(fd, TERM)
    os.close(fd)
    assert child.poll() == TERM


def test_groups_and_sessions(child: VirtualChild) -> None:
    assert (signalling.getpgid(child.pid), signalling.getsid(child.pid)) == (child.pid, child.pid)
    assert (signalling.getpgid(0), signalling.getsid(0)) == (os.getpgrp(), os.getsid(0))


@pytest.mark.parametrize("number", [-1, 9999])
def test_a_signal_that_does_not_exist(child: VirtualChild, number: int) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        signalling.kill(child.pid, number)
    assert child.poll() is None


def test_a_child_that_is_gone(child: VirtualChild) -> None:
    TABLE.remove(child.pid)
    for ask in (lambda: signalling.kill(child.pid, 0), lambda: signalling.getpgid(child.pid)):
        with pytest.raises(ProcessLookupError):
            ask()


def test_real_processes_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    try:
        signalling.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]
