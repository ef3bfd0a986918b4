"""A child of an event loop that says what it has to say at once, and ends when its time has come.

Most children of a loop are that. Such a child needs no machine either, and no script until somebody asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from ..errors import ProctapeError
from ..genuine import select, threading
from ..tape import Content, Entry, Script, ns_from_ms
from .causes import Stalled, WrongCause
from .channels import Outlet
from .ended import EndedChild
from .virtual import VirtualChild
from .wiring import close_quietly, out_of_the_way

Wrong = Callable[[VirtualChild, WrongCause | Stalled], ProctapeError]


class BriefChild(EndedChild):
    """One that runs until its recorded duration is over, by the clock of its loop.

    Attributes:
        said: the descriptors that it was given to say something into, while it was started.
        has_much: what it says does not fit into a pipe for sure; who reads decides how fast it comes.
    """

    _quiet = True
    has_much = False

    def __init__(
        self,
        pid: int,
        group: int,
        status: int,
        told: Callable[[Entry], Script],
        entry: Entry,
        *,
        now_ns: Callable[[], int],
        on_wrong: Wrong,
        on_end: Callable[[VirtualChild], None],
    ) -> None:
        """A child that has said nothing yet.

        Args:
            pid: as that of any virtual child.
            group: its process group.
            status: that it is going to end with, as from :func:`os.waitpid`.
            told: gives the script.
            entry: that it is made of.
            now_ns: the clock of the loop.
            on_wrong: as of any virtual child.
            on_end: it has ended.
        """
        super().__init__(pid, group, status, told, entry)
        self.status = None
        self._ends_with = status
        self._duration_ns = ns_from_ms(entry.duration_ms)
        self._now_ns = now_ns
        self._loop_ns = now_ns
        self._anchor_ns = now_ns()
        self._home = threading.get_ident()
        self._on_wrong = on_wrong
        self._on_end = on_end
        self._pipes: list[int] = []
        self.said: set[int] = set()

    def say(self, said: Mapping[int, bytes]) -> None:
        """Write as much as there is room for, and keep the descriptors until the end.

        Args:
            said: by the descriptor that it goes to, which is a pipe that the parent has made for this child.
        """
        for fd, data in said.items():
            if len(data) > select.PIPE_BUF:
                self.has_much = True
                self._outlets[fd] = outlet = Outlet(fd, private=True)
                outlet.add(Content.of(data))
                outlet.flush()
                outlet.adopt()
            else:
                # It is empty, so it takes as much at once: pipe(7).
                if data:
                    os.write(fd, data)
                    self.said.add(fd)
                self._pipes.append(out_of_the_way(fd))
        if self.has_much:
            self._connected = True
            self._watch()

    def due_ns(self) -> int | None:
        """When it ends, by the clock of the loop; ``None`` once it has."""
        return None if self.status is not None else self._anchor_ns + self._duration_ns

    def step(self) -> bool:
        """As any virtual child."""
        if self.has_much:
            return super().step()
        with self._lock:
            if self.status is not None or not self._is_due(self._duration_ns):
                return False
            self._end(self._ends_with)
            if self.on_step is not None:
                self.on_step(self)
            return True

    def abandon(self) -> None:
        """As any virtual child."""
        super().abandon()
        self._let_go()

    def _play(self) -> None:
        if self.status is None and self._is_due(self._duration_ns):
            self._end(self._ends_with)

    def _end(self, status: int) -> None:
        super()._end(status)
        self._let_go()
        if self._changed is not None:
            # Another thread waits for it than that of the loop.
            self._changed.notify_all()

    def _drop(self) -> None:
        super()._drop()
        self._let_go()

    def _let_go(self) -> None:
        pipes, self._pipes = self._pipes, []
        for fd in pipes:
            close_quietly(fd)

    def _watch(self) -> None:
        if self.has_much:
            super()._watch()
