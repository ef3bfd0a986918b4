"""What a body saw, as plain data that can be held against what another run of it saw."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_proctape import ProctapeError

_LONG = 2048
"""Longer texts are compared by length, hash and both ends: a diff of a megabyte takes minutes."""

_ERROR_FIELDS = (
    "errno",
    "strerror",
    "filename",
    "filename2",
    "returncode",
    "cmd",
    "output",
    "stderr",
    "timeout",
    "partial",
    "expected",
    "object",
    "start",
    "end",
    "reason",
    "__notes__",
)


def python(code: str, *args: str) -> list[str]:
    """The command that runs ``code`` in an interpreter that starts as fast as it can."""
    return [sys.executable, "-I", "-S", "-c", code, *args]


AWAITS_SIGNALS = """
import os, signal
heard, told = os.pipe()
os.set_blocking(told, False)
signal.set_wakeup_fd(told)
while True: os.read(heard, 1)
"""
"""The end of a program that waits for signals which it handles.

One that comes between the last look of the interpreter and ``signal.pause()`` interrupts nothing: the handler
is not called, and the program waits for the next.
"""


_NEVER = threading.Event()


def until(seen: Callable[[], object]) -> None:
    """Wait for what a handler of signals sees, in vain after 20 s.

    Which thread of a process gets a signal is up to the kernel. Where it is not the main one, that one calls
    the handler a moment later.
    """
    for _ in range(20_000):
        if seen():
            return
        # Not by `time.sleep`, which a replay that is to wait for nothing is watched for.
        _NEVER.wait(0.001)


class Order(asyncio.SubprocessProtocol):
    """Notes what it is told, in order."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.seen.append(("made", type(transport).__name__))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.seen.append((fd, data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.seen.append((fd, exc))

    def process_exited(self) -> None:
        self.seen.append("exited")

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append(("lost", exc))
        self.done.set_result(None)


def outcome(call: Callable[..., Any], /, *args: object, **kwargs: object) -> Any:
    """What ``call`` returned, or what it raised. An error of the package is no outcome: it is raised.

    Untyped, since wrong calls are tested too.
    """
    try:
        return call(*args, **kwargs)
    except ProctapeError:
        raise
    except Exception as error:
        return error


def plain(value: object) -> object:
    """``value`` in terms that compare by what is in them.

    Raises:
        TypeError: it is of a kind that says nothing in another process (an object, a pid's owner).
    """
    match value:
        case None | bool() | int() | float():
            return value
        case str() | bytes():
            return _text(value)
        case type():
            return f"{value.__module__}.{value.__qualname__}"
        case bytearray() | memoryview():
            return plain(bytes(value))
        case Path():
            return str(value)
        case subprocess.CompletedProcess():
            return {"CompletedProcess": plain(vars(value))}
        case BaseException():
            return _error(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted(map(repr, value))
    raise TypeError(f"a body can't be compared by {value!r}")


def _text(value: str | bytes) -> object:
    if len(value) <= _LONG:
        return value
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return (type(value).__name__, len(value), hashlib.sha256(data).hexdigest(), value[:40], value[-40:])


def _error(error: BaseException) -> object:
    seen: dict[str, object] = {"raised": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, BaseExceptionGroup):
        seen["exceptions"] = [plain(one) for one in error.exceptions]
    elif isinstance(error, subprocess.TimeoutExpired):
        # Some roads report what was left of the limit when the last step began: a little less than it.
        error = type(error)(error.cmd, round(error.timeout + 0.004, 2), error.output, error.stderr)
    else:
        seen["args"] = plain(error.args)
    for name in _ERROR_FIELDS:
        if hasattr(error, name) and not (name == "object" and isinstance(error, asyncio.CancelledError)):
            seen[name] = plain(getattr(error, name))
    return seen
