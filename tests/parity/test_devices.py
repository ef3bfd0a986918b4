"""Streams that are neither pipes nor plain files: sockets, terminals, FIFOs, devices."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome, python

UPPER = "import os\nwhile data := os.read(0, 100): os.write(1, data.upper())"


def test_a_socket_for_both_directions(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                child = subprocess.Popen(python(UPPER), stdin=theirs.fileno(), stdout=theirs.fileno())
            seen = []
            for word in (b"one", b"two"):
                ours.sendall(word)
                seen.append(ours.recv(100))
            ours.shutdown(socket.SHUT_WR)
            return seen, ours.recv(100), child.wait()

    assert parity(body) == ([b"ONE", b"TWO"], b"", 0)


def test_a_socket_as_input_that_is_written_to(parity: Parity) -> None:
    """As inetd starts its servers, which may leave their output alone."""

    def body(folder: Path) -> Any:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                code = UPPER.replace("write(1", "write(0") + "\nos.write(1, b'bye')"
                child = subprocess.Popen(python(code), stdin=theirs.fileno(), stdout=PIPE)
            seen = []
            for word in (b"one", b"two"):
                ours.sendall(word)
                seen.append(ours.recv(100))
            ours.shutdown(socket.SHUT_WR)
            return seen, ours.recv(100), child.communicate()[0], child.returncode

    assert parity(body) == ([b"ONE", b"TWO"], b"", b"bye", 0)


def test_a_socket_of_the_network(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            connection, _ = server.accept()
        with client:
            with connection:
                child = subprocess.Popen(python(UPPER), stdin=connection.fileno(), stdout=connection.fileno())
            client.sendall(b"served")
            answer = client.recv(100)
            client.shutdown(socket.SHUT_WR)
            return answer, client.recv(100), child.wait()

    assert parity(body) == (b"SERVED", b"", 0)


def test_a_named_pipe(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "fifo"
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with path.open("wb") as target:
            child = subprocess.Popen(["printf", "through a fifo"], stdout=target)
        code = child.wait()
        seen = os.read(reader, 100), os.read(reader, 100)
        os.close(reader)
        return seen, code

    assert parity(body) == ((b"through a fifo", b""), 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_is_full(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os\ntry: os.write(1, b'x')\nexcept OSError as e: os.write(2, b'errno %d' % e.errno)"
        with open("/dev/full", "wb") as target:
            return subprocess.run(python(code), stdout=target, stderr=PIPE)

    assert parity(body).stderr == b"errno 28"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_a_device_that_never_ends(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with open("/dev/zero", "rb") as source:
            return subprocess.run(["head", "-c", "5"], stdin=source, stdout=PIPE)

    assert parity(body).stdout == b"\0" * 5


def test_a_descriptor_by_number(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "file"
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        done = subprocess.run(["sh", "-c", "echo out; echo err >&2"], stdout=fd, stderr=fd)
        os.lseek(fd, 0, os.SEEK_SET)
        again = subprocess.run(["cat"], stdin=fd, stdout=PIPE)
        os.close(fd)
        return done.returncode, again.stdout

    assert parity(body) == (0, b"out\nerr\n")


def test_a_text_file_object(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "log"
        with path.open("w") as target:
            target.write("parent before\n")
            target.flush()
            subprocess.run(["echo", "child"], stdout=target, stderr=STDOUT, check=True)
            target.write("parent after\n")
        return path.read_text()

    assert parity(body) == "parent before\nchild\nparent after\n"


def test_a_file_that_can_not_be_written(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "file"
        path.touch()
        code = "import os\ntry: os.write(1, b'x')\nexcept OSError as e: os.write(2, b'errno %d' % e.errno)"
        with path.open("rb") as target:
            return subprocess.run(python(code), stdout=target, stderr=PIPE)

    assert parity(body).stderr == b"errno 9"


def test_a_stream_that_is_closed_in_the_parent(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "file"
        with path.open("wb") as target:
            fd = target.fileno()
        return outcome(subprocess.run, ["true"], stdout=target), outcome(subprocess.run, ["true"], stdout=fd)

    assert isinstance(parity(body)[0], ValueError)
