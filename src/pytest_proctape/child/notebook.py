"""What a recording child notes, in order and with its times. One for each child; its lock guards it."""

from __future__ import annotations

from collections.abc import Callable

from ..tape import STDIN, FileEffect, Spool, script
from .causes import CAUSES
from .notes import Run, is_said, step_of, whole_us
from .timing import ChildTime

_CHILDS_OWN = script.OutputEnd | script.Effects | script.TerminalSeen
_LITTLE = 1 << 12
"""Bytes. Of more than that nobody minds in which pieces it comes."""


class Notebook:
    """The steps of one child so far.

    Attributes:
        log: them; bytes that are still coming in are a :class:`.Run`.
        began_ns: when the child was started, by its time.
        closed: nothing more is noted.
        said: the child has said something since its files were looked at.
        causes: how often the parent has done something since the start.
    """

    def __init__(self, new_spool: Callable[[], Spool], time: ChildTime, *, timed: bool) -> None:
        """Begin.

        Args:
            new_spool: makes what collects a stream.
            time: of the child.
            timed: the parent waits by the clock, so it matters when output comes.
        """
        self.log: list[Run | script.Step] = []
        self.began_ns = time.now_ns()
        self.closed = False
        self.said = False
        self.causes = 0
        self._new_spool = new_spool
        self._time = time
        self._timed = timed
        self._step_ns: int | None = None
        self._noted_ns = 0

    def now_ns(self) -> int:
        """Since the child was started, in whole microseconds."""
        if self._step_ns is not None:
            return self._step_ns
        return whole_us(self._time.noted_ns() - self.began_ns)

    def stop_at_this_moment(self) -> None:
        """All that is noted until :meth:`go_on` happened now."""
        self._step_ns = self.now_ns()

    def recall(self, at_ns: int) -> None:
        """What is noted until :meth:`go_on` happened at this time, nanoseconds since the start."""
        self._step_ns = at_ns

    def recall_time(self, at_ns: int) -> None:
        """The same by the child's time."""
        self.recall(whole_us(at_ns - self.began_ns))

    def go_on(self) -> None:
        """Each thing that is noted happened when it is noted."""
        self._step_ns = None

    @property
    def pause_ns(self) -> int | None:
        """A silence of more than this matters, if any does."""
        return self._time.pause_ns if self._timed or self._time.waits is not None else None

    def add(self, step: script.Step) -> None:
        """Note what happened now."""
        self.log.append(step)
        self.causes += isinstance(step, CAUSES)

    def data(self, fd: int, data: bytes) -> None:
        """Note that this has come through ``fd``."""
        if self.closed or not data:
            return
        last = self._last_of(fd)
        now_ns = self.now_ns()
        paused = self._is_apart(now_ns, last)
        if not isinstance(last, Run) or last.fd != fd or last.sealed or paused:
            last = Run(fd, now_ns, self._new_spool())
            self.log.append(last)
        last.spool.write(data)
        self._noted_ns = now_ns
        self.said = self.said or fd != STDIN
        self.causes += fd == STDIN

    def _last_of(self, fd: int) -> Run | script.Step | None:
        """What was noted last, but for the ends of other outputs where time does not matter.

        A child that ends closes all its outputs; what is still in the pipe of one is no piece of its own.
        """
        at = len(self.log) - 1
        while at > 0 and self.pause_ns is None:
            item = self.log[at]
            if not isinstance(item, script.OutputEnd) or item.fd == fd:
                break
            at -= 1
        return self.log[at] if at >= 0 else None

    def _is_apart(self, now_ns: int, last: object) -> bool:
        """Whether what comes now is to be told apart from what came before by its time."""
        if self.pause_ns is None:
            return False
        if self._time.waits is None:
            return now_ns - self._noted_ns > self.pause_ns
        if isinstance(last, Run) and last.spool.size < _LITTLE:
            parted_ns = whole_us(self._time.parted_ns - self.began_ns)
            if self._noted_ns < parted_ns <= now_ns:
                return True
        return now_ns - getattr(last, "at_ns", 0) > self.pause_ns

    def effects_before_words(self, files: tuple[FileEffect, ...]) -> None:
        """Note effects before what the child said last: whoever has read that may know of them."""
        at = len(self.log)
        while at and is_said(self.log[at - 1]):
            at -= 1
        since_ns = self.log[at].at_ns if at < len(self.log) else self.now_ns()
        self.log.insert(at, script.Effects(files, since_ns))

    def around_input_file(self, steps: list[script.Step]) -> None:
        """Note what the child did to a regular file that is its input: it read first, then wrote."""
        self.log[:0] = [one for one in steps if not isinstance(one, script.Output)]
        at_ns = self.now_ns()
        written = (one for one in steps if isinstance(one, script.Output))
        self.log.extend(script.Output(one.fd, one.data, at_ns) for one in written)

    def seal(self) -> None:
        """What comes from now on is told apart from what came before."""
        if self.log and isinstance(last := self.log[-1], Run):
            last.sealed = True

    def steps(self) -> list[script.Step]:
        """All that was noted."""
        return [step_of(item) if isinstance(item, Run) else item for item in self.log]

    def only_a_poll_tells(self, index: int) -> bool:
        """Whether all that was noted from ``index`` on is the child's own doing."""
        return all(
            item.fd != STDIN if isinstance(item, Run) else isinstance(item, _CHILDS_OWN)
            for item in self.log[index:]
        )
