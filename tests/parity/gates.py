"""Children that go on when the test says so: what comes first is not left to how fast the machine is.

They are told by a file. No tape knows of it, so on replay the child comes to its end by the time alone; on
an event loop, where that is partly real, what comes behind the gate should take a while.

Where a limit has to pass behind what a child says, :func:`patiently` finds one that is long enough: a machine
may not let a process run for seconds.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def patiently(attempt: Callable[[float], T], enough: Callable[[T], bool], first_s: float = 0.2) -> T:
    """What ``attempt`` gives with a limit that is long enough for this machine, or with the last one.

    Args:
        attempt: is given a limit in seconds, and starts anew; what it gives must not tell the limit.
        enough: whether all that should come before the limit has.
        first_s: the first limit. There are two more, each eight times the one before.
    """
    for limit_s in (first_s, 8 * first_s):
        if enough(given := attempt(limit_s)):
            return given
    return attempt(64 * first_s)


class Gate:
    """Shut when it is made."""

    def __init__(self, folder: Path, name: str = "gate") -> None:
        self._path = folder / name

    def command(self, before: str = ":", then: str = ":") -> list[str]:
        """A child that runs ``before`` in the shell, waits for the gate, and runs ``then``."""
        return ["sh", "-c", f'{before}; until [ -e "$0" ]; do sleep 0.01; done; {then}', str(self._path)]

    @property
    def wait(self) -> str:
        """What waits for it in the shell, where a child has several."""
        return f"until [ -e {shlex.quote(str(self._path))} ]; do sleep 0.01; done"

    def open(self) -> None:
        """Let the child go on."""
        self._path.touch()
