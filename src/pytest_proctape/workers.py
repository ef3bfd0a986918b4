"""A worker of :mod:`multiprocessing` that is an interpreter of its own starts no process on replay either.

A forked worker is a copy of the test's process, stand-ins and all. One that the methods ``spawn`` and
``forkserver`` start knows of no tape. So it is handed an :class:`Order` with its work, which is obeyed as it
arrives. The worker imports this file and no room.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from .errors import UnsupportedSpawn

FORKED: Final = "in a forked process"
WORKER: Final = "in a worker of multiprocessing"
"""Where something is refused that is not the test's own process."""

SAID_BY_WORKER: Final = "worker"
"""Begins the line that one writes of a refusal."""

_POPEN = "subprocess.Popen"
ROADS: Final = frozenset({"os.exec", "os.forkpty", "os.posix_spawn", "os.system"})
"""Audit events of calls that start a program, but for those of :mod:`subprocess`."""


class Patterns(Protocol):
    """Commands that are never taped, as a worker can be handed them: :class:`.match.LivePatterns`."""

    def match(self, argv: Sequence[str], /) -> bool:
        """Whether the command line is one of them."""

    def __bool__(self) -> bool:
        """Whether there are any."""


def refusal(road: str, circumstance: str = "") -> UnsupportedSpawn:
    """The error for a road that is closed on replay.

    Args:
        road: the call that was made.
        circumstance: where or when, if that is why.
    """
    reason = "can't be replayed, and a replay starts no real process"
    if circumstance:
        reason = f"made {circumstance}; that {reason}"
    if circumstance in {FORKED, WORKER}:
        reason += '. A test whose workers start commands runs for real with @pytest.mark.tape(mode="live")'
    return UnsupportedSpawn(road, reason)


def argv_of(event: str, arguments: Sequence[Any]) -> list[str]:
    """The command line that an event tells; see "Audit events table" in CPython's documentation."""
    if event == "os.system":
        argv = ["sh", "-c", arguments[0]]
    elif event == _POPEN:
        argv = list(arguments[1])
    elif event in {"os.exec", "os.posix_spawn"}:
        argv = [arguments[0], *arguments[1][1:]]
    else:
        argv = [""]
    return [os.fsdecode(one) for one in argv]


class Order:
    """What a worker is told; it is obeyed by being unpickled."""

    def __init__(self, live: Patterns | None, pipes: Callable[[], tuple[Any, Any]]) -> None:
        """Note it.

        Args:
            live: commands that are never taped, if there are any.
            pipes: gives, while the worker is being started, what are ends of pipes there: one to write
                refusals to, and one that is read from as long as the order holds.
        """
        self._live = live
        self._pipes = pipes

    def __reduce__(self) -> tuple[Any, ...]:
        return _obey, (self._live, *self._pipes())


class _Pipe:
    """The end of one from the test's process, unless the worker has closed all that it was given."""

    def __init__(self, sent: Any) -> None:  # noqa: ANN401 - multiprocessing's own type
        self._fd: int = sent.detach()
        self._status = os.fstat(self._fd)

    def _is_here(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), self._status)
        except OSError:
            return False

    def is_over(self) -> bool:
        """Nobody is going to read from it any more."""
        poll = select.poll()
        poll.register(self._fd, 0)
        return self._is_here() and bool(poll.poll(0))

    def write(self, line: str) -> None:
        """Write a line, should anybody be there to read it."""
        if self._is_here():
            with contextlib.suppress(OSError):
                os.write(self._fd, f"{line}\n".encode())


def _obey(live: Patterns | None, report: Any, life: Any) -> None:  # noqa: ANN401 - as above
    """In the worker: refuse what starts a process, and tell the test's process of it."""
    word, held = _Pipe(report), _Pipe(life)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if (event != _POPEN and event not in ROADS) or held.is_over():
            return
        if live is not None and live.match(argv_of(event, arguments)):
            return
        road = event.partition(".")[0] if event == _POPEN else event
        word.write(f"{SAID_BY_WORKER} {road}")
        raise refusal(road, WORKER)

    sys.addaudithook(hear)
