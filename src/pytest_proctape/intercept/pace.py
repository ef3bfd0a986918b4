"""The tape time of one asyncio loop, and the selector that knows when there is only that to wait for.

:mod:`.pacing` gives a loop its :class:`Pace` with its first replayed child. How much the loop's selector does
for a round depends on how many children move in that round, and not on how many there are.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import os
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from io import FileIO
from typing import Any

from ..child import PUMP, FedChild, VirtualChild, patience_ns
from ..clock import REAL
from ..frozen import NOTHING
from ..genuine import select as system
from ..genuine import selectors
from . import inherit
from .lanes import BothMaps, Lanes
from .outside import is_of_this_process, is_outer_socket, let_arrive

_BLINK_S = 0.005
_TELLING_NS = 10**9
"""Real nanoseconds after which nobody is thought to be bringing the word any more."""

_BUSY_ROUNDS = 16
"""So many rounds a busy loop goes without a look at what wakes it, and at the time."""

Events = list[tuple[selectors.SelectorKey, int]]

_REAL: weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]] = weakref.WeakKeyDictionary()


def note_real(loop: Any, transport: Any) -> None:
    """A command that is never taped takes its real time in this loop."""
    _REAL.setdefault(loop, weakref.WeakSet()).add(transport)


class Pace:
    """The tape time of one loop, and what its children do by it.

    A child says when it has been stepped, by whomever, and then it is looked at. Nobody else has to be.

    Attributes:
        skipped_s: how much time has been left out, in seconds.
        children: those that have not ended, or whose output is on its way, with the transports to be told.
        stepped: those that have to be looked at.
        fed: those that a pipe may bring on, and those of which one never knows.
        inputs: those that wait for input, by the descriptor that it comes by.
        lanes: pipes of children that the system is not asked about.
    """

    def __init__(self, loop: Any) -> None:
        self.skipped_s = 0.0
        self.children: dict[VirtualChild, Any] = {}
        self.stepped: deque[VirtualChild] = deque()
        self._due: dict[VirtualChild, int] = {}
        self._times: list[tuple[int, int, VirtualChild]] = []
        """A heap of all that is in ``_due``, and of more: what has been superseded stays until its time."""
        self._numbers = itertools.count()
        self.fed: set[VirtualChild] = set()
        self.inputs: dict[int, VirtualChild] = {}
        self._input_of: dict[VirtualChild, int] = {}
        self._looking = system.poll()
        self._tellers: dict[VirtualChild, Callable[[], None]] = {}
        self._untold: dict[VirtualChild, tuple[Any, int]] = {}
        self._asleep = False
        self.lanes = Lanes()
        self._loop = weakref.ref(loop)
        self._real_time: Callable[[], float] = loop.time
        loop.time = self.time
        loop._selector = Selector(loop._selector, self)

    def time(self) -> float:
        """Stands in for ``loop.time``: waits that were cut short count in full."""
        return self._real_time() + self.skipped_s

    def now_ns(self) -> int:
        """The same in nanoseconds."""
        return round((self._real_time() + self.skipped_s) * 1e9)

    def add(self, child: VirtualChild, transport: Any, files: Mapping[FileIO, bool] = NOTHING) -> None:
        """The loop waits for ``child``, and ``transport`` is to be told of its end.

        Args:
            child: of this replay.
            transport: of the child.
            files: pipes that it says all into at once, and whether that is anything.
        """
        self.children[child] = transport
        child.on_step = self._note_step
        if files:
            if not isinstance(child, FedChild):
                self.lanes.open(child, files)
                self._schedule(child)
                return
            self.lanes.open(child, files, is_mute=child.is_mute)
        self.stepped.append(child)

    def _note_step(self, child: VirtualChild) -> None:
        self.stepped.append(child)
        if self._asleep:
            self._asleep = False
            loop = self._loop()
            if loop is not None:
                loop._write_to_self()

    def sleep(self, select: Callable[[float | None], Events], *, alone: bool) -> Events:
        """Nothing is due, and no timer will be: another thread has to do something for the loop, or a child.

        Where that does not come either, each child that waits for its parent is told that it waits in vain.

        Args:
            select: waits for what the loop watches.
            alone: nothing outside of this process can make that ready.
        """
        held = [child for child in self.children if child.awaits_expiry]
        for child in held:
            child.awaited_in_vain()
        if held:
            return []
        for child in list(self.inputs.values()):
            child.look_no_more()
        self._asleep = True
        try:
            # Whoever steps a child from now on wakes the loop.
            ready = [] if self.stepped else select(patience_ns(alone=alone) / 1e9)
        finally:
            self._asleep = False
        if not ready and not self.stepped:
            for child in list(self.children):
                child.stall()
        return ready

    def __contains__(self, child: VirtualChild) -> bool:
        return child in self.children

    def tell_by(self, child: VirtualChild, tell: Callable[[], None]) -> None:
        """Call ``tell`` once ``child`` has ended, while the loop selects."""
        self._tellers[child] = tell
        if child.status is not None:
            self.stepped.append(child)

    @property
    def at_rest(self) -> bool:
        """No child is left that could do anything, and of none the end has still to be told."""
        return not self.children and not self._untold

    def can_move(self) -> bool:
        """Whether there is anything to catch up with."""
        if self.stepped or self.fed or self.inputs:
            return True
        return bool(self._times) and self._times[0][0] <= (self._real_time() + self.skipped_s) * 1e9

    def awaits_real(self) -> bool:
        """Whether the loop waits for a real child, too."""
        transports = _REAL.get(self._loop()) if _REAL else None
        return transports is not None and any(getattr(one, "_returncode", 0) is None for one in transports)

    def telling(self) -> bool:
        """Whether the word that a child has ended is on its way to the loop.

        Some of asyncio's watchers bring it from a thread of theirs, and time must not go on meanwhile.
        """
        if not self._untold:
            return False
        now_ns = REAL.monotonic_ns()
        for child, (transport, ended_ns) in list(self._untold.items()):
            if getattr(transport, "_returncode", 0) is None and now_ns - ended_ns < _TELLING_NS:
                return True
            del self._untold[child]
        return False

    def catch_up(self) -> bool:
        """Let every child move as far as it can now; whether the loop has been told of the end of one."""
        if self.fed:
            PUMP.catch_up(self.fed)
            for child in [one for one in self.fed if one.restless or one.hears_late]:
                child.step()
        if self.inputs:
            for fd, _ in self._looking.poll(0):
                self.inputs[fd].step()
        now_ns = self.now_ns() if self._times else 0
        while self._times and self._times[0][0] <= now_ns:
            at_ns, _, child = heapq.heappop(self._times)
            if self._due.get(child) == at_ns:
                del self._due[child]
                child.step()
        told = False
        while self.stepped:
            told |= self._look_at(self.stepped.popleft())
        return told

    def _look_at(self, child: VirtualChild) -> bool:
        """See what it waits for now, and whether it has ended."""
        if child not in self.children:
            return False
        told = False
        if isinstance(child, FedChild) and not child.is_mute:
            self.lanes.speak(child)
        if child.status is not None:
            self.lanes.close(child)
            told = self._tell_end(child)
            if not child.busy:
                self._forget(child)
                return told
        self._schedule(child)
        if child.is_fed:
            self.fed.add(child)
        else:
            self.fed.discard(child)
        self._look_for_input(child, child.input_to_look_at)
        return told

    def _look_for_input(self, child: VirtualChild, fd: int | None) -> None:
        before = self._input_of.get(child)
        if fd == before:
            return
        if before is not None:
            del self._input_of[child]
            if self.inputs[before] is child:
                del self.inputs[before]
                self._looking.unregister(before)
        if fd is not None:
            self._input_of[child] = fd
            self.inputs[fd] = child
            self._looking.register(fd, system.POLLIN)

    def _schedule(self, child: VirtualChild) -> None:
        due_ns = child.due_ns()
        if due_ns is None:
            self._due.pop(child, None)
        elif self._due.get(child) != due_ns:
            self._due[child] = due_ns
            heapq.heappush(self._times, (due_ns, next(self._numbers), child))

    def _tell_end(self, child: VirtualChild) -> bool:
        tell = self._tellers.pop(child, None)
        if tell is not None:
            self.children[child] = None
            tell()
            return True
        transport = self.children[child]
        if transport is not None:
            self.children[child] = None
            self._untold[child] = transport, REAL.monotonic_ns()
        return False

    def _forget(self, child: VirtualChild) -> None:
        child.on_step = None
        del self.children[child]
        self._due.pop(child, None)
        self.fed.discard(child)
        if child in self._input_of:
            self._look_for_input(child, None)
        if not self._due:
            # A loop may outlive very many children.
            self._times.clear()

    def jump(self, deadline: float | None) -> bool:
        """Let the time pass until something is due, or ``loop.time`` is ``deadline``; whether anything is."""
        while self._times and self._due.get(self._times[0][2]) != self._times[0][0]:
            heapq.heappop(self._times)
        due_ns = None if deadline is None else round(deadline * 1e9)
        if self._times and (due_ns is None or self._times[0][0] < due_ns):
            due_ns = self._times[0][0]
        if due_ns is None:
            return False
        self.skipped_s += max(0.0, (due_ns - self.now_ns()) / 1e9) + 1e-9
        return True


class Selector:
    """The loop's selector, which knows when there is only time left to wait for.

    Attributes:
        pace: the tape time of the loop.
    """

    def __init__(self, inner: selectors.BaseSelector, pace: Pace) -> None:
        self._inner = inner
        self.pace = pace
        self._lanes = pace.lanes
        self._new = {key.fd for key in (inner.get_map() or {}).values()}
        self._outer: set[int] = set()
        self._terminals: set[int] = set()
        self._watched = len(self._new)
        self._rounds = 0
        # A loop asks these often.
        self._select = inner.select
        self._peek = _peek_of(inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey] | None:
        """Stands in for :meth:`selectors.BaseSelector.get_map`."""
        watched: Mapping[Any, selectors.SelectorKey] | None = self._inner.get_map()
        return BothMaps(self._lanes, watched) if self._lanes.keys and watched is not None else watched

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """Stands in for :meth:`selectors.BaseSelector.get_key`."""
        if fileobj in self._lanes.opened:
            return self._lanes.keys[fileobj]
        return self._inner.get_key(fileobj)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Stands in for :meth:`selectors.BaseSelector.register`."""
        key = self._lanes.watch(fileobj, events, data)
        if key is None:
            key = self._inner.register(fileobj, events, data)
            self._new.add(key.fd)
            self._watched += 1
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Stands in for :meth:`selectors.BaseSelector.modify`."""
        if fileobj not in self._lanes.keys:
            return self._inner.modify(fileobj, events, data)
        self._lanes.forget(fileobj)
        return self.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stands in for :meth:`selectors.BaseSelector.unregister`."""
        if fileobj in self._lanes.keys:
            return self._lanes.forget(fileobj)
        key = self._inner.unregister(fileobj)
        self._watched -= 1
        self._new.discard(key.fd)
        self._outer.discard(key.fd)
        self._terminals.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> Events:
        """Stands in for :meth:`selectors.BaseSelector.select`."""
        pace = self.pace
        if timeout is not None and timeout <= 0:
            self._rounds += 1
            # A loop always watches what wakes it, and one that is busy is awake; nor does the time press.
            if self._watched > 1 or not self._rounds % _BUSY_ROUNDS:
                if pace.can_move():
                    pace.catch_up()
                return self._glance()
            if pace.stepped or pace.fed or pace.inputs:
                pace.catch_up()
            return self._lanes.events() if self._lanes.ready else []
        if pace.at_rest and not self._lanes.ready:
            return self._select(timeout)
        return self._wait(None if timeout is None else pace.time() + timeout)

    def _glance(self) -> Events:
        """What is ready now; mostly nothing, and then there is little to ask."""
        if self._terminals:
            let_arrive(self._terminals)
        ready = self._select(0) if self._peek() else []
        return ready + self._lanes.events() if self._lanes.ready else ready

    def _wait(self, deadline: float | None) -> Events:
        """Until something is ready, or by ``loop.time`` it is ``deadline``."""
        pace, select = self.pace, self._select
        self._look_at_new()
        while True:
            told = pace.can_move() and pace.catch_up()
            ready = self._glance()
            left = None if deadline is None else deadline - pace.time()
            if ready or told or (left is not None and left <= 0):
                return ready
            telling = pace.telling()
            if not pace.children and not telling:
                return select(left)
            if telling or pace.awaits_real() or inherit.in_flight() or self._outer:
                ready = select(_BLINK_S if left is None else min(left, _BLINK_S))
            elif pace.jump(deadline):
                continue
            else:
                ready = pace.sleep(select, alone=self._is_alone())
            if ready:
                return ready

    def _is_alone(self) -> bool:
        """Whether all that the loop watches is made ready by this process."""
        return all(is_of_this_process(key.fd) for key in (self.get_map() or {}).values())

    def _look_at_new(self) -> None:
        """Know the sockets that lead elsewhere than to a child or to the loop itself, and the terminals."""
        while self._new:
            fd = self._new.pop()
            if is_outer_socket(fd):
                self._outer.add(fd)
            elif os.isatty(fd):
                self._terminals.add(fd)


def _peek_of(inner: selectors.BaseSelector) -> Callable[[], object]:
    """Whether ``inner`` may have something ready."""
    if type(inner) is not getattr(selectors, "EpollSelector", None):
        return lambda: True
    return functools.partial(inner._selector.poll, 0, 1)  # type: ignore[attr-defined]
