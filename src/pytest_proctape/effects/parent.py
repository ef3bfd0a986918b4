"""What the test itself does to files while a command runs: that is no effect of the command.

CPython raises an audit event for each: https://docs.python.org/3/library/audit_events.html. A hook can't be
taken back, so there is one for the whole process, and it does nothing while no watched command runs. What
code in C does past CPython is not seen.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_EVENTS: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.utime": ((0, 3),),
    "os.truncate": ((0, -1),),
    "os.link": ((1, 3),),
    "os.rename": ((0, 2), (1, 3)),
    "sqlite3.connect": ((0, -1),),
    "socket.bind": ((1, -1),),
}
"""By event, where in its arguments the paths are, and the directories that they are relative to."""


@dataclass(slots=True, eq=False)
class OwnDoings:
    """Paths that the test itself has written to since it began to be watched.

    Attributes:
        paths: those that were made, written to or removed.
        trees: those that came or went with all that is below them.
    """

    paths: set[str] = field(default_factory=set)
    trees: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Note from now on, and forget what was before."""
        self.clear()
        _install()
        if self not in _noting:
            _noting.append(self)

    def end(self) -> None:
        """Note no more."""
        if self in _noting:
            _noting.remove(self)

    def clear(self) -> None:
        """Forget everything."""
        self.paths.clear()
        self.trees.clear()

    @contextlib.contextmanager
    def unnoted(self, path: str) -> Iterator[None]:
        """While we do something to ``path`` ourselves."""
        was_noted = path in self.paths
        yield
        if not was_noted:
            self.paths.discard(path)

    def hold(self, path: str) -> bool:
        """Whether it was the test that did something to ``path``."""
        if path in self.paths:
            return True
        return any(path == one or path.startswith(one + "/") for one in self.trees)


_noting: list[OwnDoings] = []
_installed = False


def _install() -> None:
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _noting:
        return
    # What goes wrong in here would go wrong in the test.
    with contextlib.suppress(Exception):
        if event == "open":
            if arguments[2] & _WRITING:
                _note(arguments[0], -1, tree=False)
        elif event in _EVENTS:
            for at, folder in _EVENTS[event]:
                _note(arguments[at], -1 if folder == -1 else arguments[folder], tree=event == "os.rename")


def _note(path: Any, folder: int, *, tree: bool) -> None:  # noqa: ANN401 - an event's arguments are untyped
    if not isinstance(path, str | bytes | os.PathLike):
        return
    name = os.fsdecode(path)
    if folder >= 0 and not os.path.isabs(name):
        name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
    name = os.path.abspath(name)
    for doings in _noting:
        (doings.trees if tree else doings.paths).add(name)
