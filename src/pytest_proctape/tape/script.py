"""The steps of one child, in order: what an :class:`~.model.Entry` means when it is played.

The child room knows only these; :mod:`.scripting` makes them of an entry, and an entry of them.
"""

from __future__ import annotations

import errno as errno_module
import os
import signal as signal_module
from typing import Protocol

from ..frozen import Value
from .content import Content
from .effect import FileEffect
from .free_steps import AnyInput, AnyInputEnd, Hang, InputPattern
from .model import SpawnError

STDIN, STDOUT, STDERR = 0, 1, 2

PAUSE_NS = 20_000_000
"""A silence of more than this, in nanoseconds, is kept where timing matters."""


class OpenInput(Protocol):
    """Input with something in it that differs from run to run, or that nobody is to know."""

    def met(self, got: bytes, *, ended: bool) -> int | None:
        """How many bytes of ``got`` are it, once all of it is there.

        Args:
            got: what the parent has sent since the step before.
            ended: it sends no more.

        Raises:
            ValueError: this is something else, whatever follows.
        """


class Input(Value):
    """The parent has to send exactly this before what follows can happen.

    Attributes:
        data: what it sent in the recording.
        open: what it may send, where the tape does not know every byte.
    """

    data: Content
    at_ns: int = 0
    open: OpenInput | None = None


class InputEnd(Value):
    """The parent has to close the child's stdin."""

    at_ns: int = 0


class Output(Value):
    """The child writes to the descriptor that is ``fd`` on its side."""

    fd: int
    data: Content
    at_ns: int = 0


class OutputEnd(Value):
    """The child closes ``fd`` while it runs on."""

    fd: int
    at_ns: int = 0


class Signal(Value):
    """The parent has to send this signal."""

    number: int
    at_ns: int = 0


class Change(Value):
    """The child stops or goes on, and a parent that waits for such things is told.

    Attributes:
        status: as :func:`os.waitpid` gives it.
    """

    status: int
    at_ns: int = 0


class Ended(Value):
    """The child ends, while somebody else still holds its outputs: they end with an :class:`OutputEnd`."""

    at_ns: int = 0


class Timeout(Value):
    """A timed wait of the parent, ``timeout_ns`` long, ends before what follows happens."""

    timeout_ns: int
    at_ns: int = 0


class TerminalSeen(Value):
    """The test saw what the child had made of its terminal.

    Attributes:
        words: what was changed, as :mod:`.tty` says it; ``""`` where the test looked before that.
    """

    words: str
    at_ns: int = 0


class TerminalSet(Value):
    """The parent has to change its terminal so: in words, as above."""

    words: str
    at_ns: int = 0


class Effects(Value):
    """The child has done this to the watched directories by now."""

    files: tuple[FileEffect, ...]
    at_ns: int = 0


Step = (
    Input
    | InputEnd
    | Output
    | OutputEnd
    | Signal
    | Change
    | Ended
    | Timeout
    | TerminalSeen
    | TerminalSet
    | AnyInput
    | AnyInputEnd
    | InputPattern
    | Hang
    | Effects
)
AwaitsInput = Input | InputEnd | AnyInput | AnyInputEnd | InputPattern
"""The steps that something on stdin brings about."""


class End(Value):
    """How a child ended.

    Attributes:
        status: as :func:`os.waitpid` gives it; ``None`` if it was still running or never started.
        error: why it could not be started.
        duration_ns: from its start to its end, nanoseconds.
    """

    status: int | None
    error: SpawnError | None = None
    duration_ns: int = 0

    @property
    def exit_code(self) -> int | None:
        """As ``Popen.returncode``: negative for a signal."""
        return None if self.status is None else os.waitstatus_to_exitcode(self.status)


class Script(Value):
    """All that a child does.

    Attributes:
        captured: descriptors of the child whose output is known, be it empty.
        merged: stderr went where stdout went.
        has_input: stdin is known; where it is not, what the parent sends is not looked at.
        pause_ns: a silence of more than this matters, as the parent waits by the clock; ``None`` where none
            does.
        seen_running: the parent's first poll found the child running.
        began_ns: when it was started, nanoseconds of the epoch by the clock of the files; 0 if unknown.
        terminal: the size of the test's terminal that it had, in words; ``None`` where it had none, or where
            nothing is known of it.
    """

    steps: tuple[Step, ...]
    end: End
    captured: frozenset[int] = frozenset({STDOUT, STDERR})
    merged: bool = False
    has_input: bool = True
    pause_ns: int | None = None
    seen_running: bool = False
    began_ns: int = 0
    terminal: str | None = None

    def stream(self, fd: int) -> bytes | None:
        """All that went through ``fd``; ``None`` where that is not known."""
        if fd == STDIN:
            parts = [step.data.bytes() for step in self.steps if isinstance(step, Input)]
            known = bool(parts) or any(isinstance(step, InputEnd) for step in self.steps)
            return b"".join(parts) if known else None
        if fd not in self.captured or (fd == STDERR and self.merged):
            return None
        return b"".join(
            step.data.bytes() for step in self.steps if isinstance(step, Output) and step.fd == fd
        )


def signal_number(name: str) -> int:
    """``15`` for ``"SIGTERM"``; real-time signals are ``"SIGRTMIN+1"`` or ``"SIG35"``."""
    known = getattr(signal_module, name, None)
    if isinstance(known, signal_module.Signals):
        return int(known)
    if name.startswith("SIGRTMIN+"):
        return int(signal_module.SIGRTMIN) + int(name[9:])
    return int(name[3:])


def signal_name(number: int) -> str:
    """``"SIGTERM"`` for ``15``."""
    try:
        return signal_module.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def errno_name(number: int) -> str:
    """``"ENOENT"`` for ``2``; ``""`` for 0."""
    return errno_module.errorcode.get(number, f"E{number}") if number else ""


def errno_number(name: str) -> int:
    """``2`` for ``"ENOENT"``."""
    if not name:
        return 0
    known = getattr(errno_module, name, None)
    return known if isinstance(known, int) else int(name[1:])
