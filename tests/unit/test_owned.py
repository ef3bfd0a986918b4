"""Descriptors that are ours: none is lost to an interrupt, and none is closed twice."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest

from pytest_proctape.child import is_open
from pytest_proctape.owned import Owned
from tests.parity.at_line import traced


def test_they_are_closed_with_the_last_who_has_them() -> None:
    fds = Owned()
    reader, writer = fds.pair(os.pipe)
    assert is_open(reader)
    assert is_open(writer)
    del fds
    assert not is_open(reader)
    assert not is_open(writer)


def test_each_is_closed_once() -> None:
    fds = Owned()
    reader, writer = fds.high_pair(os.pipe)
    assert reader in fds
    fds.close(reader)
    assert reader not in fds
    other = os.dup2(writer, reader)
    fds.close(reader)
    fds.close_all()
    assert is_open(other)
    assert not is_open(writer)
    os.close(other)


def test_one_that_somebody_else_has_closed() -> None:
    fds = Owned()
    fd = fds.take(os.open, os.devnull, os.O_RDONLY)
    os.close(fd)
    fds.close(fd)
    assert fd not in fds


def test_one_is_given_away() -> None:
    fds = Owned()
    one, other = fds.socket_pair()
    with fds.given(one, _socket_of) as made:
        assert one not in fds
        fds.close_all()
        assert made.fileno() == one
    assert not is_open(other)


def _socket_of(fd: int) -> socket.socket:
    return socket.socket(fileno=fd)


def _pair(fds: Owned) -> None:
    fds.pair(os.pipe)


def _moved(fds: Owned) -> None:
    fds.moved(fds.take(os.open, os.devnull, os.O_RDONLY))


def _closed(fds: Owned) -> None:
    for fd in fds.pair(os.pipe):
        fds.close(fd)


@pytest.mark.parametrize("act", [_pair, _moved, _closed])
def test_ctrl_c_at_any_instruction_loses_none(act: Callable[[Owned], None]) -> None:
    lowest = _lowest()
    number = 0
    while True:
        number += 1
        fds = Owned()
        if not _interrupted(number, partial(act, fds)):
            break
        fds.close_all()
        assert _lowest() == lowest
    assert number > 10
    fds.close_all()
    assert _lowest() == lowest


def _lowest() -> tuple[int, ...]:
    """The first numbers that are free, low and high."""
    fds = Owned()
    one = os.open(os.devnull, os.O_RDONLY)
    found = one, fds.duplicate(one)
    os.close(one)
    fds.close_all()
    return found


def _interrupted(number: int, act: Callable[[], None]) -> bool:
    """Raise a signal at so many instructions of the package; whether it came to that."""
    left = number

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal left
        if "owned.py" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                sys.settrace(None)
                signal.raise_signal(signal.SIGUSR1)
        return trace

    def handler(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    handled = signal.signal(signal.SIGUSR1, handler)
    try:
        with suppress(KeyboardInterrupt), traced(trace):
            act()
            return False
    finally:
        signal.signal(signal.SIGUSR1, handled)
    return True
