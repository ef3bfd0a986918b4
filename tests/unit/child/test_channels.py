"""The child's side of its streams."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_proctape.child.channels import Inlet, Outlet
from pytest_proctape.tape import Content


def test_an_inlet_takes_what_is_there(pipe: tuple[int, int]) -> None:
    inlet = Inlet(pipe[0])
    assert (inlet.take(10), inlet.at_end) == (b"", False)
    os.write(pipe[1], b"abcdef")
    assert [inlet.take(4), inlet.take(4)] == [b"abcd", b"ef"]
    os.close(pipe[1])
    assert (inlet.take(10), inlet.at_end) == (b"", True)


def test_an_inlet_of_a_file_shares_its_position(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb", buffering=0) as file:
        inlet = Inlet(file.fileno())
        assert inlet.take(4) == b"0123"
        assert file.tell() == 4


def test_an_outlet_gives_in_order(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], private=True)
    for part in (b"a", b"", b"bc"):
        outlet.add(Content.of(part))
    outlet.flush()
    assert os.read(pipe[0], 10) == b"abc"
    assert not outlet.pending


@pytest.mark.parametrize("private", [True, False])
def test_an_outlet_never_blocks(pipe: tuple[int, int], private: bool) -> None:
    data = bytes(range(256)) * 1024
    outlet = Outlet(pipe[1], private=private)
    outlet.add(Content.of(data))
    outlet.flush()
    read = b""
    while outlet.pending:
        read += os.read(pipe[0], 1 << 16)
        outlet.flush()
    assert read, "it did not fit into the pipe"
    os.close(pipe[1])
    while part := os.read(pipe[0], 1 << 16):
        read += part
    assert read == data


@pytest.mark.parametrize("private", [True, False])
def test_a_broken_pipe_takes_everything(pipe: tuple[int, int], private: bool) -> None:
    outlet = Outlet(pipe[1], private=private)
    os.close(pipe[0])
    outlet.add(Content.of(b"x" * 1_000_000))
    assert outlet.waiting == 1_000_000
    outlet.flush()
    assert (outlet.pending, outlet.waiting, outlet.broken) == (False, 0, True)


def test_what_waits_for_room_is_counted(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], private=True)
    outlet.add(Content.of(b"x" * 300_000))
    outlet.add(Content.of(b"y" * 10))
    outlet.flush()
    left = outlet.waiting
    assert 0 < left < 300_010
    left -= len(os.read(pipe[0], 10_000))
    outlet.flush()
    assert left <= outlet.waiting < 300_010
    assert not outlet.broken


def test_a_borrowed_descriptor_is_not_closed_and_an_adopted_one_is_a_copy(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], private=True)
    outlet.close()
    os.fstat(pipe[1])
    outlet.adopt()
    assert outlet.fd != pipe[1]
    os.close(pipe[1])
    outlet.add(Content.of(b"still open"))
    outlet.flush()
    outlet.close()
    assert os.read(pipe[0], 100) == b"still open"
    assert os.read(pipe[0], 100) == b""


def test_what_is_put_back_is_taken_again() -> None:
    reader, writer = os.pipe()
    try:
        inlet = Inlet(reader)
        os.write(writer, b"one two")
        assert inlet.take(100) == b"one two"
        inlet.put_back(b"two")
        inlet.put_back(b"and ")
        assert inlet.take(5) == b"and t"
        assert inlet.take(100) == b"wo"
        assert inlet.take(100) == b""
        assert not inlet.at_end
    finally:
        os.close(reader)
        os.close(writer)
