"""The program of the process beside a recording: it ends the recorded children once that is killed.

:mod:`.guardian` runs it as a script, with ``-I -S``, so it imports the package only when there is somebody
to end. It needs ``/proc``. Arguments: the process that records, and its ``sys.path`` as JSON. Standard
input: a line for each thing that happens, ``+key inodes``, ``=key pid began`` or ``-key``.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time

_GRACE_S = 1.0
_CHUNK = 1 << 16

Child = tuple[tuple[int, ...], int, int]
"""The inodes of its pipes, its pid, and when it began; the latter two 0 while they are not known."""


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


def _listen(recorder: int) -> list[bytes]:
    """All that is told until the process that records has gone."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    with contextlib.suppress(OSError):
        # Whoever it has forked holds the pipe open.
        poll.register(os.pidfd_open(recorder), select.POLLIN)
    os.set_blocking(0, False)
    told = b""
    kept: dict[bytes, Child] = {}
    while True:
        ready = {fd for fd, _ in poll.poll()}
        data = None
        with contextlib.suppress(BlockingIOError):
            data = os.read(0, _CHUNK)
        if data:
            told += data
            if len(told) > _CHUNK:
                # A long recording must not be remembered from its beginning.
                whole, _, told = told.rpartition(b"\n")
                kept = parse([*_lines(kept), *whole.splitlines()])
        elif data == b"" or ready - {0}:
            # What is cut off in the middle of a line was never sent: a line is written at once.
            return [*_lines(kept), *told.splitlines()]


def _lines(children: dict[bytes, Child]) -> list[bytes]:
    lines = []
    for key, (pipes, pid, began) in children.items():
        lines.append(b"+%s %s" % (key, b",".join(b"%d" % one for one in pipes)))
        lines.append(b"=%s %d %d" % (key, pid, began))
    return lines


def _end(children: dict[bytes, Child], path: list[str]) -> None:
    """End them with all that they have started: asked first, then killed."""
    sys.path[:] = path
    from pytest_proctape.child.family import Family, began_at

    families = [
        Family(pid if pid and began_at(pid) == began else 0, pipes) for pipes, pid, began in children.values()
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
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children = parse(_listen(int(sys.argv[1])))
    if children:
        _end(children, json.loads(sys.argv[2]))


if __name__ == "__main__":
    main()
