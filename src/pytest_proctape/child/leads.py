"""The streams of a recorded child: which of them are led past us, and the taps that do it.

The recording child opens them before its process is started, and steps them while it runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from ..errors import UnsupportedSpawn
from ..genuine import threading
from ..tape import STDERR, STDIN, STDOUT, Spool
from ..tape.tty import size_text
from . import terminal
from .console import RecordedConsole
from .ears import Ear, Ends
from .inputfile import InputFile
from .lent import LentPipe, OwnPipe, is_lent
from .moments import Moments
from .notes import ANSWER
from .tap import Answers, Tap
from .wiring import (
    Wiring,
    can_be_led_past,
    close_quietly,
    is_device,
    is_open,
    is_pipe,
    is_regular,
    is_socket,
)

_INHERITED = frozenset({STDOUT, STDERR})

Admit = Callable[[int, bytes], bytes]
"""What goes further of what the child wrote to a descriptor."""


def _unnoted(_: bytes) -> None:
    """The child does not read from the terminal that it writes to."""


class Leads:
    """All streams of one child.

    Attributes:
        taps: in the order in which they are stepped. Input goes first.
        ears: those of them that only listen, by the child's descriptor.
        captured: descriptors of the child whose output is noted.
        merged: stderr goes where stdout goes.
        has_own_input: nobody else uses the pipe that is its input.
        lent: the pipe that it reads from, where some of what is in it may stay unread.
        input_file: the regular file that it reads from.
        moments: tells when what the child says may be seen, where a mock clock does.
        terminal: the size of the test's terminal that it has, in words; ``None`` where it has none.
    """

    def __init__(
        self,
        note: Callable[[int, bytes], None],
        on_end: Callable[[int], None],
        before_input: Callable[[], None],
        new_spool: Callable[[], Spool],
        admit: Admit | None,
        lock: threading.RLock,
        console_of: Callable[[int, int], RecordedConsole] | None = None,
    ) -> None:
        """Be ready to open them.

        Args:
            note: called with every chunk and its descriptor when it has been passed on.
            on_end: called with a descriptor when its writer's side has been closed.
            before_input: called before input, or its end, is passed on.
            new_spool: makes what collects a stream.
            admit: says what of an output goes further; without it, all.
            lock: that of the child.
            console_of: says what becomes of the settings of a terminal; see :func:`.terminal.taps`. Who
                has none needs none.
        """
        self._lock = lock
        self._console_of = console_of
        self.taps: list[Tap | Ear] = []
        self.ears: dict[int, Ear] = {}
        self.captured: set[int] = set()
        self.merged = False
        self.has_own_input = False
        self.lent: LentPipe | OwnPipe | None = None
        self.input_file: InputFile | None = None
        self._note = note
        self._on_end = on_end
        self._before_input = before_input
        self._new_spool = new_spool
        self._admit = admit
        self.moments: Moments | None = None
        self.terminal: str | None = None
        self._slave = -1
        self._kept: list[int] = []

    # -- opening -------------------------------------------------------------------------------

    def lead_past(self, wiring: Wiring) -> Wiring:
        """Open the taps; the wiring that the real child is to be started with.

        Raises:
            UnsupportedSpawn: one of the streams can't be led past us. Some may be open; see :meth:`discard`.
        """
        inputs = {fd: self._tap_input(fd, parents, wiring) for fd, parents in wiring.inputs.items()}
        outputs: dict[int, int] = {}
        made: dict[int, int] = {}
        for fd, parents in sorted(wiring.outputs.items()):
            if parents in made:
                outputs[fd] = made[parents]
                self.merged = self.merged or fd == STDERR
            else:
                outputs[fd] = made[parents] = self._tap_output(fd, parents, wiring)
        return Wiring(inputs, outputs)

    def _tap_input(self, fd: int, parents: int, wiring: Wiring) -> int:
        if wiring.ends is not None and wiring.ends.sent is not None and parents in wiring.private:
            self.lend(parents, wiring.ends.sent)
            return parents
        if terminal.is_of_the_test(parents):
            return self._tap_terminal(parents, wiring)
        if not is_open(parents) or is_device(parents):
            return parents
        if is_regular(parents):
            if fd == STDIN:
                self.input_file = InputFile(parents, self._new_spool)
            return parents
        return self._open(fd, parents, wiring, inward=True)

    def _tap_output(self, fd: int, parents: int, wiring: Wiring) -> int:
        if wiring.ends is not None and fd in wiring.ends.outputs:
            self._listen(fd, wiring.ends)
            return parents
        if terminal.is_of_the_test(parents):
            return self._tap_terminal(parents, wiring)
        inherited = fd == parents and fd in _INHERITED
        if not is_open(parents) or not (inherited or can_be_led_past(parents)):
            return parents
        self.captured.add(fd)
        if self.input_file is not None and self.input_file.is_also(parents):
            self.input_file.written_as(fd, parents)
            return parents
        return self._open(fd, parents, wiring, inward=False)

    def lend(self, parents: int, sent: bytes) -> None:
        """The child reads from a pipe of the parent's own, which is going to send this."""
        self.has_own_input = True
        self.lent = own = OwnPipe()
        if sent:
            own.keep(parents)

    def _listen(self, fd: int, ends: Ends) -> None:
        self.take_over({fd: Ear(fd, ends.outputs[fd], self, self._lock)})

    def take_over(self, ears: Mapping[int, Ear]) -> None:
        """These are streams of the child."""
        for fd, ear in ears.items():
            self.captured.add(fd)
            self.ears[fd] = ear
            self.taps.append(ear)
            ear.listener = self

    def said(self, fd: int, data: bytes) -> bytes:
        """An ear has heard this; what of it goes further."""
        if self._admit is not None:
            data = self._admit(fd, data)
        self._note(fd, data)
        return data

    def fell_silent(self, fd: int) -> None:
        """An ear will hear nothing more."""
        self._on_end(fd)

    def _tap_terminal(self, parents: int, wiring: Wiring) -> int:
        """The child's end of the terminal that ``parents`` is; it is one for all of its streams."""
        if self.terminal is None:
            given = {**wiring.outputs, STDIN: wiring.inputs.get(STDIN, -1)}
            fds = {fd for fd, one in given.items() if terminal.is_of_the_test(one)}
            if len({os.fstat(given[fd]).st_rdev for fd in fds}) > 1:
                raise UnsupportedSpawn("two terminals for one child", "give it one, and pipes")
            out = STDOUT if STDOUT in fds else STDERR if STDERR in fds else ANSWER
            self.merged = fds >= {STDOUT, STDERR}
            self.captured.update({out} - {ANSWER})
            typed = partial(self._note, STDIN) if STDIN in fds else _unnoted
            notes = (typed, partial(self._note, out))
            ends = (partial(self._on_end, STDIN), partial(self._on_end, out))
            assert self._console_of is not None
            more = self._kept, self._console_of, self._admitting(out)
            inward, outward = terminal.taps(parents, (STDIN, out), notes, ends, *more)
            assert outward.console is not None
            outward.moments = self.moments
            self.taps += [inward, outward]
            self._slave, self.terminal = outward.childs, size_text(outward.console.state.size)
        return self._slave

    def _open(self, fd: int, parents: int, wiring: Wiring, *, inward: bool) -> int:
        private = parents in wiring.private
        if fd == STDIN:
            self.has_own_input = private
            self.lent = None if not is_lent(parents) else OwnPipe() if private else LentPipe(parents)
        tap = Tap(
            fd,
            parents,
            inward=inward,
            private=private,
            note=partial(self._note, fd),
            on_end=partial(self._on_end, fd),
            lent=self.lent if inward else None,
            before=self._before_input,
            admit=None if inward else self._admitting(fd),
        )
        self.taps.append(tap)
        if not inward and is_pipe(parents):
            tap.moments = self.moments
        if inward and is_socket(parents):
            answers = Answers(tap, partial(self._note, ANSWER), self._admitting(ANSWER))
            answers.moments = self.moments
            self.taps.append(answers)
        return tap.childs

    def _admitting(self, fd: int) -> Callable[[bytes], bytes] | None:
        return None if self._admit is None else partial(self._admit, fd)

    # -- while they are open -------------------------------------------------------------------

    def child_started(self) -> None:
        """The child has its own copies of its ends now, or will never have any."""
        for tap in self.taps:
            tap.child_started()

    def pipes(self) -> list[int]:
        """Inodes of the pipes that the child writes to."""
        return [inode for tap in self.taps if (inode := tap.pipe)]

    @property
    def ended(self) -> bool:
        """Nothing will come through any of them."""
        return all(tap.ended for tap in self.taps)

    @property
    def takes_input(self) -> bool:
        """The parent can still send something."""
        return any(tap.fd == STDIN and not tap.ended for tap in self.taps)

    def look_at_no_moments(self) -> None:
        """Let what comes through be seen at once."""
        for tap in self.taps:
            if isinstance(tap, Tap):
                tap.moments = None

    @property
    def are_early(self) -> bool:
        """Something waits to come through until it may be seen."""
        return any(isinstance(tap, Tap) and tap.early and not tap.ended for tap in self.taps)

    @property
    def are_held(self) -> bool:
        """An output is empty and still open: after the child's end, something that it started holds it."""
        return any(tap.dry and tap.fd != STDIN for tap in self.taps)

    # -- closing -------------------------------------------------------------------------------

    def close(self) -> None:
        """Close them, whoever holds the other sides."""
        for tap in self.taps:
            tap.close()

    def discard(self) -> None:
        """There is no process after all: close everything."""
        for tap in self.taps:
            tap.child_started()
            tap.close()
        self.close_kept()
        self.release()
        self.close_input_file()

    def close_kept(self) -> None:
        """The child has ended, and can't be hung up on any more."""
        while self._kept:
            close_quietly(self._kept.pop())

    def release(self) -> None:
        """Nobody asks any more what of its input is unread."""
        if self.lent is not None:
            self.lent.release()

    def close_input_file(self) -> None:
        """What is in the file is known, or of no interest."""
        if self.input_file is not None:
            self.input_file.close()
            self.input_file = None

    def abandon(self) -> None:
        """In a forked child: close its copies of the descriptors."""
        for tap in self.taps:
            tap.abandon()
        self.close_kept()
        if self.lent is not None:
            self.lent.abandon()
