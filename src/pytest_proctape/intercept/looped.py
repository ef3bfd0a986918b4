"""The short road of asyncio: a replayed child of a loop that says a little and ends.

:mod:`.popen` asks, when the transport of a subprocess makes a ``Popen``. The pipes are there by then, made by
CPython as ever. The child says what it has to say into them at once, and ends when its time has come by the
clock of the loop; :mod:`.lanes` knows when its pipes can be read. All that follows is asyncio's own.

What the session does not know for sure goes the general road, and nothing has happened. See
``docs/decisions/0028``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import FileIO
from types import FrameType
from typing import Any

from ..child import Streams
from ..tape import Spawn
from . import pacing
from .handlers import MemoryReplayer

_TRANSPORT: Any = getattr(asyncio.unix_events, "_UnixSubprocessTransport", None)


def start(
    asking: tuple[asyncio.AbstractEventLoop, Any],
    handler: MemoryReplayer,
    spawn: Spawn,
    streams: Streams,
    sent: bytes | None,
    pipes: tuple[int, int],
    announce: Callable[[], None],
    popen: Any,
    caller: FrameType,
) -> int | None:
    """The pid of a child of a loop; ``None`` where CPython has to ask, and nothing has happened.

    Args:
        asking: the loop, and the transport that makes the ``Popen``.
        handler: the session.
        spawn: what is asked for.
        streams: of the child.
        sent: empty where its stdin has nothing; ``None`` where that is the parent's own.
        pipes: where its stdout and its stderr go.
        announce: is called when it is certain that the child can be started.
        popen: has the other ends of them.
        caller: the frame that asks for it.
    """
    loop, transport = asking
    if type(transport) is not _TRANSPORT:
        return None

    child = handler.replay_in_loop(spawn, streams, sent, pipes, announce, caller, pacing.now_of(loop))
    if child is None:
        return None
    files: dict[FileIO, bool] = {}
    if not child.has_much:
        for file, pipe in ((popen.stdout, pipes[0]), (popen.stderr, pipes[1])):
            if type(file) is FileIO:
                files[file] = pipe in child.said
    pacing.follow(loop, transport, child, files)
    return child.pid
