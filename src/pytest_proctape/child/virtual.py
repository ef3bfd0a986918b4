"""A child of the replay: it plays the steps of a tape's entry into the descriptors it was given.

Causes come first. A step that the parent has to bring about (input, a signal, the end of a timed wait)
holds back everything that followed it in the recording, and nothing else is held back: what has no
cause in the parent happens as soon as the child is started.

The machine never blocks. :meth:`VirtualChild.step` moves as far as it can; it is called when the child
starts, whenever the parent waits for it or sends it something, and by the pump when a pipe that the
child needs has become ready.
"""

from __future__ import annotations

import os
import selectors
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

from ..clock import REAL, Wait, Waits
from ..errors import ProctapeError
from ..tape import STDIN, End, Script, free_steps, script
from . import terminal
from .channels import CHUNK, Inlet, Outlet
from .loose import LooseInput, Unfitting, with_received
from .memory import Memory
from .pump import PUMP
from .stall import StallWatch
from .wiring import Wiring

STALL_LIMIT_NS = 30 * 10**9
"""Real nanoseconds that parent and child wait for each other before it is plain that they never meet."""

LONE_STALL_LIMIT_NS = 10**9
"""The same where the parent has no other thread that could still do what the child waits for."""

_SLACK_NS = 50_000_000
_CAUSES = script.AwaitsInput | script.Signal | script.Timeout | free_steps.Hang

_HARMLESS = frozenset({signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH})
"""Signals that end nobody who does not ask for it: signal(7)."""

_UNCAUSED = script.Output | script.OutputEnd | script.Ended | script.Effects
"""Steps that need nothing but time."""


class Stalled(Exception):
    """The child waits for something that the test does not do.

    Attributes:
        awaited: the step it waits for.
    """

    def __init__(self, awaited: script.Step) -> None:
        self.awaited = awaited
        super().__init__(awaited)


class WrongCause(Exception):
    """The parent did something else than in the recording.

    Attributes:
        awaited: the step the child was at; ``None`` when all that was left was its end.
        got: the bytes that came, the signal that was sent, or ``None`` for the end of the input.
        offset: for bytes, where within the awaited input they begin.
    """

    def __init__(self, awaited: script.Step | None, got: bytes | int | None, offset: int = 0) -> None:
        self.awaited = awaited
        self.got = got
        self.offset = offset
        super().__init__(awaited, got)


class VirtualChild:
    """One entry being played.

    Attributes:
        pid: above every kernel's ``pid_max``.
        group: its process group.
        new_session: it leads a session of its own.
        now_ns: the clock by which the parent waits for it, if it does; the child's steps keep to it.
        script: what it does.
        status: as from :func:`os.waitpid`, once it has ended.
        reaped: the parent knows that it has ended.
        error: what the parent is to be told at its next wait.
        raw: what it says to a terminal has been through a line discipline already.
    """

    status: int | None = None
    error: ProctapeError | None = None
    reaped = False
    raw = True
    # What most children never need has its place here, and costs nothing.
    _loose: LooseInput | None = None
    _changed: threading.Condition | None = None
    _stall_watch: StallWatch | None = None
    _inlet: Inlet | None = None
    _now_ns: Callable[[], int] | None = None
    _quiet = _unseen = _own_input = _held = False
    _skipped_ns = _anchor_ns = _at = _offset = _taken = 0
    _got = b""
    """Input that was taken for a step which needs more."""
    _signals: tuple[int, ...] = ()
    _changes: tuple[int, ...] = ()

    def __init__(
        self,
        pid: int,
        group: int,
        script: Script,
        *,
        new_session: bool = False,
        now_ns: Callable[[], int] | None = None,
        waits: Waits | None = None,
        on_wrong: Callable[[VirtualChild, WrongCause | Stalled], ProctapeError],
        on_end: Callable[[VirtualChild], None],
        retold: Callable[[], Script] | None = None,
        on_effects: Callable[[script.Effects], None] | None = None,
    ) -> None:
        self.pid = pid
        self.group = group
        self.script = script
        self.new_session = new_session
        self._started_ns = REAL.monotonic_ns()
        self._waits = waits
        if now_ns is not None or waits is not None:
            self._quiet = now_ns is not None
            clock_ns = waits.timeline.now_ns if waits is not None else now_ns
            assert clock_ns is not None
            self._now_ns = clock_ns
            self._anchor_ns = clock_ns()
        else:
            self._unseen = script.seen_running
        self._retold = retold
        self._outlets: dict[int, Outlet] = {}
        self._home = threading.get_ident()
        self._on_wrong = on_wrong
        self._on_end = on_end
        self._on_effects = on_effects
        self._lock = threading.RLock()

    def start(self, wiring: Wiring) -> None:
        """Play as far as nothing holds the child back; keep only the descriptors that are still needed."""
        own_input = wiring.inputs.get(STDIN) in wiring.private
        with self._lock, terminal.opened(wiring, raw=self.raw) as (wiring, tty, settings):
            self._own_input = own_input
            self._connect(wiring)
            channels = [*self._outlets.values(), *([] if self._inlet is None else [self._inlet])]
            for channel in channels:
                if channel.fd == tty:
                    channel.play_into(settings)
                    # The first to be told is an output, if there is one; it is the last to be closed.
                    settings = None
            self.step()
            for channel in [*self._outlets.values(), *([] if self._inlet is None else [self._inlet])]:
                channel.adopt()
            self._watch()
        if self._waits is not None:
            # Not before: others let it step.
            self._waits.add(self)

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

    def _connect(self, wiring: Wiring) -> None:
        fd = wiring.inputs.get(STDIN)
        if fd is not None:
            self._inlet = Inlet(fd)
        made: dict[int, Outlet] = {}
        for own, parents in wiring.outputs.items():
            if parents not in made:
                made[parents] = Outlet(parents, private=parents in wiring.private)
            self._outlets[own] = made[parents]
        answers = any(isinstance(one, script.Output) and one.fd == STDIN for one in self.script.steps)
        if fd is not None and answers:
            self._outlets[STDIN] = Outlet(fd, private=False)

    # -- what the parent does ------------------------------------------------------------------

    def poll(self) -> int | None:
        """The status if the child has ended.

        Raises:
            ProctapeError: the parent did something else than on the tape. It is raised once.
        """
        with self._lock:
            self.step()
            if self.error is not None and not self._quiet:
                # An event loop would swallow it in a callback and never tell of the end. It is latched.
                error, self.error = self.error, None
                raise error
            return self.status

    def glance(self) -> int | None:
        """:meth:`poll` for the parent itself, which sees the child running once where the recording did.

        Raises:
            ProctapeError: as :meth:`poll`.
        """
        with self._lock:
            status = self.poll()
            unseen, self._unseen = self._unseen, False
        if self._waits is not None and status is None:
            self._waits.polled(self._over)
        return None if unseen else status

    def found_running(self) -> None:
        """The parent has found it running before it was here, as a copy of the parent."""
        self._unseen = False

    def change(self, options: int) -> int | None:
        """The status of the next stop or continuation that a wait with these options is told of.

        With ``WNOWAIT`` the next wait is told of it too.
        """
        with self._lock:
            self.step()
            for status in self._changes:
                if options & (os.WUNTRACED if os.WIFSTOPPED(status) else os.WCONTINUED):
                    if not options & os.WNOWAIT:
                        self._changes = _without(self._changes, status)
                    return status
            return None

    def wait(self, options: int = 0) -> int:
        """Wait for the end; what only a timed wait held back goes on.

        Args:
            options: of :func:`os.waitpid`; may ask for stops and continuations as well.

        Raises:
            ProctapeError: as :meth:`poll`, and when the child waits for what can't come any more.
        """
        if self._waits is not None:
            self._await(None, lambda: bool(options and self._changes))
        with self._lock:
            self.pass_timeouts()
            self._block(None, lambda: bool(options and self._changes))
            change = self.change(options) if options else None
            if change is not None:
                return change
            assert self.status is not None
            return self.status

    def expires(self, timeout_ns: int) -> bool:
        """Whether a wait of this length ends before the child does; the tape decides, no time passes.

        A wait that expired in the recording expires again; one that is longer now reaches as far as the
        recorded times say. Where the tape has no expired wait here, the recorded duration decides, with
        some slack: the recorded wait did reach the end, and began a little later than this one. Under a
        mock clock time passes, and decides.
        """
        if self._waits is not None:
            return not self._await(self._waits.timeline.now_ns() + timeout_ns)
        with self._lock:
            status = None if self._held else self.poll()
            while isinstance(step := self._next(), script.Timeout):
                self._at += 1
                longer_ns = timeout_ns - step.timeout_ns
                self._skipped_ns += min(timeout_ns, step.timeout_ns)
                if longer_ns <= 0 or self._next_at_ns() - step.at_ns > longer_ns:
                    self.step()
                    return True
                status = self.poll()
            if isinstance(self._next(), free_steps.Hang):
                return True
            if status is None:
                if threading.active_count() > 1:
                    self._block(timeout_ns)
                return self.status is None
            elapsed_ns = REAL.monotonic_ns() - self._started_ns + self._skipped_ns
            if self.script.end.duration_ns <= elapsed_ns + timeout_ns + timeout_ns // 10 + _SLACK_NS:
                return False
            self._skipped_ns += timeout_ns
            return True

    def send(self, number: int) -> None:
        """The parent sent a signal. One to a child that has ended changes nothing, as in real life."""
        with self._lock:
            if self.status is None and number:
                self.pass_timeouts()
                if self._only_time_is_left():
                    # A signal to the living child would be on the tape: in the recording it had just ended.
                    self._anchor_ns -= self.script.end.duration_ns
                    self.step()
                    return
                self._signals += (number,)
                self.step()

    def _only_time_is_left(self) -> bool:
        rest = self.script.steps[self._at :]
        timeless = all(
            isinstance(step, script.Output | script.OutputEnd | script.Change | script.Effects)
            for step in rest
        )
        return timeless and self._now_ns is not None and self.script.end.status is not None

    def due_ns(self) -> int | None:
        """When the next thing happens that only time holds back, by the parent's clock; else ``None``."""
        with self._lock:
            step = self._next()
            if self.status is not None and not self._held:
                return None
            if step is None and (self._held or self.script.end.status is None):
                return None
            if isinstance(step, script.Timeout) and self._waits is not None:
                return self._anchor_ns + step.at_ns
            if step is not None and self._has_no_room(step):
                return self._anchor_ns + step.at_ns
            if step is not None and not self._is_timed(step):
                return None
            if isinstance(step, script.Ended) and self.script.end.status is None:
                return None
            return self._anchor_ns + self._next_at_ns()

    def so_far(self) -> Script:
        """What the parent can know of by now."""
        with self._lock:
            received = b"" if self._loose is None else bytes(self._loose.received)
            if self.reaped:
                return with_received(self.script, self.script.steps, received)
            end = End(None, None, REAL.monotonic_ns() - self._started_ns)
            return with_received(replace(self.script, end=end), self.script.steps[: self._at], received)

    @property
    def clocked(self) -> bool:
        """A mock clock says when it does what."""
        return self._waits is not None

    @property
    def open(self) -> bool:
        """It has ended, and its outputs have not."""
        return self._held and bool(self._outlets)

    @property
    def busy(self) -> bool:
        """Output that has been released is still on its way."""
        return bool(self._outlets)

    @property
    def at_timeout(self) -> bool:
        """Whether nothing more happens until a timed wait of the parent expires, or it sends a signal."""
        with self._lock:
            self.step()
            return isinstance(self._next(), script.Timeout | script.Signal | free_steps.Hang)

    def close(self) -> None:
        """Let go of everything; called when the tape ends. A child that still runs is killed."""
        with self._lock:
            if self.status is None:
                self.status = int(signal.SIGKILL)
            self._drop()
            self._watch_for_stall(waits=False)

    def abandon(self) -> None:
        """In a forked child: close its copies of the descriptors, so that readers see the end of them."""
        for outlet in self._outlets.values():
            outlet.close()
        if self._inlet is not None:
            self._inlet.close()

    # -- the machine ---------------------------------------------------------------------------

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
                    self._fail(self._on_wrong(self, wrong))
                if self._changed is not None and (self._ended() or self._at != before[0]):
                    self._changed.notify_all()
            wrote = self._flush()
            self._watch()
            moved = wrote or before != (self._at, self._offset, len(self._got))
            if moved and self._waits is not None:
                self._waits.changed()
            return moved

    def _is_over_and_done(self) -> bool:
        """The child has ended, and has nothing left that could move."""
        return not self._outlets and not self._held and self._inlet is None

    def _play(self) -> None:
        while (step := self._next()) is not None:
            if not self._try(step):
                return
            if self._now_ns is not None and not self._is_timed(step) and not isinstance(step, script.Timeout):
                # What follows a cause comes as long after it as it did in the recording.
                self._anchor_ns = self._now_ns() - step.at_ns
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
            case script.Effects():
                return self._show(step)
            case script.Timeout():
                return self._waits is not None and self._is_due(step.at_ns)

    def _emit(self, step: script.Output | script.OutputEnd) -> bool:
        if not self._is_due(step.at_ns):
            return False
        outlet = self._outlets.get(step.fd)
        if outlet is not None and isinstance(step, script.Output):
            outlet.add(step.data)
        elif outlet is not None:
            outlet.closing = True
        return True

    def _show(self, step: script.Effects) -> bool:
        """Put the files where the child had put them."""
        if not self._is_due(step.at_ns):
            return False
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
        number, *rest = self._signals
        self._signals = tuple(rest)
        if number != step.number:
            raise WrongCause(step, number)
        return True

    def _change(self, step: script.Change) -> bool:
        """The child stops, or continues; under a mock clock in its own time, should it do so by itself."""
        if self._waits is not None and not self._is_due(step.at_ns):
            return False
        self._changes += (step.status,)
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
                if inlet.at_end:
                    raise WrongCause(step, None, self._offset)
                return False
            if step.data.read(self._offset, len(data)) != data:
                raise WrongCause(step, data, self._offset)
            self._offset += len(data)
            self._taken += len(data)
        self._offset = 0
        return True

    def _take_open(self, step: script.Input, awaited: script.OpenInput, inlet: Inlet) -> bool:
        """Input of which the tape does not know every byte."""
        parts = [self._got]
        while data := inlet.take(CHUNK):
            parts.append(data)
            self._taken += len(data)
        got = self._got = b"".join(parts)
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
            number, *rest = self._signals
            self._signals = tuple(rest)
            if number not in _HARMLESS:
                self.script = replace(self.script, end=replace(self.script.end, status=number))
                return True
        return False

    def _refuse_more(self) -> None:
        """All that is left is the end: what was sent meanwhile is not on the tape.

        Only a pipe of the parent's own is looked at, and only where the recorded child left its input
        untouched: past an ``Input`` it may well have ended without reading what came behind it.
        """
        untouched = not any(isinstance(step, script.AwaitsInput) for step in self.script.steps)
        if self.script.has_input and untouched and self._inlet is not None and self._own_input:
            data = self._inlet.take(CHUNK)
            if data:
                raise WrongCause(None, data)
        if self._signals:
            raise WrongCause(None, self._signals[0])

    def _end(self, status: int) -> None:
        self.status = status
        self._drop_inlet()
        self._on_end(self)
        if self._waits is not None:
            if not self._held:
                self._waits.discard(self)
            self._waits.changed()

    def _fail(self, error: ProctapeError) -> None:
        """The test went another way than the tape: end the child, so that nothing waits for it."""
        self.error = error
        self._drop()
        self._end(int(signal.SIGKILL))

    # -- waiting -------------------------------------------------------------------------------

    def _block(self, limit_ns: int | None, enough: Callable[[], bool] = lambda: False) -> None:
        """Wait until the child has ended, or ``limit_ns`` real nanoseconds. Other threads can go on."""
        began_ns = REAL.monotonic_ns()
        while self.poll() is None and not enough():
            if limit_ns is None and threading.get_ident() == self._home and self._skip_to_due():
                continue
            stall_ns = LONE_STALL_LIMIT_NS if _nobody_else_can_act() else STALL_LIMIT_NS
            left_ns = began_ns + (stall_ns if limit_ns is None else limit_ns) - REAL.monotonic_ns()
            if left_ns > 0:
                self._changed = self._changed or threading.Condition(self._lock)
                self._changed.wait(left_ns / 1e9)
            elif limit_ns is not None:
                return
            else:
                self._fail(self._on_wrong(self, Stalled(self._next() or script.Signal(int(signal.SIGKILL)))))

    def streams(self) -> list[int]:
        """The descriptors by which the parent may wait for this child while the child waits for it."""
        with self._lock:
            over = self.status is not None and not self._held
            if (
                over
                or not isinstance(self._next(), _CAUSES)
                or any(outlet.pending for outlet in self._outlets.values())
            ):
                return []
            channels = [*self._outlets.values(), *([] if self._inlet is None else [self._inlet])]
            return [channel.fd for channel in channels if channel.owned and channel.waits]

    def awaited_in_vain(self) -> None:
        """The parent reads without a limit, which ends a timed wait as well as any other."""
        self.pass_timeouts()

    def stall(self) -> None:
        """What the child waits for will never come: whoever reads gets an end, and the test its error."""
        with self._lock:
            step = self._next()
            if isinstance(step, _CAUSES) and (self.status is None or self._held):
                self._fail(self._on_wrong(self, Stalled(step)))
                self.step()
                if self._changed is not None:
                    self._changed.notify_all()

    def _over(self) -> bool:
        self.step()
        return self.status is not None

    def _await(self, deadline_ns: int | None, enough: Callable[[], bool] = lambda: False) -> bool:
        """Under a mock clock, wait until the child has ended; whether it has before ``deadline_ns``."""
        assert self._waits is not None

        def ready() -> bool:
            return self._over() or enough()

        patience_ns = LONE_STALL_LIMIT_NS if _nobody_else_can_act() else STALL_LIMIT_NS
        if not self._waits.block(Wait(deadline_ns, ready), patience_ns):
            if deadline_ns is not None:
                return False
            with self._lock:
                if not ready():
                    self._fail(
                        self._on_wrong(self, Stalled(self._next() or script.Signal(int(signal.SIGKILL))))
                    )
        self.poll()
        return True

    def _skip_to_due(self) -> bool:
        """Let the time pass that alone holds the child back; the loop that would do so waits here itself."""
        due_ns = self.due_ns()
        if due_ns is None or self._now_ns is None:
            return False
        self._anchor_ns -= max(1, due_ns - self._now_ns())
        return True

    def _ended(self) -> bool:
        return self.status is not None

    def _is_timed(self, step: script.Step) -> bool:
        """Whether only time brings this about, and nothing that the parent does."""
        return isinstance(step, _UNCAUSED) or (isinstance(step, script.Change) and self._waits is not None)

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

    # -- descriptors ---------------------------------------------------------------------------

    def _flush(self) -> bool:
        wrote = False
        for fd, outlet in list(self._outlets.items()):
            wrote |= outlet.flush()
            if (outlet.closing or (self._ended() and not self._held)) and not outlet.pending:
                self._drop_outlet(fd)
        return wrote

    def _watch(self) -> None:
        for outlet in self._outlets.values():
            if outlet.owned and outlet.waits:
                if outlet.pending:
                    PUMP.watch(outlet.fd, selectors.EVENT_WRITE, self)
                else:
                    PUMP.forget(outlet.fd)
        self._watch_for_stall(waits=bool(self.streams()))
        inlet = self._inlet
        if inlet is not None and inlet.owned and inlet.waits:
            if isinstance(self._next(), script.AwaitsInput):
                PUMP.watch(inlet.fd, selectors.EVENT_READ, self)
            else:
                PUMP.forget(inlet.fd)

    def _watch_for_stall(self, *, waits: bool) -> None:
        if waits or self._stall_watch is not None:
            self._stall_watch = self._stall_watch or StallWatch(self)
            self._stall_watch.set(waits=waits)

    def _drop(self) -> None:
        self._drop_inlet()
        for fd in list(self._outlets):
            self._drop_outlet(fd)

    def _drop_inlet(self) -> None:
        inlet, self._inlet = self._inlet, None
        if inlet is not None and inlet.owned:
            PUMP.forget(inlet.fd)
            inlet.close()

    def _drop_outlet(self, fd: int) -> None:
        outlet = self._outlets.pop(fd)
        if outlet.owned and outlet not in self._outlets.values():
            PUMP.forget(outlet.fd)
            outlet.close()


def _without(changes: tuple[int, ...], status: int) -> tuple[int, ...]:
    index = changes.index(status)
    return changes[:index] + changes[index + 1 :]


def _nobody_else_can_act() -> bool:
    """Whether the waiting thread is the only one that could still do something for a child."""
    return threading.active_count() == 1 and not signal.getitimer(signal.ITIMER_REAL)[0]
