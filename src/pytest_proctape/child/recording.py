"""A child of the recording: a real process whose streams are led past us and noted.

Nothing of the process is ours but the taps: it is started, waited for and signalled by the parent
through the real calls, and the intercept room tells this object what they said.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from ..clock import REAL, Waits
from ..errors import RecordError, UnsupportedSpawn
from ..tape import STDERR, STDIN, STDOUT, End, FileEffect, Script, SpawnError, Spool, script, without_pid
from . import terminal
from .inputfile import InputFile
from .lent import LentPipe, OwnPipe, is_lent
from .notes import ANSWER, Run, is_said, step_of, tidy, whole_us, without_input
from .tap import Answers, Tap
from .timing import ChildTime
from .warden import Warden
from .wiring import Wiring, can_be_led_past, is_device, is_open, is_regular, is_socket

_INHERITED = frozenset({STDOUT, STDERR})
_WAITID = os.waitid
"""As it was when no tape was active: what we ask for ourselves is not the parent's wait."""


Look = Callable[[int, bool, bool], tuple[FileEffect, ...]]
"""What happened to files since the last look of anybody: since when a modification time is the child's,
whether it goes on, whether what is gone counts."""


def _raise(error: UnsupportedSpawn) -> object:
    raise error


def _unnoted(_: bytes) -> None:
    """The child does not read from the terminal that it writes to."""


class RecordingChild:
    """One real child being recorded.

    Attributes:
        pid: of the real process; 0 until it is started.
        started_ns: when, on the real monotonic clock.
        status: as from :func:`os.waitpid`, once the parent has reaped it.
        lock: held while anything of it is changed.
        warden: keeps it within the limits of the recording.
        awaited: a timed wait is asking for it again and again, which is not what a poll is.
    """

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
        self._new_spool = new_spool
        self._timed = timed
        self._on_refused = on_refused
        self.lock = threading.RLock()
        self._log: list[Run | script.Step] = []
        self.time = ChildTime(waits)
        self._started_ns = self.time.now_ns()
        self.started_ns = REAL.monotonic_ns()
        self._step_ns: int | None = None
        self._ended_ns = 0
        self._last_ns = 0
        self._noted_ns = 0
        self._finished = False
        self._taps: list[Tap] = []
        self._captured: set[int] = set()
        self._merged = False
        self._has_own_input = False
        self._held = False
        self._ended_at = 0
        self._input_file: InputFile | None = None
        self._lent: LentPipe | OwnPipe | None = None
        self._terminal: int | None = None
        self._look = look
        self._began_ns = began_ns
        self._said = False
        self._seen_running: int | None = None
        self.awaited = False
        self.wiring = self._lead_past(wiring)

    # -- starting ------------------------------------------------------------------------------

    def _lead_past(self, wiring: Wiring) -> Wiring:
        """Open the taps; the wiring that the real child is to be started with."""
        try:
            inputs = {fd: self._tap_input(fd, parents, wiring) for fd, parents in wiring.inputs.items()}
            outputs: dict[int, int] = {}
            made: dict[int, int] = {}
            for fd, parents in sorted(wiring.outputs.items()):
                if parents in made:
                    outputs[fd] = made[parents]
                    self._merged = self._merged or fd == STDERR
                else:
                    outputs[fd] = made[parents] = self._tap_output(fd, parents, wiring)
        except BaseException:
            self.discard()
            raise
        return Wiring(inputs, outputs)

    def _tap_input(self, fd: int, parents: int, wiring: Wiring) -> int:
        if terminal.is_of_the_test(parents):
            return self._tap_terminal(parents, wiring)
        if not is_open(parents) or is_device(parents):
            return parents
        if is_regular(parents):
            if fd == STDIN:
                self._input_file = InputFile(parents, self._new_spool)
            return parents
        return self._open(fd, parents, wiring, inward=True)

    def _tap_output(self, fd: int, parents: int, wiring: Wiring) -> int:
        if terminal.is_of_the_test(parents):
            return self._tap_terminal(parents, wiring)
        inherited = fd == parents and fd in _INHERITED
        if not is_open(parents) or not (inherited or can_be_led_past(parents)):
            return parents
        self._captured.add(fd)
        if self._input_file is not None and self._input_file.is_also(parents):
            self._input_file.written_as(fd, parents)
            return parents
        return self._open(fd, parents, wiring, inward=False)

    def _tap_terminal(self, parents: int, wiring: Wiring) -> int:
        """The child's end of the terminal that ``parents`` is; it is one for all of its streams."""
        if self._terminal is None:
            given = {**wiring.outputs, STDIN: wiring.inputs.get(STDIN, -1)}
            fds = {fd for fd, one in given.items() if terminal.is_of_the_test(one)}
            if len({os.fstat(given[fd]).st_rdev for fd in fds}) > 1:
                raise UnsupportedSpawn("two terminals for one child", "give it one, and pipes")
            out = STDOUT if STDOUT in fds else STDERR if STDERR in fds else ANSWER
            self._merged = fds >= {STDOUT, STDERR}
            self._captured.update({out} - {ANSWER})
            typed = self._note_typed if STDIN in fds else _unnoted
            notes = (typed, partial(self._note_data, out))
            ends = (partial(self._note_end, STDIN), partial(self._note_end, out))
            inward, outward = terminal.taps(parents, (STDIN, out), notes, ends)
            self._taps += [inward, outward]
            self._terminal = outward.childs
        return self._terminal

    def _open(self, fd: int, parents: int, wiring: Wiring, *, inward: bool) -> int:
        def note(data: bytes) -> None:
            self._note_data(fd, data)

        def on_end() -> None:
            self._note_end(fd)

        private = parents in wiring.private
        if fd == STDIN:
            self._has_own_input = private
            self._lent = None if not is_lent(parents) else OwnPipe() if private else LentPipe(parents)
        lent = self._lent if inward else None
        before = self._before_input
        admit = None if inward or self.warden is None else partial(self.warden.admit, fd)
        tap = Tap(
            fd,
            parents,
            inward=inward,
            private=private,
            note=note,
            on_end=on_end,
            lent=lent,
            before=before,
            admit=admit,
        )
        self._taps.append(tap)
        if inward and is_socket(parents):
            self._taps.append(Answers(tap, self._note_answer))
        return tap.childs

    def started(self, pid: int) -> None:
        """The process runs; move what it says from now on."""
        self.pid = pid
        for tap in self._taps:
            tap.child_started()
        self.time.watch(pid, self)
        if self.warden is not None:
            self.warden.watch(self)
        self.step()

    def failed(self, error: SpawnError) -> None:
        """The process could not be started."""
        self.error = error
        self._ended_ns = self.time.now_ns()
        self.discard()

    def discard(self) -> None:
        """There is no process after all: close everything."""
        for tap in self._taps:
            tap.child_started()
            tap.close()
        if self._lent is not None:
            self._lent.release()
        self._close_input_file()
        self.time.close()
        self._finished = True

    # -- while it runs -------------------------------------------------------------------------

    def due_ns(self) -> int | None:
        """Nobody knows when a real process does the next thing."""
        return None

    def step(self) -> bool:
        """Move what can be moved. Input goes first: what is there already is not an answer to the output.

        Returns:
            that nobody has to step because of it: what is moved leads to another process or to the parent.
        """
        with self.lock, self.time.standing():
            # As it is before anything is passed on: who gets it may be further on than this thread.
            self._step_ns = self._now_ns()
            for tap in self._taps:
                tap.step(self)
            self.time.look()
            self._look_for_holders()
            self._step_ns = None
        return False

    def _look_for_holders(self) -> None:
        """After the child's end an output that is empty and still open is held by what the child started."""
        if self.status is not None and not self._held:
            self._held = any(tap.dry and tap.fd != STDIN for tap in self._taps)

    @contextmanager
    def being_signalled(self, number: int) -> Iterator[None]:
        """Around the call by which the parent sends a signal; one that fails has sent none.

        What the child said before the signal is noted before it.
        """
        with self.lock:
            self.step()
            self.look()
            noted = script.Signal(number, self._now_ns()) if number and not self.gone() else None
            if noted is not None:
                self._log.append(noted)
        try:
            yield
        except BaseException:
            with self.lock:
                if noted is not None:
                    self._log.remove(noted)
            raise

    def changed(self, status: int) -> None:
        """The parent was told that the child has stopped, or goes on."""
        with self.lock:
            self.step()
            self._log.append(script.Change(status, self._now_ns()))

    def wait_expired(self, timeout_ns: int) -> None:
        """A timed wait of the parent ended without the child."""
        with self.lock:
            self.step()
            self.look()
            if self.status is None or self._held:
                self._log.append(script.Timeout(timeout_ns, self._now_ns()))

    def polled(self) -> None:
        """A poll of the parent found the child running. Only the first counts: how many follow is chance."""
        with self.lock:
            self.time.seen_running()
            if self._seen_running is None and not self.awaited and not self._timed:
                self.step()
                self._seen_running = len(self._log)

    def reaped(self, status: int, *, was_gone: bool, polled: bool = False) -> None:
        """The parent has got the status.

        Args:
            status: as from :func:`os.waitpid`.
            was_gone: the child may have ended before the parent began to wait. Then it ended when its
                last stream did, as far as anybody can tell.
            polled: the parent looked, and did not wait.
        """
        with self.lock:
            self.step()
            self.status = status
            if self.time.waits is not None:
                self._ended_ns = self.time.ended_ns(polled=polled)
            else:
                known = was_gone and self._last_ns and self._all_ended()
                self._ended_ns = self._last_ns if known else REAL.monotonic_ns()
            self.time.close()
            self._note_input_file()
            self._note_untaken()
            self._note_last_effects()
            self._ended_at = len(self._log)
            if self._log and isinstance(last := self._log[-1], Run):
                last.sealed = True
            self._look_for_holders()
            if self.warden is not None:
                self.warden.reaped()

    # -- afterwards ----------------------------------------------------------------------------

    def finish(self) -> None:
        """The tape ends here. A child that goes on keeps its streams, but they are no longer noted."""
        with self.lock:
            self.step()
            if self.warden is not None:
                self.warden.close()
            self._finished = True
            if not self._ended_ns:
                self._ended_ns = self.time.now_ns()
            self.time.close()
            if self.status is None and self.error is None:
                self.status = self.unreaped_status()
                self._note_last_effects(deletions=False)
            self._note_input_file()
            if self.status is not None:
                self._note_untaken()
            elif self._lent is not None:
                self._lent.release()

    def unreaped_status(self) -> int | None:
        """How a child ended that nobody waited for; it stays for its parent to wait for."""
        with contextlib.suppress(ChildProcessError):
            result = _WAITID(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if result is not None:
                if result.si_code == os.CLD_EXITED:
                    return result.si_status << 8
                return result.si_status | (0x80 if result.si_code == os.CLD_DUMPED else 0)
        return None

    @property
    def is_running(self) -> bool:
        """It was started, and the parent does not know of its end."""
        return self.pid != 0 and self.status is None and not self._finished

    def script(self) -> Script:
        """What the child did, so far or to its end."""
        with self.lock:
            ended_ns = self._ended_ns or self.time.now_ns()
            end = End(self.status, self.error, whole_us(ended_ns - self._started_ns))
            steps = [step_of(item) if isinstance(item, Run) else item for item in self._log]
            if self._lent is not None and self._lent.untaken:
                steps = without_input(steps, self._lent.untaken)
            if self._held:
                steps.insert(self._ended_at, script.Ended(whole_us(ended_ns - self._started_ns)))
            sent = any(isinstance(step, script.Input | script.InputEnd) for step in steps)
            # A child that left its input alone may have done so before there was any.
            has_input = sent or not self._has_own_input
            captured = frozenset(self._captured)
            return Script(
                tidy(tuple(steps), end, self._early_ns(end)),
                end,
                captured,
                self._merged,
                has_input,
                self._pause_ns,
                self._needs_poll(),
                self._began_ns,
            )

    def _early_ns(self, end: End) -> int | None:
        """Under a mock clock, an output that ended before this ended earlier than the child."""
        return None if self.time.waits is None else end.duration_ns - self.time.pause_ns

    def _needs_poll(self) -> bool:
        """Whether only a poll tells that the child was running, and nothing that the parent did later."""
        if self._seen_running is None or self.status is None:
            return False
        return all(
            item.fd != STDIN if isinstance(item, Run) else isinstance(item, script.OutputEnd | script.Effects)
            for item in self._log[self._seen_running :]
        )

    def take_error(self, options: int) -> RecordError | None:
        """What the parent is to be told in place of the child's end, once, if a limit was exceeded.

        Args:
            options: of the wait. One without ``WNOHANG`` waits here for the end, and reaps nothing.
        """
        if self.warden is None or options & ~os.WNOHANG:
            return None
        with contextlib.suppress(ChildProcessError):
            if _WAITID(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | options) is None:
                return None
        # An event loop would swallow it in a callback and never tell of the end. It is latched.
        return None if self._timed else self.warden.take_error()

    def pipes(self) -> list[int]:
        """Inodes of the pipes that the child writes to."""
        return [inode for tap in self._taps if (inode := tap.pipe)]

    def cut_off(self) -> None:
        """Take what it has said and close its streams, whoever holds them."""
        with self.lock:
            self.step()
            for tap in self._taps:
                tap.close()

    def abandon(self) -> None:
        """In a forked child: close its copies of the descriptors."""
        for tap in self._taps:
            tap.abandon()
        if self._lent is not None:
            self._lent.abandon()

    @property
    def open(self) -> bool:
        """Somebody can still write to or read from one of the streams."""
        return not self._all_ended()

    # -- files ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Note what the child has done to files by now, before the parent does something."""
        with self.lock:
            if self._look is None or self.status is not None or self._finished:
                return
            files = self._without_pid(self._look(self._began_ns, True, True))
            self._said = False
            if files:
                # Whoever has read what the child said since may know of them.
                at = len(self._log)
                while at and is_said(self._log[at - 1]):
                    at -= 1
                since_ns = self._log[at].at_ns if at < len(self._log) else self._now_ns()
                self._log.insert(at, script.Effects(files, since_ns))

    def _without_pid(self, files: tuple[FileEffect, ...]) -> tuple[FileEffect, ...]:
        return tuple(without_pid(file, self.pid) for file in files)

    def _before_input(self) -> None:
        """The parent goes on in a dialog: what was done before is no answer to it."""
        if self._said:
            self.look()

    def _note_last_effects(self, *, deletions: bool = True) -> None:
        look, self._look = self._look, None
        if look is not None:
            files = self._without_pid(look(self._began_ns, False, deletions))
            if files:
                self._log.append(script.Effects(files, self._now_ns()))

    # -- notes ---------------------------------------------------------------------------------

    def _now_ns(self) -> int:
        if self._step_ns is not None:
            return self._step_ns
        return whole_us(self.time.noted_ns() - self._started_ns)

    @property
    def _pause_ns(self) -> int | None:
        """A silence of more than this matters, if any does."""
        return self.time.pause_ns if self._timed or self.time.waits is not None else None

    def _note_typed(self, data: bytes) -> None:
        self._note_data(STDIN, data)

    def _note_answer(self, data: bytes) -> None:
        self._note_data(ANSWER, data)

    def _note_data(self, fd: int, data: bytes) -> None:
        if self._finished or not data:
            return
        last = self._last_of(fd)
        now_ns = self._now_ns()
        paused = self._is_apart(now_ns, last)
        if not isinstance(last, Run) or last.fd != fd or last.sealed or paused:
            last = Run(fd, now_ns, self._new_spool())
            self._log.append(last)
        last.spool.write(data)
        self._noted_ns = now_ns
        self._said = self._said or fd != STDIN

    def _last_of(self, fd: int) -> object:
        """What was noted last, but for the ends of other outputs where time does not matter.

        A child that ends closes all its outputs; what is still in the pipe of one is no piece of its own.
        """
        at = len(self._log) - 1
        while at > 0 and self._pause_ns is None:
            item = self._log[at]
            if not isinstance(item, script.OutputEnd) or item.fd == fd:
                break
            at -= 1
        return self._log[at] if at >= 0 else None

    def _is_apart(self, now_ns: int, last: object) -> bool:
        """Whether what comes now is to be told apart from what came before by its time."""
        if self._pause_ns is None:
            return False
        since_ns = self._noted_ns if self.time.waits is None else getattr(last, "at_ns", 0)
        return now_ns - since_ns > self._pause_ns

    def _note_end(self, fd: int) -> None:
        self._last_ns = self.time.now_ns()
        if self._finished or fd == ANSWER:
            return
        if fd == STDIN:
            self._log.append(script.InputEnd(self._now_ns()))
        elif self._held or self.status is None:
            self._log.append(script.OutputEnd(fd, self._now_ns()))

    def _note_input_file(self) -> None:
        """What the child did to a regular file that is its input: it read first, and wrote by its end."""
        if self._input_file is not None:
            steps = self._input_file.steps()
            self._log[:0] = [one for one in steps if not isinstance(one, script.Output)]
            at_ns = self._now_ns()
            self._log.extend(replace(one, at_ns=at_ns) for one in steps if isinstance(one, script.Output))
            self._close_input_file()

    def _note_untaken(self) -> None:
        if self._lent is not None:
            self._lent.child_ended()
            if self._lent.spoiled:
                self._on_refused(UnsupportedSpawn("two readers of one pipe", self._lent.spoiled))

    def _close_input_file(self) -> None:
        if self._input_file is not None:
            self._input_file.close()
            self._input_file = None

    def _all_ended(self) -> bool:
        return all(tap.ended for tap in self._taps)

    def gone(self) -> bool:
        """Whether the process has ended, reaped or not."""
        try:
            result = _WAITID(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return result is not None
