"""The program of the process beside a recording: it ends the recorded children once that is killed.

:mod:`.guardian` runs it as a script, with ``-I -S``, so it imports the package only when there is somebody
to end. It needs ``/proc``. Arguments: the process that records, and its ``sys.path`` as JSON. Standard
input: a pipe that the process that records holds the other end of. Descriptor 3: a file with a line for each
thing that happens, ``+key inodes``, ``=key pid began`` or ``-key``.

A shell has started it, and has it ignore a Ctrl-C or a hang-up from the beginning.
"""

from __future__ import annotations

import os
import sys

_GRACE_S = 1.0
_CHUNK = 1 << 16
_BOOK = 3

Child = tuple[tuple[int, ...], int, int]
"""The inodes of its pipes, its pid, and by when it had begun; the latter two 0 while they are not known."""


def parse(lines: list[bytes]) -> dict[bytes, Child]:
    """Who is there, after all these lines."""
    children: dict[bytes, Child] = {}
    for line in lines:
        key, _, rest = line[1:].partition(b" ")
        if line[:1] == b"+":
            children[key] = (tuple(int(one) for one in rest.split(b",") if one), 0, 0)
        elif line[:1] == b"=" and key in children:
            pid, began = map(int, rest.split())
            children[key] = (children[key][0], pid, began)
        elif line[:1] == b"-":
            children.pop(key, None)
    return children


def _wait_for_end(recorder: int) -> None:
    """Sleep until the process that records has gone; nothing that it writes down wakes us."""
    import contextlib
    import select

    poll = select.poll()
    poll.register(0, 0)
    with contextlib.suppress(OSError):
        # Whoever it has forked may hold the pipe open.
        poll.register(os.pidfd_open(recorder), select.POLLIN)
    poll.poll()


def _written(fd: int) -> list[bytes]:
    """All that was written down."""
    told = b""
    while data := os.pread(fd, _CHUNK, len(told)):
        told += data
    # What is cut off in the middle of a line was never said: a line is written at once.
    return told.rpartition(b"\n")[0].splitlines()


def _end(children: dict[bytes, Child], path: list[str]) -> None:
    """End them with all that they have started: asked first, then killed."""
    import signal
    import time

    sys.path[:] = path
    from pytest_proctape.child.family import Family, began_at

    families = [
        Family(pid if pid and 0 < began_at(pid) <= began else 0, pipes)
        for pipes, pid, began in children.values()
    ]
    for family in families:
        family.signal(signal.SIGTERM)
        family.signal(signal.SIGCONT)
    until = time.monotonic() + _GRACE_S
    while any(family.living() for family in families) and time.monotonic() < until:
        time.sleep(0.02)
    for family in families:
        family.end()


def main() -> None:
    """Leave the process group, wait, and do what is to be done."""
    os.setsid()
    os.chdir("/")
    os.closerange(_BOOK + 1, os.sysconf("SC_OPEN_MAX"))
    _wait_for_end(int(sys.argv[1]))
    children = parse(_written(_BOOK))
    if children:
        import json

        _end(children, json.loads(sys.argv[2]))


if __name__ == "__main__":
    main()
