"""Children of uvloop's loops, which it starts in C, where no stand-in is.

While a tape is active, the ``subprocess_exec`` and ``subprocess_shell`` of such a loop do what asyncio's own
do: a transport over a ``Popen``, whose pipes the loop itself connects. :mod:`.latecomers` tells of that
where somebody has imported uvloop; nobody does it for our sake. Who has no tape, or one
that leaves the command alone, gets uvloop's own way. See ``docs/decisions/0035``.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
from collections.abc import Callable, Mapping
from signal import SIGKILL, SIGTERM
from subprocess import PIPE, STDOUT
from typing import Any

from ..child import KIN, TABLE, VirtualChild
from ..clock import CLOCK
from ..errors import ProctapeError, UnsupportedSpawn
from ..genuine import threading
from . import door, loops
from .clocked import notice

_REFUSED: Mapping[str, tuple[object, str]] = {
    "universal_newlines": (False, "universal_newlines must be False"),
    "bufsize": (0, "bufsize must be 0"),
    "startupinfo": (None, "startupinfo is not supported"),
    "creationflags": (0, "creationflags is not supported"),
}
"""What uvloop takes for nothing but this, and what it says of anything else."""
_KNOWN = ("preexec_fn", "cwd", "env", "restore_signals", "start_new_session", "pass_fds")
_STREAMS = ("stdin", "stdout", "stderr")

_TRANSPORT: Any = getattr(asyncio.unix_events, "_UnixSubprocessTransport", object)


class _Transport(_TRANSPORT):  # type: ignore[misc]
    """asyncio's own, where that differs from uvloop's brought in line with it."""

    _closed: bool
    _exit_waiters: Any
    _pid: int
    _pipes: dict[int, Any]
    _proc: Any
    _returncode: int | None

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - its place is asyncio's
        """See :class:`asyncio.BaseTransport`: uvloop's knows nothing."""
        return default

    def close(self) -> None:
        """End the child and close its pipes; asyncio's own may reap it, too, and then the loop can't."""
        if self._closed:
            return
        self._closed = True
        if self._proc is not None and self._returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, SIGKILL)
        for protocol in self._pipes.values():
            if protocol is not None:
                protocol.pipe.close()

    def send_signal(self, signal: int) -> None:
        """See :class:`asyncio.SubprocessTransport`.

        Raises:
            ProcessLookupError: the child has ended, and the loop knows it.
        """
        if self._returncode is not None:
            raise ProcessLookupError
        os.kill(self._pid, signal)

    def terminate(self) -> None:
        """See :meth:`send_signal`."""
        self.send_signal(SIGTERM)

    def kill(self) -> None:
        """See :meth:`send_signal`."""
        self.send_signal(SIGKILL)

    def has_ended(self, code: int) -> None:
        """The loop knows it now. Who waits is told at once, though somebody else may have the pipes open."""
        waiters, self._exit_waiters = self._exit_waiters, type(self._exit_waiters)()
        self._process_exited(code)
        for waiter in waiters:
            if not waiter.cancelled():
                waiter.set_result(code)


def _is_taped(command: list[Any]) -> bool:
    handler = door.current()
    return handler is not None and getattr(handler, "mode", "") != "live" and not door.is_live(command)


def _of_exec(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    async def subprocess_exec(
        self: Any, protocol_factory: Callable[[], Any], program: Any, *args: Any, **options: Any
    ) -> Any:
        if not _is_taped([program, *args]):
            with KIN.hiding():
                return await real(self, protocol_factory, program, *args, **options)
        if options.pop("shell", False):
            raise ValueError("shell must be False")
        return await _run(self, protocol_factory, [program, *args], options)

    return subprocess_exec


def _of_shell(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    async def subprocess_shell(
        self: Any, protocol_factory: Callable[[], Any], cmd: Any, **options: Any
    ) -> Any:
        command = ["/bin/sh", "-c", cmd]
        if not _is_taped(command):
            with KIN.hiding():
                return await real(self, protocol_factory, cmd, **options)
        if not options.pop("shell", True):
            raise ValueError("shell must be True")
        return await _run(self, protocol_factory, command, options)

    return subprocess_shell


def _refuse_clock() -> None:
    """A clock that stands still would be moved by nobody while the loop waits in C.

    Raises:
        UnsupportedSpawn: there is one.
    """
    notice()
    if not CLOCK.on:
        return
    error = UnsupportedSpawn(
        "uvloop",
        "its loop waits by the real clock, and does not move the one of this test; leave the clock away, or"
        " run the test on asyncio's own loop",
    )
    handler: Any = door.current()
    handler.refused(error)
    raise error


async def _run(
    loop: Any, protocol_factory: Callable[[], Any], args: list[Any], options: dict[str, Any]
) -> Any:
    """What both end in. ``Loop.__subprocess_run`` in uvloop's ``loop.pyx``.

    Raises:
        ValueError: an option that uvloop does not take.
        OSError: the child could not be started.
        UnsupportedSpawn: a mock clock stands.
    """
    _refuse_clock()
    for name, (only, told) in _REFUSED.items():
        if options.pop(name, only) != only:
            raise ValueError(told)
    executable = options.pop("executable", None)
    if executable is not None:
        args[0] = executable
    # It looks at it as little as this.
    options.pop("close_fds", None)
    streams = [options.pop(name, PIPE) for name in _STREAMS]
    kept = {name: options.pop(name) for name in _KNOWN if name in options}
    if options:
        raise ValueError(f"unexpected kwargs: {', '.join(options)}")
    if STDOUT in streams[:2]:
        raise ValueError("subprocess.STDOUT is supported only by stderr parameter")
    # What is inheritable is inherited: C does not close it.
    kept["close_fds"] = bool(kept.get("pass_fds"))
    protocol, waiter = protocol_factory(), loop.create_future()
    try:
        transport = _Transport(loop, protocol, args, False, *streams, 0, waiter=waiter, **kept)
    except OSError as error:
        # It tells neither the program nor the directory.
        raise OSError(error.errno, os.strerror(error.errno or 0)) from None
    _watch(loop, transport)
    try:
        await waiter
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        transport.close()
        raise
    return transport, protocol


def _watch(loop: Any, transport: _Transport) -> None:
    """Have the loop told of the child's end: by a descriptor of it, or a thread where there are none."""
    pid: int = transport.get_pid()
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):
        threading.Thread(
            target=_await_end, args=(loop, pid, transport), name=f"waitpid-{pid}", daemon=True
        ).start()
        return

    def ended() -> None:
        loop.remove_reader(fd)
        os.close(fd)
        transport.has_ended(_code_of(pid))

    loop.add_reader(fd, ended)


def _await_end(loop: Any, pid: int, transport: _Transport) -> None:
    code = _code_of(pid)
    # The loop may have been closed meanwhile.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(transport.has_ended, code)


def _code_of(pid: int) -> int:
    """The exit code of a child that has ended, or ends some time; 255 where somebody else has reaped it."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return 255
    except ProctapeError:
        # The child has ended of it, and the session knows; here nobody is to be told but the loop, which a
        # child that seems to go on would keep for ever.
        child = TABLE.get(pid)
        if not isinstance(child, VirtualChild) or child.status is None:
            return 255
        TABLE.reap(child)
        return os.waitstatus_to_exitcode(child.status)


def replacements() -> list[tuple[Any, str, Any]]:
    """What is to stand in for what, as far as uvloop is there: ``(where, name, what)``."""
    loop = getattr(sys.modules.get(loops.UVLOOP), "Loop", None)
    if not isinstance(loop, type) or _TRANSPORT is object:
        return []
    pairs = (("subprocess_exec", _of_exec), ("subprocess_shell", _of_shell))
    return [(loop, name, make(getattr(loop, name))) for name, make in pairs if hasattr(loop, name)]
