"""A pseudo-terminal for the body of a test, and what is read from it."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_proctape.child.wiring import close_quietly

from .observe import outcome


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A master and its slave."""
    master, slave = pty.openpty()
    try:
        yield master, slave
    finally:
        for fd in (master, slave):
            close_quietly(fd)


def until(master: int, mark: bytes) -> bytes:
    """All that comes up to this."""
    seen = b""
    while not seen.endswith(mark):
        seen += os.read(master, 4096)
    return seen


def rest(master: int) -> bytes:
    """To the end, which a master tells by EIO on Linux; that stands behind what was read."""
    seen = b""
    while True:
        data = outcome(os.read, master, 4096)
        if isinstance(data, OSError):
            return seen + errno.errorcode[data.errno or 0].encode()
        seen += data


async def dialogs(times: int, limit_s: float = 30) -> list[bytes]:
    """What ``cat`` says to so many lines, one after the other; an event loop reads it from its terminal."""
    loop = asyncio.get_running_loop()
    with terminal() as (master, slave):
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        child = await asyncio.create_subprocess_exec("cat", stdin=slave, stdout=slave)
        reader = asyncio.StreamReader()
        with os.fdopen(os.dup(master), "rb", buffering=0) as file:
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
            said = []
            for number in range(times):
                os.write(master, b"%d\n" % number)
                said.append(await asyncio.wait_for(reader.readline(), limit_s))
            child.terminate()
            await child.wait()
            transport.close()
    return said
