"""Which terminals are the test's, and that they get back their settings."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from pytest_proctape.child import terminal
from pytest_proctape.child.console import RecordedConsole, settings_of
from pytest_proctape.child.wiring import Wiring
from pytest_proctape.errors import UnsupportedSpawn


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    master, slave = pty.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


def _never(_: bytes) -> None:
    raise AssertionError("nothing has passed")


def _no_end() -> None:
    raise AssertionError("nothing has ended")


def _no_console(_side: int, _master: int) -> RecordedConsole:
    raise AssertionError("nothing is led")


def test_what_is_a_terminal_of_the_test(ends: tuple[int, int]) -> None:
    master, slave = ends
    reader, writer = os.pipe()
    assert terminal.is_of_the_test(master)
    assert terminal.is_of_the_test(slave)
    assert not terminal.is_of_the_test(reader)
    os.close(reader)
    os.close(writer)
    assert not terminal.is_of_the_test(reader)
    assert not terminal.is_of_the_test(-1)


def test_the_users_terminal_is_left_alone(ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda fd: 1)
    assert not terminal.is_of_the_test(ends[1])


def test_a_child_that_is_played_finds_it_raw(ends: tuple[int, int]) -> None:
    slave = ends[1]
    before = settings_of(slave)
    with terminal.opened(Wiring({0: slave}, {1: slave, 2: 2})) as (wiring, fd, console):
        assert (wiring.inputs, wiring.outputs) == ({0: fd}, {1: fd, 2: 2})
        assert console is not None
        assert console.state == before
        assert not os.get_blocking(fd)
        assert os.get_blocking(slave)
        assert not termios.tcgetattr(slave)[3] & (termios.ECHO | termios.ICANON)


def test_a_wiring_without_one_stays_as_it_is() -> None:
    wiring = Wiring({}, {1: 1})
    with terminal.opened(wiring) as opened:
        assert opened == (wiring, -1, None)


def test_a_refusal_leaves_the_settings(ends: tuple[int, int]) -> None:
    master, slave = ends
    before = termios.tcgetattr(slave)
    os.write(master, b"x\n")
    assert os.read(master, 10)
    with pytest.raises(UnsupportedSpawn, match="typed into"):
        terminal.taps(slave, (0, 1), (_never, _never), (_no_end, _no_end), [], _no_console)
    assert termios.tcgetattr(slave) == before
