"""A pseudo-terminal of the test's own as a child's stream: the parent has its master, the child gets a slave.

While recording, the child gets the slave of a pair of ours, with the settings of the test's: its line
discipline echoes, edits and ends lines for this child. What comes out of it goes into the test's slave, and
what the parent types comes out there, which is made raw meanwhile, so that nothing is done twice. On replay
the virtual child writes and reads the test's slave in the same way, raw as well: the recorded bytes are those
that the line discipline had let through. The test's has the settings that the child's was left with when the
child lets go of it; what the test asks of them before that is answered by :mod:`.console`.

The recording child and the virtual child ask here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import UnsupportedSpawn
from ..owned import Owned
from ..tape.tty import size_text
from .channels import CHUNK
from .console import CONSOLES, PlayedConsole, RecordedConsole, make_raw, set_to, settings_of
from .lent import size_of
from .tap import Tap
from .wiring import Wiring, is_open, out_of_the_way


def is_of_the_test(fd: int) -> bool:
    """Whether ``fd`` is a terminal, and not the user's, that pytest itself reads from or writes to."""
    if not is_open(fd) or not os.isatty(fd):
        return False
    if any(is_open(one) and os.fstat(one).st_rdev == os.fstat(fd).st_rdev for one in (0, 1, 2)):
        return False
    if not _name_of(fd):
        return True
    try:
        os.tcgetpgrp(fd)
    except OSError:
        return True
    # It controls this process, and is not to be changed under the user's hands.
    return False


def _name_of(fd: int) -> str:
    """Of the terminal ``fd``, by which it can be opened anew; ``""`` for a master."""
    try:
        name = os.ttyname(fd)
    except OSError:
        return ""
    return "" if os.path.basename(name) == "ptmx" else name


class TerminalTap(Tap):
    """One direction of a recorded terminal; both have to be stepped, as one keeps the other one open.

    Attributes:
        console: what the test sees of the terminal, and changes there; the outward one has it.
    """

    __slots__ = ("console",)

    def __init__(
        self,
        fd: int,
        ends: tuple[int, int, int],
        fds: Owned,
        note: Callable[[bytes], None],
        on_end: Callable[[], None],
        admit: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Lead on what is there.

        Args:
            fd: the child's descriptor.
            ends: the child's end or -1, where to read, where to write.
            fds: that has these, and nothing else.
            note: called with every chunk when it has been passed on.
            on_end: called when nothing more can come.
            admit: says what of a chunk goes further; without it, all.
        """
        self.fd = fd
        self.ended = self.dry = self.early = self._busy = False
        self.moments = None
        self.console: RecordedConsole | None = None
        self.childs, self._source, self._target = ends
        self._fds = fds
        self._note = note
        self._on_end = on_end
        self._lent = None
        self._before = None
        self._admit = admit
        self._pending = memoryview(b"")
        self._private = self._waits = self._asks = True
        self._chunk, self._until_wide = CHUNK, 0

    def close(self) -> None:
        """As above; the test's terminal is as it is left."""
        if self.console is not None and not self.ended:
            self.console.close()
        super().close()

    def _hang_up(self) -> int:
        """The settings have to be put back first."""
        return 0


def taps(
    parents: int,
    fds: tuple[int, int],
    notes: tuple[Callable[[bytes], None], Callable[[bytes], None]],
    ends: tuple[Callable[[], None], Callable[[], None]],
    kept: list[int],
    console_of: Callable[[int, int], RecordedConsole],
    admit: Callable[[bytes], bytes] | None = None,
) -> tuple[TerminalTap, TerminalTap]:
    """Open a pair of ours for a child whose terminal is ``parents``.

    Args:
        parents: the slave that the parent gave.
        fds: the child's descriptors for what comes in, and for what goes out.
        notes: called with each chunk that has come in, or gone out.
        ends: called when the parent has closed its master, and when the child has closed its slave.
        kept: takes what the caller has to close when the child has ended. A child that closes its slave
            first would be hung up on if our master were closed at once.
        console_of: makes it of the test's terminal and our master.
        admit: says what of a chunk goes out; without it, all.

    Raises:
        UnsupportedSpawn: it is a master, or there is something in it already.
    """
    inwards, outwards = Owned(), Owned()
    side = _opened(parents, outwards)
    other = CONSOLES.of(side)
    before = settings_of(side)
    try:
        make_raw(side)
        _refuse_what_was_typed(side)
    except BaseException:
        set_to(side, before)
        outwards.close_all()
        raise
    master, slave = outwards.high_pair(os.openpty)
    set_to(slave, before if other is None else other.now())
    os.set_blocking(master, False)

    def on_closed() -> None:
        kept.append(out_of_the_way(master))
        # Who is told of the end may look at once.
        console.close()
        ends[1]()

    back = -1, inwards.duplicate(side), inwards.duplicate(master)
    inward = TerminalTap(fds[0], back, inwards, notes[0], ends[0])
    outward = TerminalTap(fds[1], (slave, master, side), outwards, notes[1], on_closed, admit)
    console = outward.console = console_of(side, master)
    return inward, outward


def _refuse_what_was_typed(side: int) -> None:
    """What comes now was not echoed yet; what is there already was, as the terminal was not raw then."""
    if size_of(side):
        raise UnsupportedSpawn(
            "a terminal that was typed into before",
            "what was echoed already would be echoed again; write to it when the child is started",
        )


def _opened(slave: int, fds: Owned) -> int:
    """The terminal ``slave`` opened once more, so that its flags are ours; one of ``fds``."""
    name = _name_of(slave)
    if not name:
        raise UnsupportedSpawn(
            "the master of a pseudo-terminal", "it can't be a taped child's stream; give the child the slave"
        )
    return fds.moved(fds.take(os.open, name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))


def size_at_start(wiring: Wiring) -> str | None:
    """How large the test's terminal is that a child with ``wiring`` gets, in words; ``None`` without one."""
    for parents in {**wiring.outputs, **wiring.inputs}.values():
        if parents not in wiring.private and is_of_the_test(parents):
            other = CONSOLES.of(parents)
            return size_text((settings_of(parents) if other is None else other.now()).size)
    return None


@contextmanager
def opened(wiring: Wiring, *, raw: bool = True) -> Iterator[tuple[Wiring, int, PlayedConsole | None]]:
    """For a virtual child: ``wiring`` with the test's terminal as it is to be played into.

    Args:
        wiring: as the parent gave it.
        raw: what is played has been through a line discipline already.

    Yields:
        the wiring, the descriptor in it that is the terminal or -1, and what the test sees of its settings,
        where they are not its own.
    """
    given = {**wiring.outputs, **wiring.inputs}
    terminals = {
        fd: parents
        for fd, parents in given.items()
        # A private one is a pipe.
        if parents not in wiring.private and is_of_the_test(parents)
    }
    if not terminals:
        yield wiring, -1, None
        return
    fds = Owned()
    fd = _opened(next(iter(terminals.values())), fds)
    console = None
    try:
        if raw:
            other = CONSOLES.of(fd)
            console = PlayedConsole(fd, settings_of(fd) if other is None else other.now())
            make_raw(fd)
        yield (
            wiring.but(
                inputs={own: fd if own in terminals else one for own, one in wiring.inputs.items()},
                outputs={own: fd if own in terminals else one for own, one in wiring.outputs.items()},
            ),
            fd,
            console,
        )
    finally:
        fds.close(fd)
