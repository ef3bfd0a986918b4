"""Another interpreter starts no process on replay either: a worker of :mod:`multiprocessing`, or one in ours.

A forked worker is a copy of the test's process, stand-ins and all. One that the methods ``spawn`` and
``forkserver`` start knows of no tape. So it is handed an :class:`Order` with its work, which is obeyed as it
arrives. An interpreter within the test's process is told by :func:`heed` before it is given work. Both import
this file and no room.
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
INTERPRETER: Final = "in another interpreter of the test's process"
"""Where something is refused that is not the test's own process."""

SAID_BY_WORKER: Final = "worker"
SAID_BY_INTERPRETER: Final = "interpreter"
"""Begins the line that one writes of a refusal."""
STARTED: Final = "started"
"""Begins the line that one writes, or a forked process, when it has started something for real."""
_SAID_OF: Final = {WORKER: SAID_BY_WORKER, INTERPRETER: SAID_BY_INTERPRETER}

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
    if circumstance in {FORKED, WORKER, INTERPRETER}:
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

    def __init__(self, live: Patterns | None, pipes: Callable[[], tuple[Any, Any]], *, refuses: bool) -> None:
        """Note it.

        Args:
            live: commands that are never taped, if there are any.
            pipes: gives, while the worker is being started, what are ends of pipes there: one to write
                to, and one that is read from as long as the order holds.
            refuses: others are refused; else they are told of only.
        """
        self._live = live
        self._pipes = pipes
        self._refuses = refuses

    def __reduce__(self) -> tuple[Any, ...]:
        return _obey, (self._live, self._refuses, *self._pipes())


class _Pipe:
    """The end of one from the test's process, unless the worker has closed all that it was given."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._status = os.fstat(fd)

    def is_here(self) -> bool:
        """Whether it is still open."""
        try:
            return os.path.samestat(os.fstat(self._fd), self._status)
        except OSError:
            return False

    def is_over(self) -> bool:
        """Nobody is going to read from it any more."""
        poll = select.poll()
        poll.register(self._fd, 0)
        return self.is_here() and bool(poll.poll(0))

    def write(self, line: str) -> None:
        """Write a line, should anybody be there to read it."""
        if self.is_here():
            with contextlib.suppress(OSError):
                os.write(self._fd, f"{line}\n".encode())


class _Holding:
    """An order, as it is obeyed."""

    def __init__(
        self, live: Patterns | None, word: _Pipe, is_over: Callable[[], bool], where: str, *, refuses: bool
    ) -> None:
        self._live = live
        self._word = word
        self._is_over = is_over
        self._where = where
        self._refuses = refuses

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse what starts a process if that is asked for, and tell the test's process of it."""
        if self._is_over() or (self._live is not None and self._live.match(argv_of(event, arguments))):
            return
        road = event.partition(".")[0] if event == _POPEN else event
        if not self._refuses:
            self._word.write(f"{STARTED} {road}")
            return
        self._word.write(f"{_SAID_OF[self._where]} {road}")
        raise refusal(road, self._where)


_holding: _Holding | None = None
"""What holds in this interpreter."""
_is_heard = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _holding is not None and (event == _POPEN or event in ROADS):
        _holding.hear(event, arguments)


def _hold(order: _Holding) -> None:
    global _holding, _is_heard
    _holding = order
    if not _is_heard:
        _is_heard = True
        sys.addaudithook(_hear)


def _obey(live: Patterns | None, refuses: bool, report: Any, life: Any) -> None:  # noqa: ANN401 - multiprocessing's own
    """In the worker."""
    word, held = _Pipe(report.detach()), _Pipe(life.detach())
    _hold(_Holding(live, word, held.is_over, WORKER, refuses=refuses))


def heed(live: Patterns | None, report: int, life: int) -> None:
    """In another interpreter of the test's process: the same, with the descriptors of that process.

    It holds until ``life`` is closed, or :func:`let_go` is called.
    """
    word, held = _Pipe(report), _Pipe(life)
    _hold(_Holding(live, word, lambda: not held.is_here(), INTERPRETER, refuses=True))


def let_go() -> None:
    """The test that comes is not replayed."""
    global _holding
    _holding = None
