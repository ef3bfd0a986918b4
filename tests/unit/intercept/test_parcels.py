"""Messages with descriptors."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from pytest_proctape.intercept import parcels


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_message(line: tuple[socket.socket, socket.socket]) -> None:
    answer: parcels.Answer = {"word": "fail", "errno": "ENOENT"}
    parcels.send(line[0], answer)
    assert parcels.receive(line[1]) == (answer, [])


def test_descriptors(line: tuple[socket.socket, socket.socket]) -> None:
    reader, writer = os.pipe()
    parcels.send(line[0], {"word": "run", "numbers": [1, 2]}, [writer, writer])
    os.close(writer)
    message, fds = parcels.receive(line[1])
    assert message == {"word": "run", "numbers": [1, 2]}
    assert not any(os.get_inheritable(fd) for fd in fds)
    for fd, word in zip(fds, (b"a", b"b"), strict=True):
        os.write(fd, word)
        os.close(fd)
    with open(reader, "rb") as file:
        assert file.read() == b"ab"


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\7abc"])
def test_the_other_side_has_gone(line: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    line[0].sendall(sent)
    line[0].close()
    assert parcels.receive(line[1]) == (None, [])
