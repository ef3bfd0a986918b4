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
from collections.abc import Callable, MutableSequence
from functools import partial
from typing import Any

from ..clock import REAL, Waits, outer_lock
from ..errors import ProctapeError, TapeError
from ..genuine import threading
from ..tape import Script, free_steps, script
from .causes import CAUSES, HARMLESS, UNCAUSED, Stalled, WrongCause
from .channels import CHUNK, Outlet
from .memory import Memory
from .taking import Taking

_BEFORE_A_KILL = script.AwaitsInput | script.TerminalSet


class Machine(Taking):
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
    _changed: threading.Condition | None = None
    _sets: tuple[str, ...] = ()
    """What the parent has changed of its terminal, and the child has not come to."""
    _now_ns: Callable[[], int] | None = None
    _own_input = _connected = _started = _is_at_it = False
    _skipped_ns = _anchor_ns = _at = 0

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
        self._signals: list[int] = []
        self._changes: list[int] = []
        self._retold = retold
        self._outlets: dict[int, Outlet] = {}
        self._on_effects = on_effects
        self._lock = outer_lock(None if waits is None else waits.ranks)

    # -- whom it tells -------------------------------------------------------------------------

    def _tell_wrong(self, wrong: WrongCause | Stalled) -> ProctapeError:
        """The parent did something else than in the recording: what it is to be told."""
        raise NotImplementedError

    def _tell_damage(self, error: TapeError) -> ProctapeError:
        """What it plays can't be read any more: what the parent is to be told."""
        raise NotImplementedError

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
            self._connected = True
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
            if not self._connected or (self.status is not None and self._is_over_and_done()):
                # A handler of signals may ask before there is anybody to talk to.
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
        while (step := self._step_at(at := self._at)) is not None:
            try:
                if self._has_come(step, at):
                    self._go_past(step, at)
            except BaseException:
                self._is_at_it = False
                raise
            if self._at == at:
                self._refuse_kill(step)
                return
        if self._held:
            return
        if self.script.end.status is not None and self._is_due(self.script.end.duration_ns):
            self._refuse_more()
            self._end(self.script.end.status)

    def _has_come(self, step: script.Step, at: int) -> bool:
        try:
            if not self._try(step, at) or self._at != at:
                return False
        except WrongCause:
            if self._at == at:
                raise
            # A handler of signals has stepped meanwhile.
            return False
        if self._now_ns is not None and not self._is_timed(step) and not isinstance(step, script.Timeout):
            # What follows a cause comes as long after it as it did in the recording.
            # Where the clock is gone meanwhile, it has come already.
            now_ns = self._now_ns() if self._waits is None else self._waits.timeline.known_ns()
            self._anchor_ns = now_ns - step.at_ns
        if self._console is not None and isinstance(step, CAUSES):
            self._console.moved_on()
        return True

    def _go_past(self, step: script.Step, at: int) -> None:
        """The step with the number ``at`` has come: it has been done from now on."""
        queue: MutableSequence[Any] = []
        added: list[Any] = []
        outlet = self._outlets.get(step.fd) if isinstance(step, script.Output) else None
        if isinstance(step, script.Output) and outlet is not None:
            queue, added = outlet.queueing(step.data)
        elif isinstance(step, script.Change):
            queue, added = self._changes, [step.status]
        met = isinstance(step, script.Signal)
        sets = self._sets[1:] if isinstance(step, script.TerminalSet) else self._sets
        # From here on nothing is called, so no handler of signals, which may step as well, comes between.
        if self._at != at:
            return
        queue += added
        if met:
            del self._signals[0]
        self._sets = sets
        self._at = at + 1
        self._is_at_it = False

    def _try(self, step: script.Step, at: int) -> bool:
        match step:
            case script.Output() | script.OutputEnd():
                return self._emit(step)
            case (
                script.Input()
                | script.InputEnd()
                | free_steps.AnyInput()
                | free_steps.AnyInputEnd()
                | free_steps.InputPattern()
            ):
                return self._alone(at, partial(self._take_any, step))
            case free_steps.Hang():
                return self._end_by_signal()
            case script.Signal():
                return self._take_signal(step)
            case script.Change():
                return self._change(step)
            case script.Ended():
                return self._end_early(step)
            case script.Effects() | script.TerminalSeen():
                return self._alone(at, partial(self._show, step))
            case script.Timeout():
                return self._waits is not None and self._is_due(step.at_ns)
            case script.TerminalSet():
                return self._take_set(step)

    def _alone(self, at: int, do: Callable[[], bool]) -> bool:
        """Do what can't be done twice, unless a handler of signals asks in the middle of that.

        It finds the child where it was, until :meth:`_go_past`.
        """
        if self._is_at_it:
            return False
        self._is_at_it, has_come = True, False
        try:
            has_come = self._at == at and do()
        finally:
            self._is_at_it = has_come
        return has_come

    def _emit(self, step: script.Output | script.OutputEnd) -> bool:
        if not self._is_due(step.at_ns):
            return False
        if isinstance(step, script.OutputEnd):
            outlet = self._outlets.get(step.fd)
            if outlet is not None:
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
        number = self._signals[0]
        if number != step.number:
            raise WrongCause(step, number)
        return True

    def _take_set(self, step: script.TerminalSet) -> bool:
        if not self._sets:
            return False
        words = self._sets[0]
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
        return self._waits is None or self._is_due(step.at_ns)

    def _end_early(self, step: script.Ended) -> bool:
        """The child ends, but what it started holds its outputs: they stay open until they are closed."""
        status = self.script.end.status
        if status is None or not self._is_due(step.at_ns):
            return False
        self._held = True
        self._end(status)
        return True

    def _end_by_signal(self) -> bool:
        while self._signals:
            number = self._signals.pop(0)
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
            raise WrongCause(None, self._signals.pop(0))
        if self._sets:
            raise WrongCause(None, self._sets[0])

    def _end(self, status: int) -> None:
        if self.status is not None and self.error is None:
            # A handler of signals has stepped meanwhile.
            return
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
        return self._step_at(self._at)

    def _step_at(self, at: int) -> script.Step | None:
        steps = self.script.steps
        return steps[at] if at < len(steps) else None

    def _next_at_ns(self) -> int:
        step = self._next()
        return self.script.end.duration_ns if step is None else step.at_ns

    def pass_timeouts(self) -> None:
        """The parent waits without a limit, or has moved on: no expiry holds the child back any more."""
        self.step()
        while isinstance(step := self._next(), script.Timeout):
            self._go_past(step, self._at)
            self.step()
