"""Small things one can do with a descriptor."""

from __future__ import annotations

import os
import select
import socket
import stat
from pathlib import Path

from pytest_proctape.child import can_be_led_past, is_open, is_pipe, is_regular, wiring
from pytest_proctape.owned import Owned


def test_kinds(tmp_path: Path, pipe: tuple[int, int]) -> None:
    one, other = socket.socketpair()
    with one, other, (tmp_path / "file").open("wb") as file, open(os.devnull, "rb") as null:
        kinds = [
            (is_pipe(fd), is_regular(fd), can_be_led_past(fd))
            for fd in (pipe[1], one.fileno(), file.fileno(), null.fileno())
        ]
    assert kinds == [(True, False, True), (True, False, True), (False, True, True), (False, False, False)]


def test_is_open(pipe: tuple[int, int]) -> None:
    assert is_open(pipe[0])
    os.close(pipe[0])
    assert not is_open(pipe[0])


def test_ready(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    assert not wiring.ready(reader, select.POLLIN)
    assert wiring.ready(writer, select.POLLOUT)
    os.write(writer, b"x")
    assert wiring.ready(reader, select.POLLIN)


def test_a_new_pair_is_of_the_same_kind(pipe: tuple[int, int]) -> None:
    one, other = socket.socketpair()
    with one, other:
        for fd, is_socket in ((pipe[0], False), (one.fileno(), True)):
            fds = Owned()
            reader, writer = wiring.same_kind_of_pipe(fd, fds)
            os.write(writer, b"x")
            assert os.read(reader, 1) == b"x"
            assert stat.S_ISSOCK(os.fstat(reader).st_mode) is is_socket
            fds.close_all()


def test_our_descriptors_leave_the_low_numbers_alone(pipe: tuple[int, int]) -> None:
    fd = wiring.moved(os.dup(pipe[0]))
    lowest = os.dup(pipe[0])
    try:
        assert fd > lowest
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)
        os.close(lowest)
