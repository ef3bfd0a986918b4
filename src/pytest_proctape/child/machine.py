"""The machine that plays the steps of a tape's entry; :mod:`.virtual` makes a child of it that a parent has.

Causes come first. A step that the parent has to bring about (input, a signal, the end of a timed wait)
holds back everything that followed it in the recording, and nothing else is held back: what has no
cause in the parent happens as soon as the child is started.

The machine never blocks. :meth:`Machine.step` moves as far as it can; it is called when the child
starts, whenever the parent waits for it or sends it something, and by the pump when a pipe that the
child needs has become ready.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..clock import REAL, Waits
from ..errors import ProctapeError, TapeError
from ..tape import Script, free_steps, script
from .causes import CAUSES, HARMLESS, UNCAUSED, Stalled, WrongCause
from .channels import CHUNK, Inlet, Outlet
from .ends import Ends
from .loose import LooseInput, Unfitting
from .memory import Memory

if TYPE_CHECKING:
    from .console import PlayedConsole

_SHOWING = script.Input | script.Output
_BEFORE_A_KILL = script.AwaitsInput | script.TerminalSet


class Machine(Ends):
    """Plays one entry.

    Attributes:
        script: what it does.
        status: as from :func:`os.waitpid`, once it has ended.
        error: what the parent is to be told at its next wait.
    """

    error: ProctapeError | None = None
    # What most children never need has its place here, and costs nothing.
    on_step: Callable[[Any], object] | None = None
    """Is told of each step, in the thread that stepped, and of whatever else ended the child."""
    _loose: LooseInput | None = None
    _changed: threading.Condition | None = None
    _console: PlayedConsole | None = None
    _sets: tuple[str, ...] = ()
    """What the parent has changed of its terminal, and the child has not come to."""
    _now_ns: Callable[[], int] | None = None
    _own_input = _started = False
    _skipped_ns = _anchor_ns = _at = _offset = _taken = 0
    _unheard = b""
    """What was typed in the place of a hang-up."""
    _got = b""
    """Input that was taken for a step which needs more."""

    def __init__(
        self,
        script: Script,
        now_ns: Callable[[], int] | None,
        waits: Waits | None,
        retold: Callable[[], Script] | None,
        on_effects: Callable[[script.Effects], None] | None,
    ) -> None:
        self.script = script
        self._started_ns = REAL.monotonic_ns()
        self._waits = waits
        if now_ns is not None or waits is not None:
            clock_ns = waits.timeline.now_ns if waits is not None else now_ns
            assert clock_ns is not None
            self._now_ns = clock_ns
            self._anchor_ns = clock_ns()
        self._signals: deque[int] = deque()
        self._changes: deque[int] = deque()
        self._retold = retold
        self._outlets: dict[int, Outlet] = {}
        self._on_effects = on_effects
        self._lock = threading.RLock()

    # -- whom it tells -------------------------------------------------------------------------

    def _tell_wrong(self, wrong: WrongCause | Stalled) -> ProctapeError:
        """The parent did something else than in the recording: what it is to be told."""
        raise NotImplementedError

    def _tell_damage(self, error: TapeError) -> ProctapeError:
        """What it plays can't be read any more: what the parent is to be told."""
        return error

    def _tell_end(self) -> None:
        """It has ended."""
        raise NotImplementedError

    def _watch(self) -> None:
        """See to it that it is stepped when it can move, without being asked."""
        raise NotImplementedError

    # -- playing -------------------------------------------------------------------------------

    def start_in(self, memory: Memory) -> None:
        """Play everything at once; :meth:`.Memory.takes` has been asked."""
        with self._lock:
            if memory.is_sent_nothing and self._now_ns is None and self._play_all_into(memory):
                return
            self._own_input = memory.private
            self._inlet = memory.inlet
            self._outlets = dict(memory.outlets)
            self.step()

    def _play_all_into(self, memory: Memory) -> bool:
        """What :meth:`step` does, where the child waits for the end of input at most; else nothing."""
        steps = self.script.steps
        for step in steps:
            if not isinstance(step, script.Output | script.InputEnd):
                return False
        for step in steps:
            if isinstance(step, script.Output) and step.fd in memory.outlets:
                memory.outlets[step.fd].add(step.data)
        self._at = len(steps)
        self._end(self.script.end.status or 0)
        return True

    def step(self) -> bool:
        """Move as far as possible without blocking; whether it moved."""
        with self._lock:
            if self.status is not None and self._is_over_and_done():
                return False
            before = self._at, self._offset, len(self._got)
            if self.status is None or self._held:
                try:
                    self._play()
                except WrongCause as wrong:
                    self._fail(self._tell_wrong(wrong))
                if self._changed is not None and (self._ended() or self._at != before[0]):
                    self._changed.notify_all()
            try:
                wrote = self._flush()
            except TapeError as error:
                if not self._started:
                    raise
                self._spoil(error)
                wrote = True
            self._watch()
            moved = wrote or before != (self._at, self._offset, len(self._got))
            if moved and self._waits is not None:
                self._waits.changed()
            if self.on_step is not None:
                self.on_step(self)
            return moved

    def _is_over_and_done(self) -> bool:
        """The child has ended, and has nothing left that could move."""
        return not self._outlets and not self._held and self._inlet is None

    def _play(self) -> None:
        while (step := self._next()) is not None:
            if not self._try(step):
                self._refuse_kill(step)
                return
            if self._now_ns is not None and not self._is_timed(step) and not isinstance(step, script.Timeout):
                # What follows a cause comes as long after it as it did in the recording.
                # Where the clock is gone meanwhile, it has come already.
                now_ns = self._now_ns() if self._waits is None else self._waits.timeline.known_ns()
                self._anchor_ns = now_ns - step.at_ns
            if self._console is not None and isinstance(step, CAUSES):
                self._console.moved_on()
            self._at += 1
        if self._held:
            return
        if self.script.end.status is not None and self._is_due(self.script.end.duration_ns):
            self._refuse_more()
            self._end(self.script.end.status)

    def _try(self, step: script.Step) -> bool:
        match step:
            case script.Output() | script.OutputEnd():
                return self._emit(step)
            case script.Input():
                return self._take(step)
            case script.InputEnd():
                return self._take_end(step)
            case free_steps.AnyInput() | free_steps.AnyInputEnd() | free_steps.InputPattern():
                return self._take_loosely(step)
            case free_steps.Hang():
                return self._end_by_signal()
            case script.Signal():
                return self._take_signal(step)
            case script.Change():
                return self._change(step)
            case script.Ended():
                return self._end_early(step)
            case script.Timeout():
                return self._waits is not None and self._is_due(step.at_ns)
            case script.TerminalSet():
                return self._take_set(step)
            case script.TerminalSeen() | script.Effects():
                return self._show(step)

    def _emit(self, step: script.Output | script.OutputEnd) -> bool:
        if not self._is_due(step.at_ns):
            return False
        outlet = self._outlets.get(step.fd)
        if outlet is not None and isinstance(step, script.Output):
            outlet.add(step.data)
        elif outlet is not None:
            outlet.closing = True
        return True

    def _show(self, step: script.Effects | script.TerminalSeen) -> bool:
        """Put the files where the child had put them, or set the terminal as it had."""
        if not self._is_due(step.at_ns):
            return False
        if isinstance(step, script.TerminalSeen):
            if self._console is not None:
                self._console.show(step.words)
            return True
        try:
            if self._on_effects is not None:
                self._on_effects(step)
        except ProctapeError as error:
            self._fail(error)
            return False
        return True

    def _take_signal(self, step: script.Signal) -> bool:
        if not self._signals:
            return False
        number = self._signals.popleft()
        if number != step.number:
            raise WrongCause(step, number)
        return True

    def _take_set(self, step: script.TerminalSet) -> bool:
        if not self._sets:
            return False
        words, *rest = self._sets
        self._sets = tuple(rest)
        if words != step.words:
            raise WrongCause(step, words)
        return True

    def _refuse_kill(self, step: script.Step) -> None:
        """A kill does not wait for what comes before; where none is on the tape, that may never come."""
        if self._signals and signal.SIGKILL in self._signals and isinstance(step, _BEFORE_A_KILL):
            rest = self.script.steps[self._at :]
            if not any(isinstance(one, script.Signal) and one.number == signal.SIGKILL for one in rest):
                raise WrongCause(step, signal.SIGKILL)

    def _change(self, step: script.Change) -> bool:
        """The child stops, or continues; under a mock clock in its own time, should it do so by itself."""
        if self._waits is not None and not self._is_due(step.at_ns):
            return False
        self._changes.append(step.status)
        return True

    def _end_early(self, step: script.Ended) -> bool:
        """The child ends, but what it started holds its outputs: they stay open until they are closed."""
        status = self.script.end.status
        if status is None or not self._is_due(step.at_ns):
            return False
        self._held = True
        self._end(status)
        return True

    def _has_no_room(self, step: script.Step) -> bool:
        """Whether the recorded child took this when it came to it, and not when it was sent.

        That shows only under a mock clock, and only once more has been sent than a pipe holds.
        """
        return (
            self._waits is not None
            and isinstance(step, script.Input | script.InputEnd)
            and not self._is_due(step.at_ns)
            and self._taken >= CHUNK
        )

    def _take(self, step: script.Input) -> bool:
        inlet = self._inlet
        if inlet is None:
            raise WrongCause(step, None)
        if step.open is not None:
            return self._take_open(step, step.open, inlet)
        if self._has_no_room(step):
            return False
        while self._offset < step.data.size:
            data = inlet.take(min(CHUNK, step.data.size - self._offset))
            if not data:
                if inlet.at_end and not self._may_be_lost():
                    raise WrongCause(step, None, self._offset)
                if not inlet.at_end:
                    return False
                break
            if step.data.read(self._offset, len(data)) != data:
                raise WrongCause(step, data, self._offset)
            self._offset += len(data)
            self._taken += len(data)
        self._offset = 0
        return True

    def _may_be_lost(self) -> bool:
        """Whether the terminal was hung up when this had been typed, and nothing had come of it."""
        rest = self.script.steps[self._at + 1 :]
        return self._console is not None and not any(isinstance(one, _SHOWING) for one in rest)

    def _take_open(self, step: script.Input, awaited: script.OpenInput, inlet: Inlet) -> bool:
        """Input of which the tape does not know every byte."""
        while data := inlet.take(CHUNK):
            self._got += data
            self._taken += len(data)
        got = self._got
        try:
            used = awaited.met(got, ended=inlet.at_end)
        except ValueError:
            raise WrongCause(step, got) from None
        if used is None:
            return False
        inlet.put_back(got[used:])
        self._got = b""
        if self._retold is not None:
            # What the parent has said turns up in what the child says from now on.
            self.script = self._retold()
        return True

    def _take_end(self, step: script.InputEnd) -> bool:
        if self._inlet is None:
            return True
        if self._has_no_room(step):
            return False
        data = self._inlet.take(CHUNK)
        if data and self._console is not None:
            # What is typed just before a terminal is hung up may be lost, and was in the recording. Unless
            # that comes, it is told to the next who asks for the child.
            self._unheard += data
            data = self._inlet.take(CHUNK)
        if data:
            raise WrongCause(step, data)
        return self._inlet.at_end

    def _take_loosely(self, step: free_steps.FreeInput) -> bool:
        try:
            self._loose = self._loose or LooseInput()
            return self._loose.take(self._inlet, step)
        except Unfitting as wrong:
            raise WrongCause(step, wrong.data) from None

    def _end_by_signal(self) -> bool:
        while self._signals:
            number = self._signals.popleft()
            if number not in HARMLESS:
                self.script = self.script.but(end=self.script.end.but(status=number))
                return True
        return False

    def _refuse_more(self) -> None:
        """All that is left is the end: what was sent meanwhile is not on the tape.

        Only a pipe of the parent's own is looked at, and only where the recorded child left its input
        untouched: past an ``Input`` it may well have ended without reading what came behind it, and one that
        the parent has ended was not asked whether it had.
        """
        untouched = not any(
            isinstance(step, script.AwaitsInput | script.Signal) for step in self.script.steps
        )
        if self.script.has_input and untouched and self._inlet is not None and self._own_input:
            data = self._inlet.take(CHUNK)
            if data:
                raise WrongCause(None, data)
        if self._signals:
            raise WrongCause(None, self._signals.popleft())
        if self._sets:
            raise WrongCause(None, self._sets[0])

    def _end(self, status: int) -> None:
        self.status = status
        self._drop_inlet()
        self._tell_end()
        if self._waits is not None:
            self._waits.changed()

    def _spoil(self, error: TapeError) -> None:
        """What is left to be said can't be read: the outputs end, and who waits is told."""
        told = self._tell_damage(error)
        if self.status is None:
            self._fail(told)
        else:
            self.error = told
            self._drop()

    def _fail(self, error: ProctapeError) -> None:
        """The test went another way than the tape: end the child, so that nothing waits for it."""
        self.error = error
        self._drop()
        self._end(int(signal.SIGKILL))
        if self.on_step is not None:
            self.on_step(self)

    def _is_timed(self, step: script.Step) -> bool:
        """Whether only time brings this about, and nothing that the parent does."""
        return isinstance(step, UNCAUSED) or (isinstance(step, script.Change) and self._waits is not None)

    def _is_due(self, at_ns: int) -> bool:
        return self._now_ns is None or self._now_ns() >= self._anchor_ns + at_ns

    def _next(self) -> script.Step | None:
        return self.script.steps[self._at] if self._at < len(self.script.steps) else None

    def _next_at_ns(self) -> int:
        step = self._next()
        return self.script.end.duration_ns if step is None else step.at_ns

    def pass_timeouts(self) -> None:
        """The parent waits without a limit, or has moved on: no expiry holds the child back any more."""
        self.step()
        while isinstance(self._next(), script.Timeout):
            self._at += 1
            self.step()
