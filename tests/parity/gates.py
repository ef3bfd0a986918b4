"""Children that go on when the test says so: what comes first is not left to how fast the machine is.

They are told by a file. No tape knows of it, so on replay the child comes to its end by the time alone; on
an event loop, where that is partly real, what comes behind the gate should take a while.
"""

from __future__ import annotations

import shlex
from pathlib import Path


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
