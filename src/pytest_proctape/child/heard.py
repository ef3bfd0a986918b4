"""A child of the recording that is heard by :mod:`.ears` alone, and does what most do: say something and end.

Of that, a list is enough. Whatever else may come up, as a signal, a wait that expires, much to say or
another that holds its outputs, is the business of the class above: it gets what it needs, with all that was
heard so far, in the moment when it first asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..clock import REAL
from ..genuine import threading
from ..later import on_demand
from ..tape import STDIN, Content, End, Script, SpawnError, Spool, script
from .ears import Ear
from .guardian import GUARDIAN
from .leads import Leads
from .lent import OwnPipe
from .notebook import Notebook
from .notes import whole_us
from .recording import RecordingChild
from .timing import ChildTime
from .warden import Warden
from .wiring import Wiring

LITTLE: Final = 1 << 16
"""Bytes that a list is enough for."""


def _with_notes(name: str) -> Any:  # noqa: ANN401 - of whatever type it is
    def begun(child: HeardChild) -> object:
        with child.lock:
            if name not in vars(child):
                child._begin_notes()
        return vars(child)[name]

    return on_demand(begun)


class HeardChild(RecordingChild):
    """One such child."""

    _is_plain = True

    def __init__(
        self,
        wiring: Wiring,
        new_spool: Callable[[], Spool],
        new_warden: Callable[[], Warden],
        little: int = LITTLE,
    ) -> None:
        """Listen.

        Args:
            wiring: as the parent asked for it. No output is anybody else's.
            new_spool: makes what collects a stream, should it be needed.
            new_warden: makes who keeps it within limits, should it be needed.
            little: so many bytes need nothing of that.
        """
        ends = wiring.ends
        assert ends is not None
        # Nothing of what the class above does with what it has then.
        self.pid = 0
        self.status = None
        self.error = None
        self.warden = None
        self.awaited = False
        self.lock = threading.RLock()
        self.wiring = wiring
        self.started_ns = REAL.monotonic_ns()
        self._timed = self._held = False
        self._look = None
        self._seen_running = None
        self._ended_ns = self._last_ns = self._ended_at = self._began_ns = 0
        self._new_spool = new_spool
        self._new_warden: Callable[[], Warden] | None = new_warden
        self._together, self._has_input, self._sent = ends.together, ends.sent is not None, ends.sent
        self._left = little
        self._heard: list[tuple[int, int, bytes | None]] = []
        self._captured = frozenset(ends.outputs)
        self._lent = OwnPipe() if ends.sent else None
        self._guarded = 0
        self.ears = {}
        try:
            if self._lent is not None:
                self._lent.keep(wiring.inputs[STDIN])
            self.ears = {fd: Ear(fd, end, self, self.lock) for fd, end in ends.outputs.items()}
            self._guarded = GUARDIAN.expect([ear.pipe for ear in self.ears.values()])
        except BaseException:
            self.discard()
            raise

    # What the class above has from the beginning.
    leads: Leads = _with_notes("leads")
    time: ChildTime = _with_notes("time")
    _notes: Notebook = _with_notes("_notes")

    def _begin_notes(self) -> None:
        """Be as the class above is, and remember."""
        warden = self.warden = None if self._new_warden is None else self._new_warden()
        self.time = time = ChildTime(None)
        self._notes = notes = Notebook(self._new_spool, time, timed=False)
        self._is_plain = False
        notes.began_ns = self.started_ns
        admit = None if warden is None else warden.admit
        self.leads = leads = Leads(
            notes.data, self._note_end, self._before_input, self._new_spool, admit, self.lock
        )
        leads.take_over(self.ears)
        leads.captured = set(self._captured)
        leads.merged, leads.has_own_input, leads.lent = self._together, self._has_input, self._lent
        if self.pid and warden is not None:
            warden.watch(self)
        last_ns = self._last_ns
        for fd, at_ns, data in self._heard:
            notes.recall(at_ns)
            if data is None:
                self._note_end(fd)
            elif fd == STDIN:
                notes.data(fd, data)
            else:
                leads.said(fd, data)
        notes.go_on()
        self._last_ns = last_ns

    # -- as long as it is plain ----------------------------------------------------------------

    def started(self, pid: int) -> None:
        """The process runs; somebody listens."""
        self.pid = pid
        GUARDIAN.started(self._guarded, pid)

    def failed(self, error: SpawnError) -> None:
        """The process could not be started."""
        self.error = error
        self._ended_ns = REAL.monotonic_ns()
        self.discard()

    def discard(self) -> None:
        """There is no process after all: close everything."""
        for ear in self.ears.values():
            ear.close()
        if self._lent is not None:
            self._lent.release()
        GUARDIAN.over(self._guarded)

    def said(self, fd: int, data: bytes) -> bytes:
        """An ear has heard this."""
        self._left -= len(data)
        if self._left < 0:
            return self.leads.said(fd, data)
        self._heard.append((fd, self._now_ns(), data))
        return data

    def fell_silent(self, fd: int) -> None:
        """An ear will hear nothing more."""
        self._last_ns = REAL.monotonic_ns()
        self._heard.append((fd, self._now_ns(), None))

    def has_sent(self, data: bytes) -> None:
        """The parent has written all of its input into the child's pipe, and closed it."""
        if not self._is_plain:
            super().has_sent(data)
            return
        if data:
            self._heard.append((STDIN, self._now_ns(), data))
        self._heard.append((STDIN, self._now_ns(), None))

    def _now_ns(self) -> int:
        return whole_us(REAL.monotonic_ns() - self.started_ns)

    def step(self) -> bool:
        """Hear what there is."""
        if not self._is_plain:
            return super().step()
        with self.lock:
            for ear in self.ears.values():
                if not ear.ended:
                    ear.step(self)
        return False

    def reaped(self, status: int, *, was_gone: bool, polled: bool = False) -> None:
        """The parent has got the status."""
        with self.lock:
            if self._is_plain and self._has_said_all():
                self.status = status
                self._ended_ns = self._last_ns if was_gone and self._last_ns else REAL.monotonic_ns()
                GUARDIAN.over(self._guarded)
                return
        super().reaped(status, was_gone=was_gone, polled=polled)

    def _has_said_all(self) -> bool:
        """Whether nobody holds its outputs, and it has taken its input."""
        if not all(ear.ended for ear in self.ears.values()):
            return False
        if self._lent is not None:
            self._lent.child_ended()
            return not self._lent.untaken
        return True

    @property
    def is_running(self) -> bool:
        """It was started, and the parent does not know of its end."""
        return self.pid != 0 and self.status is None and (self._is_plain or super().is_running)

    @property
    def _is_over(self) -> bool:
        return self._is_plain and (self.status is not None or self.error is not None)

    def finish(self) -> None:
        """The tape ends here. Nobody keeps the child within limits any more, and it forgets who would."""
        if not self._is_over:
            super().finish()
        self._new_warden = None

    def brief(self) -> tuple[dict[int, bytes], End] | None:
        """See the class above: of a child that has no input of its own, and two streams or one."""
        if not self._is_over or self._has_input or self._together:
            return None
        outputs = dict.fromkeys(self._captured, b"")
        for fd, _, data in self._heard:
            if data is not None:
                outputs[fd] += data
        return outputs, self._end()

    def _end(self) -> End:
        return End(self.status, self.error, whole_us(self._ended_ns - self.started_ns))

    def ignored(self) -> tuple[bytes, bool] | None:
        """As above; here all is known that was to be sent."""
        if not self._is_over:
            return super().ignored()
        return None if self._sent is None or self.script().has_input else (self._sent, True)

    def script(self) -> Script:
        """What the child did, so far or to its end."""
        if not self._is_over:
            return super().script()
        steps: list[script.Step] = []
        for fd, at_ns, data in self._heard:
            if fd == STDIN:
                steps.append(
                    script.InputEnd(at_ns) if data is None else script.Input(Content.of(data), at_ns)
                )
            elif data is not None:
                last = steps[-1] if steps else None
                if isinstance(last, script.Output) and last.fd == fd:
                    steps[-1] = last.but(data=Content.of(last.data.bytes() + data))
                else:
                    steps.append(script.Output(fd, Content.of(data), at_ns))
        has_input = not self._has_input or any(isinstance(step, script.InputEnd) for step in steps)
        return Script(tuple(steps), self._end(), self._captured, self._together, has_input)

    @property
    def open(self) -> bool:
        """Somebody can still write to one of the streams."""
        return super().open if not self._is_plain else not all(ear.ended for ear in self.ears.values())

    def abandon(self) -> None:
        """In a forked child: the descriptors are the caller's."""
        if not self._is_plain:
            super().abandon()
