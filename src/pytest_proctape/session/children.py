"""The spawns and the children of a test as it can look at them, and those children that outlive it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from ..child import RecordingChild, VirtualChild, end_with_family
from ..frozen import Value
from ..tape import STDERR, STDIN, STDOUT, End, Entry, Script, SpawnError, signal_name
from .report import shorten, visible

Status = Literal["running", "exited", "signalled", "timed out", "output limit", "spawn failed"]

CAP = 1000
"""So many are remembered; of more, those that finished first are forgotten."""


class TapedSpawn(Value):
    """A spawn that the test made, and what came of it.

    Attributes:
        program: as the test named it.
        args: the arguments behind it.
        cwd: where it ran, ``None`` for the test's own working directory.
        env: the environment it was given, ``None`` for the test's own.
        replayed: it came from the tape.
        virtual: a module of the virtual toolchain ran in its place.
    """

    program: str
    args: list[str]
    cwd: str | None
    env: Mapping[str, str] | None
    replayed: bool
    _script: Callable[[], Script]
    _apart = ("_script",)
    virtual: bool = False

    @property
    def argv(self) -> list[str]:
        """Program and arguments."""
        return [self.program, *self.args]

    @property
    def returncode(self) -> int | None:
        """As ``Popen.returncode``: negative for a signal, ``None`` while it runs or if it never did."""
        return self._script().end.exit_code

    @property
    def error(self) -> SpawnError | None:
        """Why it could not be started."""
        return self._script().end.error

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end, as recorded."""
        return self._script().end.duration_ns / 1e9

    @property
    def stdin(self) -> bytes | None:
        """What it was sent; ``None`` where that is not known."""
        return self._script().stream(STDIN)

    @property
    def stdout(self) -> bytes | None:
        """What it wrote; ``None`` where that was discarded."""
        return self._script().stream(STDOUT)

    @property
    def stderr(self) -> bytes | None:
        """What it wrote; ``None`` where that was discarded or sent to stdout."""
        return self._script().stream(STDERR)


class TapedChild:
    """One child of the test.

    Attributes:
        pid: of the process, on replay one that no real process can have; ``None`` where it was not started.
        command: program and arguments.
        place: where in the user's code it was started.
        start_s: seconds from the beginning of the tape to its start.
    """

    def __init__(
        self,
        command: list[str],
        place: str,
        start_ns: int,
        child: RecordingChild | VirtualChild | SpawnError,
        entry: Entry | None = None,
    ) -> None:
        self.command = command
        self.place = place
        self.start_s = start_ns / 1e9
        self.pid = None if isinstance(child, SpawnError) else child.pid
        self._child = child
        self._entry = entry

    @property
    def status(self) -> Status:
        """How it ended, as far as the test knows: one that nobody has waited for is ``"running"``."""
        if isinstance(self._child, SpawnError):
            return "spawn failed"
        script = self._script()
        if script.end.status is None:
            return "running"
        return self._limit() or ("exited" if (script.end.exit_code or 0) >= 0 else "signalled")

    @property
    def returncode(self) -> int | None:
        """As ``Popen.returncode``: negative for a signal, ``None`` while it runs or if it never did."""
        return None if isinstance(self._child, SpawnError) else self._script().end.exit_code

    @property
    def end_s(self) -> float | None:
        """Seconds from the beginning of the tape to its end; ``None`` while it runs."""
        if self.status == "running":
            return None
        return self.start_s + self._script().end.duration_ns / 1e9

    @property
    def stdout(self) -> bytes | None:
        """What it has written so far; ``None`` where that is discarded."""
        return self._script().stream(STDOUT)

    @property
    def stderr(self) -> bytes | None:
        """What it has written so far; ``None`` where that is discarded or sent to stdout."""
        return self._script().stream(STDERR)

    @property
    def ended(self) -> str:
        """How it ended, in words, be it that nobody has waited for it; ``""`` while it runs."""
        child = self._child
        if isinstance(child, SpawnError) or self.is_alive:
            return ""
        status = child.status
        if status is None and isinstance(child, RecordingChild):
            status = child.unreaped_status()
        return "" if status is None else end_words(End(status))

    @property
    def is_alive(self) -> bool:
        """It runs, whatever the test knows of it."""
        child = self._child
        if isinstance(child, RecordingChild):
            return child.status is None and not child.gone()
        return isinstance(child, VirtualChild) and child.status is None

    @property
    def is_held(self) -> bool:
        """It can be talked to when its test is over: it takes input, or, on replay, its output is read."""
        child = self._child
        if isinstance(child, RecordingChild):
            return child.leads.takes_input
        return isinstance(child, VirtualChild) and child.is_held()

    @property
    def is_finished(self) -> bool:
        """The test knows that it has ended, or that it never started."""
        child = self._child
        return child.reaped if isinstance(child, VirtualChild) else self.status != "running"

    def words(self, hide: Callable[[str], str]) -> str:
        """The command and where it was started, for a message.

        Args:
            hide: takes secrets out.
        """
        where = f", started at {self.place}" if self.place else ""
        return f"`{shorten(visible(hide(shlex.join(self.command))))}`{where}"

    def end(self) -> None:
        """End it, with all that it has started, if it is a real one."""
        if isinstance(self._child, RecordingChild):
            end_with_family(self._child)

    def __str__(self) -> str:
        where = f", started at {self.place}" if self.place else ""
        return f"`{shlex.join(self.command)}` (pid {self.pid}){where}"

    def __repr__(self) -> str:
        return f"<child {self} ({self.status})>"

    def _script(self) -> Script:
        child = self._child
        if isinstance(child, SpawnError):
            return Script((), End(None, child), captured=frozenset())
        return child.script() if isinstance(child, RecordingChild) else child.so_far()

    def _limit(self) -> Status | None:
        if isinstance(self._child, RecordingChild):
            warden = self._child.warden
            kind = None if warden is None else warden.broken
            return None if kind is None else "timed out" if kind == "time" else "output limit"
        if self._entry is None:
            return None
        if self._entry.timed_out is not None:
            return "timed out"
        return None if self._entry.output_limit is None else "output limit"


def end_words(end: End, limit: str = "") -> str:
    """How a child ended, without how long it took."""
    if limit:
        return limit
    if end.error is not None:
        return f"could not be started ({end.error.errno or end.error.type})"
    code = end.exit_code
    if code is None:
        return "still running"
    return f"exit code {code}" if code >= 0 else f"ended by {signal_name(-code)}"


class Roll:
    """The children of one tape, in the order of their starts."""

    def __init__(self) -> None:
        self._children: list[TapedChild] = []

    def add(self, child: TapedChild) -> None:
        """One more; beyond :data:`CAP` the oldest that has finished is forgotten."""
        if len(self._children) >= CAP:
            finished = next((one for one in self._children if one.is_finished), None)
            if finished is not None:
                self._children.remove(finished)
        self._children.append(child)

    def alive(self) -> list[TapedChild]:
        """Those that run, whatever the test knows of them."""
        return [child for child in self._children if child.is_alive]

    def __iter__(self) -> Iterator[TapedChild]:
        return iter(tuple(self._children))
