"""The short road of a recording: the child of ``subprocess.run`` says what it says to CPython's own pipes.

Such a ``Popen`` is nobody's but ``run``'s, so nothing has to be between its pipes and the child: what is read
for it here is noted as it is read, and that is all there is. :mod:`.short` asks, and looks before it does.
See ``docs/decisions/0026``.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import FrameType
from typing import Any

from ..child import TABLE, Ear, Ends, RecordingChild, Started, Wiring
from ..genuine import select
from ..owned import Owned
from ..tape import STDERR, STDIN, STDOUT, Spawn
from .asking import Form, Request, announce, decoded
from .bare import End, Pipes, blank_popen, error_to_raise, executables
from .handlers import Hearer
from .spawning import ForkExec, environment_list, is_regular_input, launch, watch
from .timing import communicating, ns_of, remaining

LONGEST_INPUT = 4096
"""Bytes that any pipe takes at once, be there a reader or not: pipe(7)."""
_LOOK_MS = 250
"""Who ends a child for a limit has it cut off, and that wakes nobody who waits for its words."""
_NOBODY = (None, None, None)
"""Group, groups and user: those of the parent."""

_REAL_COMMUNICATE: Callable[..., Any] = subprocess.Popen.communicate


def said(
    request: Request,
    args: Any,
    sent: bytes | None,
    timeout: float | None,
    options: Mapping[str, Any],
    handler: Hearer,
    caller: FrameType,
) -> tuple[int, Any, Any] | None:
    """Exit code and outputs of a child that ``handler`` records; ``None`` for one that goes the general road.

    Args:
        request: what is asked for.
        args: the command as it was given.
        sent: all that the child is to be sent; ``None`` where its stdin is the parent's own.
        timeout: how long the parent waits, seconds; ``None`` for as long as it takes.
        options: of the call.
        handler: the session of this thread.
        caller: the frame that asks.

    Raises:
        OSError: the child could not be started.
        ProctapeError: it must not be started, or a limit has ended it.
        subprocess.TimeoutExpired: it took too long.
    """
    __tracebackhide__ = True
    sent = sent if request.form.streams.private else None
    if len(sent or b"") > LONGEST_INPUT:
        return None
    popen = blank_popen(args)
    child = _start(popen, request, sent, options, handler, caller)
    with popen:
        try:
            outputs = _communicate(popen, child, sent, timeout, request.form)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()
            raise
        except BaseException:
            # Who leaves the block waits for it.
            popen.kill()
            raise
    return popen.returncode, *outputs


def _start(
    popen: Any,
    request: Request,
    sent: bytes | None,
    options: Mapping[str, Any],
    handler: Hearer,
    caller: FrameType,
) -> object:
    """Do what ``Popen.__init__`` does; what the process table has of the child."""
    __tracebackhide__ = True
    spawn, streams, cwd = request.spawn, request.form.streams, options.get("cwd")
    pipes, started = Pipes(), None
    try:
        pipes.open(streams, has_stdin=request.form.has_stdin)
        ends = pipes.ends
        announce(request, popen.args, cwd, options.get("env"), opened=True)
        argv = [*request.argv]
        env = environment_list(spawn.env)
        found = executables(argv[0], spawn.env)
        call = ForkExec(
            argv, found, True, (), cwd, env, *pipes.handles, -1, -1, True, False, -1, *_NOBODY, -1, None
        )
        started = _answered(call, ends, spawn, sent, handler, caller)
        if started.error is not None:
            popen.pid, popen._child_created = started.pid, True
            # Where SIGCHLD is ignored nobody knows its end, and `Popen.__del__` warns of that.
            with contextlib.suppress(ChildProcessError):
                popen.returncode = os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1])
            raise error_to_raise(started.error, argv[0], cwd)
        popen.pid = started.pid
        popen._child_created = True
        child = TABLE.get(started.pid) or TABLE.held(started.pid)
        _attach(popen, child, ends)
        pipes.close_childs()
        return child
    except BaseException:
        # Ctrl-C, perhaps, when it had been started already: then nobody may listen to a closed descriptor.
        heard = None if started is None else TABLE.get(started.pid)
        for ear in heard.ears.values() if isinstance(heard, RecordingChild) else ():
            ear.close()
        pipes.close()
        raise


def _answered(
    call: ForkExec,
    ends: dict[int, End],
    spawn: Spawn,
    sent: bytes | None,
    handler: Hearer,
    caller: FrameType,
) -> Started:
    """What the session makes of the call."""
    outputs = {fd: end for fd, end in ends.items() if fd != STDIN}
    heard = Ends(outputs, call.errwrite == call.c2pwrite, sent)
    if call.c2pwrite == -1 or call.errwrite == -1 or (call.p2cread == -1 and is_regular_input()):
        # Somebody else has to do with these.
        return handler.record(spawn, call.wiring().but(ends=heard), partial(launch, call))
    inputs = {} if call.p2cread == -1 else {STDIN: call.p2cread}
    private = frozenset() if sent is None else frozenset(inputs.values())
    wiring = Wiring(inputs, {STDOUT: call.c2pwrite, STDERR: call.errwrite}, private, heard)
    return handler.hear(spawn, wiring, partial(_launch, call), caller)


def _launch(call: ForkExec, _: Wiring) -> Started:
    """The real call, for a child that gets the caller's own descriptors as they are."""
    fds = Owned()
    reader, writer = fds.pair(os.pipe)
    if writer <= STDERR or reader <= STDERR:
        reader, writer = fds.moved(reader), fds.moved(writer)
    # `_replace` goes by names, and takes ten times as long.
    parts: list[Any] = [*call]
    parts[3], parts[12], parts[13] = (writer,), reader, writer
    return watch(ForkExec(*parts), reader, fds)


def _attach(popen: Any, child: object, ends: dict[int, End]) -> None:
    """Give ``popen`` its streams, as far as :func:`_communicate` and ``run`` need them."""
    popen.stdin = ends.get(STDIN)
    if isinstance(child, RecordingChild):
        # They know when they are closed.
        popen.stdout, popen.stderr = child.ears.get(STDOUT), child.ears.get(STDERR)
    else:
        # Somebody else has answered, or has reaped it.
        popen.stdin, popen.stdout, popen.stderr = (
            ends[fd].opened(mode) if fd in ends else None for fd, mode in enumerate(("wb", "rb", "rb"))
        )


def _communicate(
    popen: Any, child: object, sent: bytes | None, timeout: float | None, form: Form
) -> tuple[bytes | None, bytes | None]:
    """What ``Popen.communicate`` gives."""
    if not isinstance(child, RecordingChild):
        stdout, stderr = _REAL_COMMUNICATE(popen, sent or None, timeout)
        return stdout, stderr
    # Then it asks the method below, whatever streams there are, and looks after a Ctrl-C.
    popen._communication_started = True
    popen._communicate = partial(_exchange, popen, child, sent, form)
    try:
        stdout, stderr = _REAL_COMMUNICATE(popen, None, timeout)
    finally:
        del popen._communicate
    return stdout, stderr


def _exchange(
    popen: Any,
    child: RecordingChild,
    sent: bytes | None,
    form: Form,
    _: None,
    end_s: float | None,
    timeout: float | None,
) -> tuple[bytes | None, bytes | None]:
    """Stands in for ``Popen._communicate``: send, hear all there is, and wait for the end."""
    is_alone = [popen.stdin, popen.stdout, popen.stderr].count(None) == 2
    if popen.stdin is not None:
        with child.lock:
            if sent:
                os.write(popen.stdin.fileno(), sent)
            popen.stdin.close()
            child.has_sent(sent or b"")
    _hear(popen, child, end_s, timeout)
    outputs = _said(popen.stdout), _said(popen.stderr)
    if timeout is None:
        if is_alone:
            # A single pipe is read as text: what that fails at is told before the wait, and ends the child.
            _decode(outputs, form)
        popen.wait()
    else:
        with communicating(child, timeout):
            popen.wait(timeout=remaining(popen, end_s))
    return outputs


def _decode(outputs: Iterable[bytes | None], form: Form) -> None:
    """Raise what decoding them raises."""
    encoding = form.encoding_now()
    if encoding is not None:
        for data in outputs:
            if data is not None:
                decoded(data, encoding, form.errors)


def _hear(popen: Any, child: RecordingChild, end_s: float | None, timeout: float | None) -> None:
    """Read until all outputs have ended.

    Raises:
        subprocess.TimeoutExpired: it takes too long.
    """
    poll = select.poll()
    listening: dict[int, Ear] = {}
    for ear in (popen.stdout, popen.stderr):
        if ear is not None and not ear.ended:
            fd = ear.fileno()
            listening[fd] = ear
            poll.register(fd, select.POLLIN)
    while listening:
        left_s = remaining(popen, end_s)
        if left_s is not None and left_s < 0:
            with child.lock:
                # What is said in this moment is either on the tape before it, and told, or neither.
                child.wait_expired(ns_of(timeout or 0.0))
                raise subprocess.TimeoutExpired(
                    popen.args, timeout or 0.0, _said(popen.stdout) or None, _said(popen.stderr) or None
                )
        poll.poll(_LOOK_MS if left_s is None else min(_LOOK_MS, math.ceil(left_s * 1000)))
        child.step()
        for fd, ear in [*listening.items()]:
            if ear.ended:
                del listening[fd]
                poll.unregister(fd)


def _said(ear: Ear | None) -> bytes | None:
    if ear is None:
        return None
    return ear.parts[0] if len(ear.parts) == 1 else b"".join(ear.parts)
