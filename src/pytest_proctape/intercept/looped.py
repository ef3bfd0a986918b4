"""The short road of asyncio: a replayed child of a loop is started without what only a real one needs.

:mod:`.popen` asks, when the transport of a subprocess makes a ``Popen``. The pipes are there by then, made by
CPython as ever. Most children say a little and end: such a one says it into them at once, or once it has been
sent what it waits for, and ends when its time has come by the clock of the loop; :mod:`.lanes` knows when its
pipes can be read. One that says things in its own time plays as it does on the general road. All that follows
is asyncio's own.

What the session does not know for sure goes the general road, and nothing has happened. See
``docs/decisions/0028``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from io import FileIO
from types import FrameType
from typing import Any

from ..child import BriefChild, Streams, Wiring
from ..tape import STDERR, STDIN, STDOUT, Spawn
from . import pacing
from .handlers import MemoryReplayer
from .spawning import is_passed_on, is_regular_input

_TRANSPORT: Any = getattr(asyncio.unix_events, "_UnixSubprocessTransport", None)


def start(
    asking: tuple[asyncio.AbstractEventLoop, Any],
    handler: MemoryReplayer,
    spawn: Spawn,
    streams: Streams,
    sent: bytes | None,
    handed: tuple[int, int, int],
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
        sent: empty where its stdin has nothing; ``None`` where that is the parent's own, or a pipe.
        handed: its stdin, its stdout and its stderr; -1 where that is the parent's own.
        announce: is called when it is certain that the child can be started.
        popen: has the other ends of them.
        caller: the frame that asks for it.
    """
    loop, transport = asking
    if type(transport) is not _TRANSPORT:
        return None

    pipes, wired = handed[1:], partial(_wiring, streams, handed)
    child = handler.replay_in_loop(spawn, streams, sent, pipes, wired, announce, caller, pacing.now_of(loop))
    if child is None:
        return None
    files: dict[FileIO, bool] = {}
    if isinstance(child, BriefChild) and not child.has_much:
        for file, pipe in ((popen.stdout, pipes[0]), (popen.stderr, pipes[1])):
            if type(file) is FileIO:
                files[file] = pipe in child.said
    pacing.follow(loop, transport, child, files)
    return child.pid


def _wiring(streams: Streams, handed: tuple[int, int, int]) -> Wiring:
    """The child's descriptors, as :meth:`.spawning.ForkExec.wiring` tells them."""
    stdin = handed[0] if handed[0] != -1 else 0 if is_regular_input() else None
    outputs = {fd: handed[fd] if handed[fd] != -1 else fd for fd in (STDOUT, STDERR)}
    private = [handed[fd] for fd in streams.piped]
    if streams.private:
        private.append(handed[0])
    return Wiring(
        {} if stdin is None else {STDIN: stdin},
        {fd: given for fd, given in outputs.items() if given != fd or is_passed_on(fd)},
        frozenset(private),
    )
