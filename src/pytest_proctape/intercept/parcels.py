"""Messages with descriptors, between the test's process and its forked copies.

:mod:`.executing` speaks for the copy, :mod:`.forking` for the test's process.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import struct
from collections.abc import Sequence
from typing import TypedDict

from ..child import moved
from ..genuine import close, socket

_SIZE = struct.Struct("!I")
_MOST_FDS = 200
_PATIENCE_S = 60.0
"""Who does not answer for so long has been stopped, or is another program. Seconds."""


class Request(TypedDict):
    """What a copy asks for.

    Attributes:
        fork: its number.
        pid: its pid.
        road: the call.
        argv: the command line.
        executables: what is to be executed, in turn.
        env: the environment, or ``None`` for the parent's.
        cwd: the working directory, or ``None`` for the parent's.
        new_session: it leads a session.
        process_group: ``-1`` for the parent's.
        numbers: what the descriptors that come along are in the copy.
    """

    fork: int
    pid: int
    road: str
    argv: list[bytes]
    executables: list[bytes]
    env: list[bytes] | None
    cwd: bytes | None
    new_session: bool
    process_group: int
    numbers: list[int]


class Answer(TypedDict, total=False):
    """What the copy is to do, or what has become of that.

    Attributes:
        word: ``run`` the program on these descriptors, run it ``live``, ``play`` dead, ``fail``, be
            ``refused``; from the copy ``failed`` or ``played``.
        numbers: what the descriptors that come along are to be in the copy.
        errno: the name of an error.
        text: what to say.
    """

    word: str
    numbers: list[int]
    errno: str
    text: str


def send(line: socket.socket, message: Request | Answer, fds: Sequence[int] = ()) -> None:
    """Send all of it."""
    data = marshal.dumps(dict(message))
    header = _SIZE.pack(len(data))
    if fds:
        socket.send_fds(line, [header], fds)
    else:
        line.sendall(header)
    line.sendall(data)


def receive(line: socket.socket) -> tuple[object, list[int]]:
    """A message and its descriptors, under high numbers; ``None`` where the other side has gone."""
    line.settimeout(_PATIENCE_S)
    fds: list[int] = []
    try:
        flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        header, received, _, _ = socket.recv_fds(line, _SIZE.size, _MOST_FDS, flags)
        fds = [moved(fd) for fd in received]
        if len(header) < _SIZE.size:
            return None, fds
        (size,) = _SIZE.unpack(header)
        data = line.recv(size, socket.MSG_WAITALL)
        return (marshal.loads(data) if len(data) == size else None), fds
    except OSError:
        for fd in fds:
            with contextlib.suppress(OSError):
                close(fd)
        return None, []


def is_ours(line: socket.socket) -> bool:
    """Whether the same user calls, or a copy that has become another: without a file anybody may call."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    pid, uid, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid == os.getuid() or _parent_of(pid) == os.getpid()


def _parent_of(pid: int) -> int:
    """Of a process that waits for us, and so is there; 0 where that can't be told. See proc(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0
