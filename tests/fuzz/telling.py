"""What a random program sees, in terms that compare by what is in them. :mod:`.playing` tells."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
from typing import Any

from tests.parity.observe import plain

DIGITS = re.compile(r"0x[0-9a-f]+|\b\d{3,}\b")
"""Addresses and pids."""


def told(value: Any) -> object:
    """A value in terms that compare by what is in them, and by their types."""
    if isinstance(value, BaseException):
        return _error(value)
    if isinstance(value, subprocess.Popen):
        return _popen(value)
    if isinstance(value, io.IOBase):
        return _stream(value)
    if isinstance(value, tuple | list):
        return [type(value).__name__, *map(told, value)]
    try:
        return [type(value).__name__, plain(value)]
    except TypeError:
        return [type(value).__name__, DIGITS.sub("#", repr(value))]


def _error(error: BaseException | None, depth: int = 4) -> object:
    if error is None or depth == 0:
        return None
    seen: Any = plain_error(error)
    seen["text"] = DIGITS.sub("#", str(error)) if not hasattr(error, "timeout") else ""
    seen["suppressed"] = error.__suppress_context__
    seen["cause"] = _error(error.__cause__, depth - 1)
    seen["context"] = _error(error.__context__, depth - 1)
    return seen


def plain_error(error: BaseException) -> object:
    """As :func:`plain`, for errors that carry what has no plain form."""
    if isinstance(error, subprocess.TimeoutExpired) and type(error.timeout) is float and error.timeout > 0:
        # Some roads tell what was left of it.
        error = type(error)(error.cmd, 0.0, error.output, error.stderr)
    try:
        return plain(error)
    except TypeError:
        return {"raised": type(error).__name__, "args": DIGITS.sub("#", repr(error.args))}


def _popen(popen: subprocess.Popen[Any]) -> object:
    found = vars(popen)
    names = ("args", "returncode", "encoding", "errors", "text_mode", "pipesize", "universal_newlines")
    return {
        **{name: told(getattr(popen, name, "none")) for name in names},
        "repr": DIGITS.sub("#", repr(popen)),
        "names": sorted(found),
        "pid": (type(popen.pid).__name__, (popen.pid or 2) > 1),
        **{name: told(getattr(popen, name, "none")) for name in ("stdin", "stdout", "stderr")},
    }


def _stream(stream: Any) -> object:
    seen: dict[str, object] = {"type": type(stream).__name__, "closed": stream.closed}
    for name in ("mode", "encoding", "errors", "newlines", "line_buffering", "write_through", "name"):
        try:
            seen[name] = plain(getattr(stream, name))
        except (AttributeError, TypeError):
            seen[name] = None
    if not stream.closed:
        fd = stream.fileno()
        kind = os.fstat(fd).st_mode
        seen["fd"] = [fd, stat.S_IFMT(kind), os.get_inheritable(fd), os.get_blocking(fd), stream.isatty()]
        seen["can"] = [stream.readable(), stream.writable(), stream.seekable()]
    return seen
