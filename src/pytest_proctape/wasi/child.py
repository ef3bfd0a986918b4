"""The child whose program is a module: what a virtual child plays, the module makes up as it goes.

To everybody else it is a virtual child. It lets its module run whenever it is stepped and what the module
waits for has come; see :mod:`.program`.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..child import Stalled, VirtualChild, WrongCause
from ..child.channels import CHUNK
from ..clock import Waits
from ..errors import ProctapeError
from ..genuine import threading
from ..limits import Limits
from ..tape import STDIN, Content, End, Script, free_steps, script
from .clocks import ModuleClock, ToolTime
from .program import Ended, Exhausted, Exited, Program, Request, Trapped, Want
from .transcript import Transcript

BUDGET = 10 * 10**9
"""Instructions between two waits, unless ``tapes_spawn_timeout`` says otherwise: ten seconds and more."""

_ROOM = 1 << 16
"""Bytes of output that may wait for the parent to read before the module has to wait, too."""

_STOPPING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_HARMLESS = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH})
_STOPPED, _CONTINUED = 0x7F, 0xFFFF
"""In a wait status: ``bits/waitstatus.h``."""

Kind = Literal["trap", "stall", "time", "output"]
OnFailed = Callable[[Kind, str], ProctapeError]


class _InputUntil(free_steps.AnyInput):
    """Input, or a moment. The fields are those of any input, which a value does not inherit."""

    lines: int
    size: int
    whole_lines: bool
    at_ns: int = 0


@dataclass(frozen=True, slots=True)
class _Moment:
    """Something that comes with time.

    Attributes:
        at_ns: by the clock that the child keeps to, since its start.
        slept_ns: how much it has slept then.
    """

    at_ns: int
    slept_ns: int


class ModuleChild(VirtualChild):
    """A run of a module, as its parent sees it.

    Attributes:
        clock: what time the module is told.
        leaps: while it sleeps, time need not pass for real, whatever the mode.
    """

    leaps = True
    raw = False
    restless = True

    def __init__(
        self,
        pid: int,
        group: int,
        request: Request,
        time: ToolTime,
        limits: Limits,
        *,
        new_session: bool = False,
        now_ns: Callable[[], int] | None = None,
        waits: Waits | None = None,
        on_failed: OnFailed,
        on_end: Callable[[VirtualChild], None],
    ) -> None:
        """Make one that has not begun.

        Args:
            pid: see :class:`VirtualChild`, as for the others that are not named here.
            group: see there.
            request: what to run.
            time: of the modules of its tape.
            limits: how much it may write, and compute.
            new_session: see there.
            now_ns: see there.
            waits: see there.
            on_failed: makes the error for what went wrong, from its kind and words, and keeps it.
            on_end: see there.
        """
        super().__init__(
            pid,
            group,
            Script((), End(None)),
            new_session=new_session,
            now_ns=now_ns,
            waits=waits,
            on_wrong=self._never_meets,
            on_end=on_end,
        )
        self._limits = limits
        self._on_failed = on_failed
        self._program = Program(request, self)
        self._transcript = Transcript()
        self._slept_ns = self._waited_ns = 0
        self.clock = ModuleClock(time, waits, self._tape_ns)
        self._written: dict[int, int] = {}
        self._unread = b""
        self._saw_end = self._time_passes = self._hangs = self._stopped = self._expired = False
        self._held_back: deque[int] = deque()

    # -- what the parent does ----------------------------------------------------------------------

    def send(self, number: int) -> None:
        """The parent sent a signal. A module has no handlers, so most of them end it."""
        if number in _HARMLESS or not number:
            return
        ends = number not in _STOPPING and number != signal.SIGCONT
        if ends and self.status is None:
            # Before the lock: who has it may wait for the module to have computed something.
            self._signals.append(number)
            self._program.interrupt()
        with self._lock:
            if not ends and self.status is None:
                self._signals.append(number)
            elif ends and self.status is not None and self._expired and not self.reaped:
                # The wait that expired has seen it asleep; that it woke later is not so any more.
                self.status = number
                self._note_end(number)
            self.step()

    def expires(self, timeout_ns: int) -> bool:
        """Whether a wait of this length ends before the child does. No real time decides."""
        if self._waits is not None:
            return super().expires(timeout_ns)
        with self._lock:
            if self.poll() is None:
                if not self._hangs and threading.active_count() > 1:
                    self._block(timeout_ns)
                self._waited_ns += timeout_ns
                return self.status is None
            if self.script.end.duration_ns <= self._waited_ns + timeout_ns:
                return False
            self._waited_ns += timeout_ns
            self._expired = self._unseen = True
            return True

    def wait(self, options: int = 0) -> int:
        """Wait for the end: what the module waits for with a limit does not come."""
        self._time_passes = True
        return super().wait(options)

    def pass_timeouts(self) -> None:
        """No expiry holds a module back."""
        self.step()

    def awaited_in_vain(self) -> None:
        """As :meth:`wait`, by a read."""
        self._time_passes = True
        self.step()

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            if not self._program.running:
                super().close()
            self._program.end()

    # -- the machine -------------------------------------------------------------------------------

    def step(self) -> bool:
        """As of any virtual child, but for a handler of a signal that comes by while the module runs."""
        with self._lock:
            if self._program.running:
                return False
            moved = super().step()
            # What has been written at its end may have been what the module waited for.
            while self._has_room():
                moved = super().step() or moved
            return moved

    def _has_room(self) -> bool:
        want = self._program.want
        waits = self.status is None and not self._hangs and not self._stopped
        return waits and want is not None and want.step is None and want.met()

    def _play(self) -> None:
        while self.status is None and self._may_go_on():
            if self._program.outcome is None:
                self._program.go_on()
            self._conclude()
        self._tell()

    def _may_go_on(self) -> bool:
        self._take_signals()
        if self.status is not None or self._hangs or self._stopped:
            return False
        want = self._program.want
        return want is None or want.met()

    def _conclude(self) -> None:
        outcome = self._program.outcome
        match outcome:
            case None:
                return
            case Exited(code):
                self._end(code << 8)
            case Exhausted():
                self._exhausted()
            case Trapped(words):
                self._fail(self._on_failed("trap", words))
            case Ended():
                self._take_signals()
                if self.status is None:
                    # Ctrl-C, which a real one would have got as well.
                    self._end(int(signal.SIGINT))

    def _exhausted(self) -> None:
        if self._limits.spawn is not None:
            self._fail(self._on_failed("time", self._limits.spawn.words))
        else:
            self._hangs = True

    def _take_signals(self) -> None:
        while self._signals and self.status is None:
            number = self._signals.pop(0)
            if number == signal.SIGCONT:
                if self._stopped:
                    self._stopped = False
                    self._changes.append(_CONTINUED)
                self._signals.extend(self._held_back)
                self._held_back.clear()
            elif self._stopped and number != signal.SIGKILL:
                self._held_back.append(number)
            elif number in _STOPPING:
                self._stopped = True
                self._changes.append(number << 8 | _STOPPED)
            else:
                self._end(number)

    def _end(self, status: int) -> None:
        self._note_end(status)
        super()._end(status)
        self._program.end()

    def _note_end(self, status: int) -> None:
        self._tell()
        self.script = self.script.but(end=End(status, None, self._tape_ns()))

    def _tell(self) -> None:
        steps = self._transcript.steps()
        if len(steps) != self._at:
            self._at = len(steps)
            self.script = self.script.but(steps=steps)

    def _never_meets(self, _: VirtualChild, _wrong: WrongCause | Stalled) -> ProctapeError:
        if self._hangs:
            return self._on_failed("stall", f"has done {BUDGET:,} instructions without an end or a wait")
        return self._on_failed("stall", "waits for input, or to be read, and the test waits for its end")

    def _next(self) -> script.Step | None:
        if self._hangs:
            return free_steps.Hang()
        want = self._program.want
        return None if want is None else want.step

    def _is_timed(self, step: script.Step) -> bool:
        return isinstance(step, _InputUntil) or super()._is_timed(step)

    def _elapsed_ns(self) -> int:
        """Nanoseconds since its start, by the clock that it keeps to."""
        return self._slept_ns if self._now_ns is None else max(0, self._now_ns() - self._anchor_ns)

    def _tape_ns(self) -> int:
        """The same as the module is told: a loop's own time is real in part."""
        return self._slept_ns if self._waits is None else self._elapsed_ns()

    # -- what the module does, see `.program.Host` ---------------------------------------------------

    def take(self, limit: int) -> bytes | None:
        """Input."""
        if not self.readable():
            return None
        data, self._unread = self._unread[:limit], self._unread[limit:]
        self._offset += 1
        if data:
            self._time_passes = False
            self._transcript.add(STDIN, data, self._tape_ns())
        elif not self._saw_end:
            self._saw_end = True
            self._transcript.end(STDIN, self._tape_ns())
        return data

    def readable(self) -> bool:
        """Whether there is input, or its end. What is inherited is not read."""
        if not self._unread and self._inlet is not None:
            self._unread = self._inlet.take(CHUNK)
        return bool(self._unread) or self._inlet is None or self._inlet.at_end

    def put(self, fd: int, data: bytes) -> bool | None:
        """Output."""
        outlet = None if fd == STDIN else self._outlets.get(fd)
        if outlet is None or outlet.closing:
            return None
        self._offset += 1
        self._written[fd] = self._written.get(fd, 0) + len(data)
        self._transcript.add(fd, data, self._tape_ns())
        full = outlet.pending
        outlet.add(Content.of(data))
        if not full:
            outlet.flush()
        return not outlet.broken

    def is_terminal(self, fd: int) -> bool | None:
        """Whether the parent gave a terminal; what is inherited and not read is none."""
        channel = self._inlet if fd == STDIN else self._outlets.get(fd)
        if channel is None:
            return False if fd == STDIN else None
        return os.isatty(channel.fd)

    def shut(self, fd: int) -> bool:
        """The end of a stream."""
        if fd == STDIN:
            was_open = self._inlet is not None
            self._drop_inlet()
            return was_open
        outlet = self._outlets.get(fd)
        if outlet is None or outlet.closing:
            return False
        self._transcript.end(fd, self._tape_ns())
        # Another descriptor may be the same pipe.
        del self._outlets[fd]
        if outlet not in self._outlets.values():
            self._outlets[fd] = outlet
            outlet.closing = True
        return True

    def await_room(self, fd: int) -> Want | None:
        """Until the parent has read some."""
        limit = self._limits.output
        if self._written.get(fd, 0) > limit:
            return Want(None, lambda: self._is_over(limit))
        outlet = self._outlets.get(fd)
        if outlet is None or outlet.waiting <= _ROOM:
            return None
        return Want(None, lambda: outlet.waiting <= _ROOM)

    def _is_over(self, limit: int) -> bool:
        self._fail(self._on_failed("output", f"wrote more than {limit:,} bytes (tapes_max_output)"))
        return False

    def await_time(self, until_ns: int) -> Want:
        """Until then."""
        moment = self._moment(until_ns)
        return Want(script.Effects((), moment.at_ns), lambda: self._reaches(moment))

    def await_input(self, until_ns: int | None = None) -> Want:
        """Input; without a clock the moment comes once the parent waits for the module."""
        if until_ns is None:
            return Want(free_steps.AnyInput(0, 0, False, self._elapsed_ns()), self.readable)
        moment = self._moment(until_ns)
        step = _InputUntil(0, 0, False, moment.at_ns)
        return Want(step, lambda: self.readable() or self._is_past(moment))

    def _moment(self, until_ns: int) -> _Moment:
        left_ns = max(0, until_ns - self.clock.monotonic_ns())
        return _Moment(self._elapsed_ns() + left_ns, self._slept_ns + left_ns)

    def _is_past(self, moment: _Moment) -> bool:
        return (self._now_ns is not None or self._time_passes) and self._reaches(moment)

    def _reaches(self, moment: _Moment) -> bool:
        if not self._is_due(moment.at_ns):
            return False
        self._slept_ns = max(self._slept_ns, moment.slept_ns)
        return True
