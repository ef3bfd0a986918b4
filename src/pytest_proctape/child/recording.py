"""A child of the recording: a real process whose streams are led past us and noted.

Nothing of the process is ours but the taps: it is started, waited for and signalled by the parent
through the real calls, and the intercept room tells this object what they said.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from ..clock import REAL, Waits, outer_lock
from ..errors import RecordError, UnsupportedSpawn
from ..tape import STDIN, End, FileEffect, Script, SpawnError, Spool, script, without_pid
from .console import RecordedConsole
from .ears import Ear
from .guardian import GUARDIAN
from .leads import Leads
from .moments import Moments
from .notebook import Notebook
from .notes import ANSWER, tidy, whole_us, without_input
from .statuses import has_ended, unreaped_status
from .timing import ChildTime
from .warden import Warden
from .wiring import Wiring

Look = Callable[[int, bool, bool], tuple[FileEffect, ...]]
"""What happened to files since the last look of anybody: since when a modification time is the child's,
whether it goes on, whether what is gone counts."""


def _raise(error: UnsupportedSpawn) -> object:
    raise error


class RecordingChild:
    """One real child being recorded.

    Attributes:
        pid: of the real process; 0 until it is started.
        started_ns: when, on the real monotonic clock.
        status: as from :func:`os.waitpid`, once the parent has reaped it.
        lock: held while anything of it is changed.
        warden: keeps it within the limits of the recording.
        leads: its streams.
        ears: those of them that only :mod:`~pytest_proctape.intercept.hearing` reads.
        awaited: a timed wait is asking for it again and again, which is not what a poll is.
        is_lost: it ended before :meth:`finish`, and nobody will ever tell how, as its parent was told below
            Python.
    """

    _moments: Moments | None = None
    is_lost = False

    def __init__(
        self,
        wiring: Wiring,
        new_spool: Callable[[], Spool],
        *,
        timed: bool = False,
        waits: Waits | None = None,
        on_refused: Callable[[UnsupportedSpawn], object] = _raise,
        began_ns: int = 0,
        look: Look | None = None,
        warden: Warden | None = None,
    ) -> None:
        """Open the taps.

        Args:
            wiring: as the parent asked for it.
            new_spool: makes what collects a stream.
            timed: the parent waits by the clock, so it matters when output comes.
            waits: of the mock clock that the test lives by.
            on_refused: told when it turns out, too late to refuse it, that the child can't be recorded.
            began_ns: the file system's time, just before the child is started.
            look: tells what happened to files.
            warden: see the attribute.
        """
        self.warden = warden
        self.pid = 0
        self.status: int | None = None
        self.error: SpawnError | None = None
        self.ears: dict[int, Ear] = {}
        self._timed = timed
        self._on_refused = on_refused
        self.lock = outer_lock(None if waits is None else waits.ranks)
        self.time = ChildTime(waits)
        self._notes = Notebook(new_spool, self.time, timed=timed)
        self.started_ns = REAL.monotonic_ns()
        self._ended_ns = 0
        self._last_ns = 0
        self._held = False
        self._ended_at = 0
        self._look = look
        self._began_ns = began_ns
        self._seen_running: int | None = None
        self.awaited = False
        self._guarded = 0
        admit = None if warden is None else warden.admit
        told = self._notes.data, self._note_end, self._before_input
        console_of = partial(RecordedConsole, self, self._notes)
        self.leads = Leads(*told, new_spool, admit, self.lock, console_of)
        if waits is not None:
            self._moments = self.leads.moments = Moments(waits.timeline, self._notes.recall_time)
        try:
            self.wiring = self.leads.lead_past(wiring)
            self.ears = self.leads.ears
            self._guarded = GUARDIAN.expect(self.leads.pipes())
        except BaseException:
            self.discard()
            raise

    # -- starting ------------------------------------------------------------------------------

    def started(self, pid: int) -> None:
        """The process runs; move what it says from now on."""
        self.pid = pid
        GUARDIAN.started(self._guarded, pid)
        self.leads.child_started()
        self.time.watch(pid, self)
        if self.warden is not None:
            self.warden.watch(self)
        if len(self.leads.taps) > len(self.ears):
            self.step()

    def failed(self, error: SpawnError) -> None:
        """The process could not be started."""
        self.error = error
        self._ended_ns = self.time.now_ns()
        self.discard()

    def discard(self) -> None:
        """There is no process after all: close everything."""
        self.leads.discard()
        GUARDIAN.over(self._guarded)
        self.time.close()
        self._notes.closed = True

    def has_sent(self, data: bytes) -> None:
        """The parent has written all of its input into the child's pipe, and closed it."""
        self._notes.data(STDIN, data)
        self._note_end(STDIN)

    # -- while it runs -------------------------------------------------------------------------

    def due_ns(self) -> int | None:
        """When what it has said already may be seen. When a real process does the next thing nobody knows."""
        return None if self._moments is None else self._moments.due_ns

    def step(self) -> bool:
        """Move what can be moved. Input goes first: what is there already is not an answer to the output.

        Returns:
            that nobody has to step because of it: what is moved leads to another process or to the parent.
        """
        # As it is before anything is passed on: who gets it may be further on than this thread.
        with self.lock:
            self.time.stand()
            try:
                self._notes.stop_at_this_moment()
                for tap in self.leads.taps:
                    tap.step(self)
                if self._moments is not None:
                    self._moments.stepped(self, waits=self.leads.are_early)
                self.time.look()
                self._look_for_holders()
            finally:
                self._notes.go_on()
                self.time.go_on()
        return False

    def _take_all(self) -> None:
        """Step; what it has said was said before what comes now, whoever has looked for it in vain."""
        moments = self._moments
        if moments is not None:
            moments.at_once = True
        self.step()
        if moments is not None:
            moments.at_once = False

    def _look_for_holders(self) -> None:
        """After the child's end an output that is empty and still open is held by what the child started."""
        if self.status is not None and not self._held:
            self._held = self.leads.are_held

    @contextmanager
    def being_signalled(self, number: int) -> Iterator[None]:
        """Around the call by which the parent sends a signal; one that fails has sent none.

        What the child said before the signal is noted before it.
        """
        with self.lock:
            self.step()
            self.look()
            noted = script.Signal(number, self._notes.now_ns()) if number and not self.gone() else None
            if noted is not None:
                self._notes.add(noted)
        try:
            yield
        except BaseException:
            with self.lock:
                if noted is not None:
                    self._notes.log.remove(noted)
            raise

    def changed(self, status: int) -> None:
        """The parent was told that the child has stopped, or goes on."""
        with self.lock:
            self.step()
            self._notes.add(script.Change(status, self._notes.now_ns()))

    def wait_expired(self, timeout_ns: int) -> None:
        """A timed wait of the parent ended without the child."""
        with self.lock:
            self.step()
            self.look()
            if self.status is None or self._held:
                self._notes.add(script.Timeout(timeout_ns, self._notes.now_ns()))

    def polled(self) -> None:
        """A poll of the parent found the child running. Only the first counts: how many follow is chance."""
        with self.lock:
            self.time.seen_running()
            if self._seen_running is None and not self.awaited and not self._timed:
                self.step()
                self._seen_running = len(self._notes.log)

    def reaped(self, status: int, *, was_gone: bool, polled: bool = False) -> None:
        """The parent has got the status.

        Args:
            status: as from :func:`os.waitpid`.
            was_gone: the child may have ended before the parent began to wait. Then it ended when its
                last stream did, as far as anybody can tell.
            polled: the parent looked, and did not wait.
        """
        with self.lock:
            GUARDIAN.reaped(self._guarded)
            self._take_all()
            self.status = status
            if self.time.waits is not None:
                self._ended_ns = self.time.ended_ns(polled=polled)
            else:
                known = was_gone and self._last_ns and self.leads.ended
                self._ended_ns = self._last_ns if known else REAL.monotonic_ns()
            self.time.close()
            self.leads.close_kept()
            self._note_input_file()
            self._note_untaken()
            self._note_last_effects()
            self._ended_at = len(self._notes.log)
            self._notes.seal()
            self._look_for_holders()
            if self.warden is not None:
                self.warden.reaped()

    # -- afterwards ----------------------------------------------------------------------------

    def finish(self) -> None:
        """The tape ends here. A child that goes on keeps its streams, but they are no longer noted."""
        with self.lock:
            self._take_all()
            # Nothing more is noted.
            self.leads.look_at_no_moments()
            if self.warden is not None:
                self.warden.close()
            GUARDIAN.over(self._guarded)
            self._notes.closed = True
            self.leads.close_kept()
            if not self._ended_ns:
                self._ended_ns = self.time.now_ns()
            self.time.close()
            if self.pid and self.status is None and self.error is None:
                # One look says both: the child may end after it at any time, and be waited for.
                try:
                    self.status = self._waitable()
                except ChildProcessError:
                    # Where SIGCHLD is ignored the kernel has taken it, and nobody was told.
                    self.is_lost = signal.getsignal(signal.SIGCHLD) != signal.SIG_IGN
                self._note_last_effects(deletions=False)
            self._note_input_file()
            if self.status is not None:
                self._note_untaken()
            else:
                self.leads.release()

    def unreaped_status(self) -> int | None:
        """How a child ended that nobody waited for; it stays for its parent to wait for."""
        with suppress(ChildProcessError):
            return self._waitable()
        return None

    def _waitable(self) -> int | None:
        return unreaped_status(self.pid) if self.pid else None

    @property
    def is_running(self) -> bool:
        """It was started, and the parent does not know of its end."""
        return self.pid != 0 and self.status is None and not self._notes.closed

    def brief(self) -> tuple[dict[int, bytes], End] | None:
        """Outputs and end of a child that has ended, where they are all that :meth:`script` would say."""
        return None

    def ignored(self) -> tuple[bytes, bool] | None:
        """What was sent to a child that has left its input alone; ``None`` if it read some, or had none.

        With it goes whether that was all: how much gets on its way before such a child ends is chance.
        """
        with self.lock:
            lent = self.leads.lent
            sent = [step.data for step in self._notes.steps() if isinstance(step, script.Input)]
            size = sum(data.size for data in sent)
            if not self.leads.has_own_input or lent is None or lent.untaken < size:
                return None
            whole = any(isinstance(step, script.InputEnd) for step in self._notes.steps())
            return b"".join(data.bytes() for data in sent) + lent.unsent, whole

    def script(self) -> Script:
        """What the child did, so far or to its end."""
        with self.lock:
            ended_ns = self._ended_ns or self.time.now_ns()
            end = End(self.status, self.error, whole_us(ended_ns - self._notes.began_ns))
            steps, lent = self._notes.steps(), self.leads.lent
            if lent is not None and lent.untaken:
                steps = without_input(steps, lent.untaken)
            if self._held:
                steps.insert(self._ended_at, script.Ended(whole_us(ended_ns - self._notes.began_ns)))
            sent = any(isinstance(step, script.Input | script.InputEnd) for step in steps)
            # A child that left its input alone may have done so before there was any.
            has_input = sent or not self.leads.has_own_input
            captured = frozenset(self.leads.captured)
            return Script(
                tidy(tuple(steps), end, self._early_ns(end)),
                end,
                captured,
                self.leads.merged,
                has_input,
                self._notes.pause_ns,
                self._needs_poll(),
                self._began_ns,
                self.leads.terminal,
            )

    def _early_ns(self, end: End) -> int | None:
        """Under a mock clock, an output that ended before this ended earlier than the child."""
        return None if self.time.waits is None else end.duration_ns - self.time.pause_ns

    def _needs_poll(self) -> bool:
        """Whether only a poll tells that the child was running, and nothing that the parent did later."""
        if self._seen_running is None or self.status is None:
            return False
        return self._notes.only_a_poll_tells(self._seen_running)

    def take_error(self, options: int) -> RecordError | None:
        """What the parent is to be told in place of the child's end, once, if a limit was exceeded.

        Args:
            options: of the wait. One without ``WNOHANG`` waits here for the end, and reaps nothing.
        """
        if self.warden is None or options & ~os.WNOHANG:
            return None
        if not has_ended(self.pid, options):
            return None
        # An event loop would swallow it in a callback and never tell of the end. It is latched.
        return None if self._timed else self.warden.take_error()

    def pipes(self) -> list[int]:
        """Inodes of the pipes that the child writes to."""
        return self.leads.pipes()

    def cut_off(self) -> None:
        """Take what it has said and close its streams, whoever holds them."""
        with self.lock:
            self._take_all()
            self.leads.close()

    def give_up(self, error: Exception) -> None:
        """Something of ours has failed: close its streams, and let the recording fail of that."""
        with self.lock:
            self.leads.close()
        road, reason = "a child whose streams can't be led on", f"that raised {error!r}; it was cut off"
        self._on_refused(UnsupportedSpawn(road, reason))

    def abandon(self) -> None:
        """In a forked child: close its copies of the descriptors."""
        self.leads.abandon()

    @property
    def open(self) -> bool:
        """Somebody can still write to or read from one of the streams."""
        return not self.leads.ended

    # -- files ---------------------------------------------------------------------------------

    @property
    def is_watched(self) -> bool:
        """Whether what it does to files is still to be noted; waits for a look that is being taken."""
        with self.lock:
            return self._look is not None and self.error is None and not self._notes.closed

    def look(self) -> None:
        """Note what the child has done to files by now, before the parent does something."""
        with self.lock:
            if self._look is None or self.status is not None or self._notes.closed:
                return
            files = self._without_pid(self._look(self._began_ns, True, True))
            self._notes.said = False
            if files:
                self._notes.effects_before_words(files)

    def _without_pid(self, files: tuple[FileEffect, ...]) -> tuple[FileEffect, ...]:
        return tuple(without_pid(file, self.pid) for file in files)

    def _before_input(self) -> None:
        """The parent goes on in a dialog: what was done before is no answer to it."""
        if self._notes.said:
            self.look()

    def _note_last_effects(self, *, deletions: bool = True) -> None:
        look, self._look = self._look, None
        if look is not None:
            files = self._without_pid(look(self._began_ns, False, deletions))
            if files:
                self._notes.add(script.Effects(files, self._notes.now_ns()))

    # -- notes ---------------------------------------------------------------------------------

    def _note_end(self, fd: int) -> None:
        self._last_ns = self.time.now_ns()
        if self._notes.closed or fd == ANSWER:
            return
        if fd == STDIN:
            self._notes.add(script.InputEnd(self._notes.now_ns()))
        elif self._held or self.status is None:
            self._notes.add(script.OutputEnd(fd, self._notes.now_ns()))

    def _note_input_file(self) -> None:
        """What the child did to a regular file that is its input: it read first, and wrote by its end."""
        if self.leads.input_file is not None:
            self._notes.around_input_file(self.leads.input_file.steps())
            self.leads.close_input_file()

    def _note_untaken(self) -> None:
        lent = self.leads.lent
        if lent is not None:
            lent.child_ended()
            if lent.spoiled:
                self._on_refused(UnsupportedSpawn("two readers of one pipe", lent.spoiled))

    def gone(self) -> bool:
        """Whether the process has ended, reaped or not, or there was none."""
        return not self.pid or has_ended(self.pid)
