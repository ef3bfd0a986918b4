"""Whether anybody on this machine listens where a test connects to. The player asks, for a failure's report.

Linux says so in ``/proc/net/tcp`` (proc(5)) without being asked by a connection. Elsewhere it is not known.
"""

from __future__ import annotations

import os

_LISTENS = "0A"
"""``TCP_LISTEN`` of the kernel's ``tcp_states.h``, as the column ``st`` has it."""
_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")
_OPEN, _READ, _CLOSE = os.open, os.read, os.close
"""As they were: the test may have others in their place."""


def refused(address: object) -> str:
    """``address`` in words, where it is on this machine and nobody listens there; else ``""``."""
    match address:
        case (str(host), int(port), *_) if host.startswith(_LOCAL):
            return "" if _is_listened_to(port) is not False else f"{host}:{port}"
        case str(path) if path and not path.startswith("\0"):
            return "" if os.path.exists(path) else path
    return ""


def _is_listened_to(port: int) -> bool | None:
    """``None`` where nobody says."""
    lines = []
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines += _text_of(name).splitlines()[1:]
        except OSError:
            continue
    if not lines:
        return None
    return any(
        fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port
        for fields in map(str.split, lines)
    )


def _text_of(path: str) -> str:
    fd = _OPEN(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := _READ(fd, 1 << 16):
            parts.append(part)
    finally:
        _CLOSE(fd)
    return b"".join(parts).decode()
