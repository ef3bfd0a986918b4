"""A child of the replay, as its parent has it: waited for, sent signals, and asked what it has done so far.

What it does is the machine's, :mod:`.machine`; who sees to it that it goes on says :mod:`.attended`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..clock import REAL, Wait, Waits
from ..errors import ProctapeError, TapeError
from ..genuine import threading
from ..tape import STDIN, End, Script, free_steps, script
from . import terminal
from .attended import Attended
from .causes import Stalled, WrongCause
from .loose import with_received
from .wiring import Wiring

STALL_LIMIT_NS = 30 * 10**9
"""Real nanoseconds that parent and child wait for each other before it is plain that they never meet."""

LONE_STALL_LIMIT_NS = 10**9
"""The same where the parent has no other thread that could still do what the child waits for."""

_TIMELESS = script.Output | script.OutputEnd | script.Change | script.TerminalSeen | script.Effects
_SLACK_NS = 50_000_000


class VirtualChild(Attended):
    """One entry being played.

    Attributes:
        pid: above every kernel's ``pid_max``.
        group: its process group.
        new_session: it leads a session of its own.
        reaped: the parent knows that it has ended, and has waited for it.
        end_is_known: it knows that, and may wait for it all the same: no wait expires.
        raw: what it says to a terminal has been through a line discipline already.
    """

    reaped = False
    raw = True
    _quiet = _unseen = end_is_known = False

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
        on_damage: Callable[[TapeError], ProctapeError] | None = None,
    ) -> None:
        """A child that has not started yet.

        Args:
            pid: see the attribute.
            group: see the attribute.
            script: what it does.
            new_session: see the attribute.
            now_ns: the clock by which the parent waits for it, if it does; the child's steps keep to it.
            waits: those that a mock clock is moved by, where there is one.
            on_wrong: the parent did something else than in the recording; gives what it is to be told.
            on_end: it has ended.
            retold: gives the script anew, once the parent has said a name that it has.
            on_effects: puts files where the child had put them.
            on_damage: what it says turned out to be damaged while it was said; gives what to tell the parent.
        """
        super().__init__(script, now_ns, waits, retold, on_effects)
        self.pid = pid
        self.group = group
        self.new_session = new_session
        if now_ns is not None:
            self._quiet = True
            if waits is None and not self.restless:
                self._let_loop_look()
        elif waits is None:
            self._unseen = script.seen_running
        self._home = threading.get_ident()
        self._on_wrong = on_wrong
        self._on_end = on_end
        self._on_damage = on_damage

    def start(self, wiring: Wiring) -> None:
        """Play as far as nothing holds the child back; keep only the descriptors that are still needed."""
        own_input = wiring.inputs.get(STDIN) in wiring.private
        with self._lock, terminal.opened(wiring, raw=self.raw) as (wiring, tty, console):
            self._own_input = own_input
            self._connect(wiring)
            self._connected = True
            if console is not None and self.script.terminal is not None:
                self._console = console
                console.play(self)
            # The first is an output, if there is one; it is the last to be closed.
            own = [one for one in {id(one): one for one in self._channels()}.values() if one.fd == tty]
            self._is_at_terminal = len(own) > 1
            for channel in own:
                channel.play_into(console)
                console = None
            self.step()
            for channel in self._channels():
                channel.adopt()
            self._started = True
            self._watch()
        if self._waits is not None:
            # Not before: others let it step.
            self._waits.add(self)

    def _tell_wrong(self, wrong: WrongCause | Stalled) -> ProctapeError:
        return self._on_wrong(self, wrong)

    def _tell_damage(self, error: TapeError) -> ProctapeError:
        return error if self._on_damage is None else self._on_damage(error)

    def _tell_end(self) -> None:
        self._on_end(self)
        if self._waits is not None and not self._held:
            self._waits.discard(self)

    # -- what the parent does ------------------------------------------------------------------

    def poll(self) -> int | None:
        """The status if the child has ended.

        Raises:
            ProctapeError: the parent did something else than on the tape. It is raised once.
        """
        with self._lock:
            self.step()
            if self._unheard and isinstance(step := self._next(), script.InputEnd) and self.status is None:
                self._fail(self._tell_wrong(WrongCause(step, self._unheard)))
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
                        self._changes.remove(status)
                    return status
            return None

    def wait(self, options: int = 0) -> int:
        """Wait for the end; what only a timed wait held back goes on.

        Args:
            options: of :func:`os.waitpid`; may ask for stops and continuations as well.

        Raises:
            ProctapeError: as :meth:`poll`, and when the child waits for what can't come any more.
        """
        if not options and self.is_over and self.error is None:
            assert self.status is not None
            return self.status
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
        if self._waits is not None and self._waits.timeline.holds:
            return not self._await(self._waits.timeline.now_ns() + timeout_ns)
        with self._lock:
            status = None if self._held else self.poll()
            while isinstance(step := self._next(), script.Timeout):
                self._go_past(step, self._at)
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
            if self.end_is_known:
                return False
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
                self._signals.append(number)
                self.step()

    @contextmanager
    def being_looked_at(self) -> Iterator[None]:
        """Around a look at its terminal: what is due has been played, and nothing comes between."""
        with self._lock:
            self.step()
            yield

    def terminal_set(self, words: str) -> None:
        """The parent has changed its terminal; one whose child has ended is its own."""
        with self._lock:
            if self.status is None:
                self.pass_timeouts()
                if self._only_time_is_left():
                    # As with a signal: in the recording it had just ended.
                    self._anchor_ns -= self.script.end.duration_ns
                else:
                    self._sets = (*self._sets, words)
                self.step()

    def _only_time_is_left(self) -> bool:
        rest = self.script.steps[self._at :]
        timeless = all(isinstance(step, _TIMELESS) for step in rest)
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
            # One that nobody has looked at for long has not run for longer than it did.
            ran_ns = min(REAL.monotonic_ns() - self._started_ns, self.script.end.duration_ns)
            end = End(None, None, ran_ns)
            return with_received(self.script.but(end=end), self.script.steps[: self._at], received)

    @property
    def is_over(self) -> bool:
        """It has ended, nothing that it said is on its way, and no mock clock has to be asked."""
        return self.status is not None and self._waits is None and self._is_over_and_done()

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
    def awaits_expiry(self) -> bool:
        """Nothing more happens until a timed wait of the parent expires."""
        with self._lock:
            return isinstance(self._next(), script.Timeout)

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
            if self.on_step is not None:
                self.on_step(self)

    # -- waiting -------------------------------------------------------------------------------

    def _block(self, limit_ns: int | None, enough: Callable[[], bool] = lambda: False) -> None:
        """Wait until the child has ended, or ``limit_ns`` real nanoseconds. Other threads can go on."""
        began_ns = REAL.monotonic_ns()
        while self.poll() is None and not enough():
            if limit_ns is None and threading.get_ident() == self._home and self._skip_to_due():
                continue
            most_ns = patience_ns() if limit_ns is None else limit_ns
            left_ns = began_ns + most_ns - REAL.monotonic_ns()
            if left_ns > 0:
                self._changed = self._changed or threading.Condition(self._lock)
                self._changed.wait(left_ns / 1e9)
            elif limit_ns is not None:
                return
            else:
                self._fail(self._tell_wrong(Stalled(self._next() or script.Signal(int(signal.SIGKILL)))))

    def _over(self) -> bool:
        self.step()
        return self.status is not None

    def _await(self, deadline_ns: int | None, enough: Callable[[], bool] = lambda: False) -> bool:
        """Under a mock clock, wait until the child has ended; whether it has before ``deadline_ns``."""
        assert self._waits is not None

        def ready() -> bool:
            return self._over() or enough()

        if not self._waits.block(Wait(deadline_ns, ready), patience_ns()):
            if deadline_ns is not None:
                return False
            with self._lock:
                if not ready():
                    self._fail(self._tell_wrong(Stalled(self._next() or script.Signal(int(signal.SIGKILL)))))
        self.poll()
        return True

    def _skip_to_due(self) -> bool:
        """Let the time pass that alone holds the child back; the loop that would do so waits here itself."""
        due_ns = self.due_ns()
        if due_ns is None or self._now_ns is None:
            return False
        self._anchor_ns -= max(1, due_ns - self._now_ns())
        return True


def patience_ns(*, alone: bool = True) -> int:
    """How long a thread may wait for a child that waits for its parent, in real nanoseconds.

    Args:
        alone: nothing but a thread of this process could do something for the child.
    """
    alone = alone and threading.active_count() == 1 and not signal.getitimer(signal.ITIMER_REAL)[0]
    return LONE_STALL_LIMIT_NS if alone else STALL_LIMIT_NS
