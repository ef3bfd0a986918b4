"""Where calls about the settings of a test's terminal are led while a child has it for a stream.

That terminal itself is raw meanwhile (:mod:`.terminal`), so nothing that is asked of it, or changed there,
means what the test meant. While recording, a call is made on the terminal of ours that the child has. On
replay it is made on one that is set as the recorded child's was, for as long as the call takes. What a test
sees there that the child has done, and what it changes, are steps of the child's script; what it does not
look at is chance, and on no tape.

The intercept room leads the calls here, and finds a console by any descriptor of the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
import termios
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..genuine import threading
from ..tape import script
from ..tape.tty import Settings, Terminal, changed, words_between
from .wiring import close_quietly

if TYPE_CHECKING:
    from .notebook import Notebook

_TCGETATTR, _TCSETATTR, _IOCTL = termios.tcgetattr, termios.tcsetattr, fcntl.ioctl
"""As they were when no tape was active: what we ask and tell a terminal is led nowhere."""

_PTY_NUMBER = getattr(termios, "TIOCGPTN", 0x80045430)
"""ioctl_tty(2): the number of the terminal whose master this is. Linux only."""
_SLAVES = 136
"""The major number of a slave there: ``Documentation/admin-guide/devices.txt`` of the kernel."""
_WINDOW = struct.Struct("4H")
_NUMBER = struct.Struct("I")

_T = TypeVar("_T")


def settings_of(fd: int) -> Terminal:
    """How the terminal ``fd`` is set, whichever of its ends that is.

    Raises:
        termios.error, OSError: it is none, or has hung up.
    """
    rows, columns, width, height = _WINDOW.unpack(_IOCTL(fd, termios.TIOCGWINSZ, bytes(_WINDOW.size)))
    return Terminal.of(_TCGETATTR(fd), (rows, columns, width, height))


def set_to(fd: int, to: Terminal) -> None:
    """Set the terminal ``fd``.

    Raises:
        termios.error, OSError: as above.
    """
    _TCSETATTR(fd, termios.TCSANOW, to.settings)
    _IOCTL(fd, termios.TIOCSWINSZ, _WINDOW.pack(*to.size))


def make_raw(fd: int) -> None:
    """Let every byte through the terminal ``fd`` as it is: ``cfmakeraw`` of termios(3)."""
    raw: Settings = _TCGETATTR(fd)
    raw[0] &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    raw[1] &= ~termios.OPOST
    raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
    _TCSETATTR(fd, termios.TCSANOW, raw)


def slave_of(fd: int) -> int | None:
    """Which terminal ``fd`` is an end of: the device number of its slave; ``None`` if nobody says."""
    try:
        status = os.fstat(fd)
        if not stat.S_ISCHR(status.st_mode):
            return None
        try:
            (number,) = _NUMBER.unpack(_IOCTL(fd, _PTY_NUMBER, bytes(_NUMBER.size)))
        except OSError:
            return status.st_rdev
        return os.makedev(_SLAVES, number)
    except OSError:
        return None


class Console:
    """What a test sees of the terminal of one child, and changes there."""

    slave: int
    state: Terminal

    def lead(self, fd: int, act: Callable[[int], _T], *, changes: bool) -> _T:
        """Make a call about a terminal where the child's settings are.

        Args:
            fd: the test's descriptor, if the child has let go of the terminal after all.
            act: the call, with the descriptor to make it on. One that only asks may be made again.
            changes: it may change something.
        """
        raise NotImplementedError

    def now(self) -> Terminal:
        """How the terminal is set, for another child that gets it."""
        return self.state

    def take_on(self, state: Terminal) -> None:
        """Another child has left the terminal like this."""
        raise NotImplementedError


def _nothing() -> None:
    """Nobody leads calls here."""


class Consoles:
    """Those of all children that run, by their terminals.

    Attributes:
        on_add: is called when there is one: calls have to be led here from now on.
    """

    def __init__(self) -> None:
        self._all: dict[int, list[Console]] = {}
        self.on_add: Callable[[], None] = _nothing

    def add(self, one: Console) -> None:
        """The test's calls are for this one; where two children have one terminal, for the first."""
        self.on_add()
        self._all.setdefault(one.slave, []).append(one)

    def remove(self, one: Console) -> Console | None:
        """The child has let go of it; gives another that still has the terminal."""
        left = [other for other in self._all.pop(one.slave, []) if other is not one]
        if not left:
            return None
        self._all[one.slave] = left
        return left[0]

    def of(self, fd: int) -> Console | None:
        """The one whose terminal ``fd`` is an end of."""
        slave = slave_of(fd) if self._all else None
        found = None if slave is None else self._all.get(slave)
        return found[0] if found else None

    def forget(self) -> None:
        """In a forked child: they are the parent's."""
        self._all = {}


CONSOLES = Consoles()
os.register_at_fork(after_in_child=CONSOLES.forget)


class Recorded(Protocol):
    """What a console needs of a recording child."""

    lock: threading.RLock

    def step(self) -> object:
        """Take what has been said by now."""

    def gone(self) -> bool:
        """Whether the process has ended."""


class RecordedConsole(Console):
    """Of a real child: its terminal is the pair that ``master`` belongs to."""

    def __init__(self, child: Recorded, notes: Notebook, side: int, master: int) -> None:
        """Begin.

        Args:
            child: whose it is.
            notes: where what is seen and changed is noted.
            side: the test's terminal, which gets in the end the settings that the child's has then. Both
                descriptors stay the caller's, who calls :meth:`close` before closing them.
            master: of the child's.
        """
        self._child = child
        self._notes = notes
        self._side, self._master = side, master
        self._open = True
        self.state = self._began = settings_of(master)
        self._looked_at = -1
        """The count of causes when the test looked last, and saw this; -1 if it did not."""
        self.slave = os.fstat(side).st_rdev
        CONSOLES.add(self)

    def lead(self, fd: int, act: Callable[[int], _T], *, changes: bool) -> _T:
        """As above."""
        with self._child.lock:
            self._child.step()
            if not self._open:
                return act(fd)
            if not changes:
                return self._ask(act)
            self._see(settings_of(self._master))
            now_ns, alive = self._notes.now_ns(), not self._child.gone()
            answer = act(self._master)
            before, self.state = self.state, settings_of(self._master)
            words = words_between(before, self.state)
            if words and alive and not self._notes.closed:
                self._notes.add(script.TerminalSet(words, now_ns))
            return answer

    def _ask(self, act: Callable[[int], _T]) -> _T:
        while True:
            before, answer, now = settings_of(self._master), act(self._master), settings_of(self._master)
            if now == before:
                break
            # The child changes it this very moment; what the test sees is what is noted.
        self._see(now)
        self._looked_at = self._notes.causes
        return answer

    def _see(self, now: Terminal) -> None:
        """The test is about to know how the terminal is set."""
        words = words_between(self.state, now)
        self.state = now
        if words and not self._notes.closed:
            if self._looked_at == self._notes.causes:
                self._notes.add(script.TerminalSeen("", self._notes.now_ns()))
            self._notes.add(script.TerminalSeen(words, self._notes.now_ns()))

    def now(self) -> Terminal:
        """As above."""
        return settings_of(self._master)

    def take_on(self, state: Terminal) -> None:
        """As above."""
        with self._child.lock, contextlib.suppress(OSError, termios.error):
            if self._open:
                set_to(self._master, state)

    def close(self) -> None:
        """The child has let go of its terminal, or nobody looks at it any more. May be called again."""
        if not self._open:
            return
        self._open = False
        other = CONSOLES.remove(self)
        with contextlib.suppress(OSError, termios.error):
            # An error here is the test's: it has closed its master, and nobody can look any more.
            _TCGETATTR(self._side)
            self._see(settings_of(self._master))
            if other is None:
                set_to(self._side, self.state)
            elif self.state != self._began:
                other.take_on(self.state)


class Played(Protocol):
    """What a console needs of a virtual child."""

    def being_looked_at(self) -> AbstractContextManager[None]:
        """Around what nothing comes between; what is due has been played."""

    def terminal_set(self, words: str) -> None:
        """The test has changed its terminal."""


class PlayedConsole(Console):
    """Of a virtual child: its settings are those of the recording."""

    def __init__(self, fd: int, state: Terminal) -> None:
        """Begin.

        Args:
            fd: the test's terminal.
            state: how it was set when the child was started, and is in the end unless something changes that.
        """
        self.slave = os.fstat(fd).st_rdev
        self.state = self._began = state
        self._unseen: deque[str] = deque()
        self._child: Played | None = None
        self._open = True

    def play(self, child: Played) -> None:
        """The tape knows what became of the settings: lead the test's calls here."""
        self._child = child
        CONSOLES.add(self)

    def lead(self, fd: int, act: Callable[[int], _T], *, changes: bool) -> _T:
        """As above."""
        child = self._child
        assert child is not None
        with child.being_looked_at():
            if not self._open:
                return act(fd)
            if changes:
                self.moved_on()
            with _set_like(self.state) as one:
                answer = act(one)
                after = settings_of(one)
            if changes:
                words, self.state = words_between(self.state, after), after
                if words:
                    child.terminal_set(words)
            elif self._unseen:
                self._unseen.popleft()
                self._settle()
            return answer

    def show(self, words: str) -> None:
        """The child has changed this by now, or was seen before it did."""
        self._unseen.append(words)
        self._settle()

    def moved_on(self) -> None:
        """The test goes on: whether it has looked or not, it would see the last of it."""
        while self._unseen:
            self.state = changed(self.state, self._unseen.popleft())

    def _settle(self) -> None:
        while self._unseen and self._unseen[0]:
            self.state = changed(self.state, self._unseen.popleft())

    def take_on(self, state: Terminal) -> None:
        """As above."""
        self.state = state

    def close(self, fd: int) -> None:
        """Leave the test's terminal, by this descriptor, as the child has left it. May be called again."""
        if not self._open:
            return
        self._open = False
        self.moved_on()
        other = CONSOLES.remove(self)
        if other is None:
            with contextlib.suppress(OSError, termios.error):
                set_to(fd, self.state)
        elif self.state != self._began:
            other.take_on(self.state)


@contextmanager
def _set_like(state: Terminal) -> Iterator[int]:
    """A terminal of ours with these settings."""
    master, slave = os.openpty()
    try:
        set_to(master, state)
        yield master
    finally:
        close_quietly(slave)
        close_quietly(master)
