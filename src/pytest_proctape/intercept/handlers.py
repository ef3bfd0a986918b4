"""The sessions as this room knows them: what each kind can be asked.

:mod:`.door` finds the one that answers; the session room has classes of these shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Protocol

from ..child import Said, Started, Streams, VirtualChild, Wiring
from ..errors import UnsupportedSpawn
from ..tape import Spawn

Launch = Callable[[Wiring], Started]
"""The real call, with the wiring to start the child with."""


class Signaller(Protocol):
    """A session, as far as it knows processes that are no children of the test."""

    def signal_another(self, pid: int, number: int, /, *, group: bool) -> int | None:
        """What comes of a signal: the number of an error, or 0; ``None`` to send it for real."""

    def signalled_another(self, pid: int, number: int, /, *, group: bool, error: int) -> None:
        """One was sent for real, and this came of it."""


class Finder(Protocol):
    """A session, as far as it knows which tools there are."""

    def which(self, name: str, path: str | None, /) -> str | None:
        """What :func:`shutil.which` says of a bare name."""


class Replayer(Signaller, Finder, Protocol):
    """A session that never starts a process: it is never handed the means to."""

    closed: bool

    def replay(self, spawn: Spawn, wiring: Wiring) -> Started:
        """Start a virtual child.

        Raises:
            ProctapeError: the tape has no such spawn here.
        """

    def answering(self, argv: Sequence[str]) -> object | None:
        """Who answers this command, as a rule itself; ``None`` for one that is never taped."""

    def refused(self, error: UnsupportedSpawn) -> None:
        """A spawn that can't be replayed was refused; its caller may swallow the error."""


class Recorder(Signaller, Finder, Protocol):
    """A session that may start processes."""

    closed: bool

    def answering(self, argv: Sequence[str]) -> object | None:
        """Who answers this command, as a rule itself; ``None`` for one that is never taped."""

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start a real child, or a virtual one."""


class MemoryReplayer(Protocol):
    """A session that can also play into memory."""

    closed: bool

    def answering(self, argv: Sequence[str]) -> object | None:
        """Who answers this command, as a rule itself; ``None`` for one that is never taped."""

    def replay_in_memory(
        self,
        spawn: Spawn,
        streams: Streams,
        sent: bytes | None,
        limit_ns: int | None,
        announce: Callable[[], None],
        caller: FrameType,
    ) -> Said | None:
        """Answer a spawn with a virtual child that needs no descriptors.

        Args:
            spawn: what is asked for.
            streams: of the child.
            sent: all that the parent is going to send; ``None`` where the child's stdin is the parent's own.
            limit_ns: how long the parent waits at most, nanoseconds; ``None`` for as long as it takes.
            announce: is called when it is certain that the child can be started.
            caller: the frame that asks for it.

        Returns:
            what came of it, or ``None`` where that can't be: then nothing has happened, and the spawn has to
            be asked for with descriptors.
        """

    def replay_at_once(
        self,
        spawn: Spawn,
        streams: Streams,
        sent: bytes | None,
        pipes: tuple[int, int],
        announce: Callable[[], None],
        caller: FrameType,
    ) -> int | None:
        """Answer a spawn whose child says a little into pipes of its own and ends.

        Args:
            spawn: what is asked for.
            streams: of the child.
            sent: ``b""`` where its stdin has nothing; ``None`` where that is the parent's own.
            pipes: made for its stdout and its stderr; -1 where there is none.
            announce: is called when it is certain that the child can be started.
            caller: the frame that asks for it.

        Returns:
            its pid, or ``None`` where that can't be: then nothing has happened.
        """

    def replay_in_loop(
        self,
        spawn: Spawn,
        streams: Streams,
        sent: bytes | None,
        pipes: tuple[int, int],
        wired: Callable[[], Wiring],
        announce: Callable[[], None],
        caller: FrameType,
        now_ns: Callable[[], int],
    ) -> VirtualChild | None:
        """Answer a spawn of an event loop.

        Args:
            spawn: what is asked for.
            streams: of the child.
            sent: as above; ``None`` as well where its stdin is a pipe.
            pipes: as above.
            wired: all its descriptors, for one that does more than to say all at once and to end later.
            announce: is called when it is certain that the child can be started.
            caller: the frame that asks for it.
            now_ns: the clock of the loop.

        Returns:
            the child, or ``None`` where that can't be: then nothing has happened.
        """


class Hearer(Protocol):
    """A session that can also record where the words of a child are heard, and are not led past us."""

    closed: bool

    def answering(self, argv: Sequence[str]) -> object | None:
        """Who answers this command, as a rule itself; ``None`` for one that is never taped."""

    @property
    def hears(self) -> bool:
        """Whether the child of the spawn that comes is a real one, with no need to be led past us."""

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        """Start a real child, some of whose outputs are led past us."""

    def hear(self, spawn: Spawn, wiring: Wiring, launch: Launch, caller: FrameType) -> Started:
        """Start a real child. Of all that it says the wiring has the parent's end.

        Args:
            spawn: what is asked for.
            wiring: the child's descriptors as the caller gave them.
            launch: the real call.
            caller: the frame that asks for it.
        """


Handler = Replayer | Recorder
