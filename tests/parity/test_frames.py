"""A language-server-like exchange of JSON over Content-Length frames, however the frames are read."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

import pytest

from .harness import Parity
from .observe import python

SERVER = """
import json, sys
def read():
    size = 0
    while (line := sys.stdin.buffer.readline()) not in (b"\\r\\n", b""):
        size = int(line.split(b":")[1])
    return json.loads(sys.stdin.buffer.read(size)) if size else None
def say(message):
    answer = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n" % len(answer) + answer)
    sys.stdout.buffer.flush()
while (request := read()) is not None and request["method"] != "exit":
    say({"method": "log"})
    say({"id": request["id"], "result": request["method"][::-1]})
"""
METHODS = ("initialize", "hover", "gr\u00f6\u00dfe" * 3000)


def _frame(message: dict[str, object]) -> bytes:
    data = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


class _Frames:
    """Frames out of pieces of any size."""

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more = more
        self._held = b""

    def next(self) -> Any:
        while b"\r\n\r\n" not in self._held:
            self._held += self._more()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        size = int(head.split(b":")[1])
        while len(self._held) < size:
            self._held += self._more()
        data, self._held = self._held[:size], self._held[size:]
        return json.loads(data)


def _by_line(stream: IO[bytes]) -> Callable[[], Any]:
    def receive() -> Any:
        size = int(stream.readline().split(b":")[1])
        assert stream.readline() == b"\r\n"
        return json.loads(stream.read(size))

    return receive


def _by_read1(stream: Any) -> Callable[[], Any]:
    return _Frames(lambda: stream.read1(-1)).next


def _by_os_read(stream: IO[bytes]) -> Callable[[], Any]:
    return _Frames(lambda: os.read(stream.fileno(), 7)).next


@pytest.mark.parametrize("way", [_by_line, _by_read1, _by_os_read])
def test_a_language_server(parity: Parity, way: Callable[[Any], Callable[[], Any]]) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(SERVER), stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            receive = way(child.stdout)
            seen = []
            for number, method in enumerate(METHODS):
                child.stdin.write(_frame({"id": number, "method": method}))
                child.stdin.flush()
                seen += [receive(), receive()]
            child.stdin.write(_frame({"method": "exit"}))
            child.stdin.close()
            return seen, child.wait()

    seen, code = parity(body)
    assert (seen[2], seen[3], code) == ({"method": "log"}, {"id": 1, "result": "revoh"}, 0)


def test_a_language_server_on_asyncio(parity: Parity) -> None:
    async def talk() -> Any:
        child = await asyncio.create_subprocess_exec(*python(SERVER), stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        seen = []
        for number, method in enumerate(METHODS):
            child.stdin.write(_frame({"id": number, "method": method}))
            await child.stdin.drain()
            for _ in range(2):
                size = int((await child.stdout.readuntil(b"\r\n\r\n")).split(b":")[1])
                seen.append(json.loads(await child.stdout.readexactly(size)))
        child.stdin.write(_frame({"method": "exit"}))
        child.stdin.close()
        return seen, await child.wait()

    def body(folder: Path) -> Any:
        return asyncio.run(talk())

    assert parity(body)[0][3] == {"id": 1, "result": "revoh"}
