"""One thread that moves bytes for all children that can't wait for their parent to come by.

Most replayed children never need it: their output fits into the pipe and is put there at once. The
thread exists only while some descriptor is watched. It is started below :mod:`threading`, so that it
is not counted among the threads of the tests, and it is away while the process forks.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Container
from typing import Protocol, runtime_checkable

from ..clock import REAL
from ..genuine import _thread, selectors, threading
from ..owned import Owned

_READ = selectors.EVENT_READ
_FOR_EVER = float("inf")
_EpollSelector: tuple[type[selectors.BaseSelector], ...] = tuple(
    kind for kind in (getattr(selectors, "EpollSelector", None),) if kind is not None
)


_END_S = 10.0
"""Real seconds in which the thread ends. It can't where a handler of signals waits for that, in the middle of
what the thread has to wait for.
"""

_START_THREAD = _thread.start_new_thread
"""As it was when no tape was active: the thread belongs to no test."""


class Stepper(Protocol):
    """What the pump calls when a descriptor it watches is ready, or a deadline has passed."""

    def step(self) -> object:
        """Move as far as possible without blocking; watch and forget descriptors as needed."""


@runtime_checkable
class Holder(Protocol):
    """One that has descriptors which others wait at."""

    def give_up(self, error: Exception) -> None:
        """It can't be stepped, because of ``error``: close them."""


class Pump:
    """Watches descriptors and steps their owners. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = _thread.RLock()
        self._watched: dict[int, int] = {}
        self._timers: dict[Stepper, int] = {}
        self._sleeps_until_ns: float = _FOR_EVER
        """When the thread looks at the timers again by itself."""
        self._selector: selectors.BaseSelector | None = None
        self._fds = Owned()
        self._wake_read = self._wake_write = -1
        self._running = False
        """Whether the thread is to go on. It ends only where it sees, with the lock, that it is not."""
        self._alive = False
        """Whether there is a thread. One that was told to end and hasn't yet may be told to go on."""
        self._one: object = None
        """Which thread that is."""
        self._pauses: set[int] = set()
        """Threads that fork just now."""
        self._retiring = False
        self._done = _thread.allocate_lock()
        """Held from a start to the end that follows, or to the next start before it came to that."""
        self._turn = _thread.RLock()
        self._here = threading.local()
        """Held while owners are stepped."""

    def watch(self, fd: int, events: int, owner: Stepper) -> None:
        """Step ``owner`` whenever ``fd`` is ready for ``events`` (``selectors.EVENT_*``).

        With no events only a hang-up counts: the other side closed. Linux reports that for an empty
        mask, epoll_ctl(2); elsewhere it is found out at the next write.
        """
        with self._lock:
            if self._watched.get(fd) == events:
                return
            selector = self._open()
            if not events and not isinstance(selector, _EpollSelector):
                self.forget(fd)
                return
            if fd in self._watched:
                self._modify(selector, fd, events, owner)
            else:
                self._register(selector, fd, events, owner)
            self._watched[fd] = events
            self._start()

    def _register(self, selector: selectors.BaseSelector, fd: int, events: int, owner: Stepper) -> None:
        self._watched[fd] = events
        try:
            # The selectors refuse an empty mask at first. To be told that it can be written to would wake
            # the thread at once; there is nothing to read at a writer's end.
            selector.register(fd, events or _READ, owner)
            if not events:
                self._modify(selector, fd, events, owner)
        except BaseException:
            # Ctrl-C, perhaps: a descriptor that is half known here would be so for ever.
            self.forget(fd)
            raise

    def forget(self, fd: int) -> None:
        """Stop watching ``fd``; call it before the descriptor is closed."""
        with self._lock:
            if self._watched.pop(fd, None) is not None and self._selector is not None:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(fd)
                self._retire_if_idle()

    def _forget_all_of(self, owner: Stepper) -> None:
        with self._lock:
            if self._selector is not None:
                for key in list(self._selector.get_map().values()):
                    if key.data is owner and isinstance(key.fileobj, int):
                        self.forget(key.fileobj)

    def call_at(self, at_ns: int | None, owner: Stepper) -> None:
        """Step ``owner`` once at this reading of the real monotonic clock; ``None`` takes that back."""
        with self._lock:
            if at_ns is None:
                self._timers.pop(owner, None)
                self._retire_if_idle()
            elif self._timers.get(owner) != at_ns:
                self._timers[owner] = at_ns
                self._open()
                if not self._running:
                    self._start()
                elif at_ns < self._sleeps_until_ns:
                    # Else it wakes early enough. To wake it costs more than most children do in all.
                    self._wake()

    def catch_up(self, owners: Container[Stepper]) -> None:
        """Do for these owners, before this returns, what the thread is about to do for them."""
        # What the thread has been told of and not stepped yet is told here as well.
        with self._turn:
            with self._lock:
                # The thread closes it when there is nothing left to watch.
                ready = [] if self._selector is None else self._selector.select(0)
            for key, _ in ready:
                if key.data in owners:
                    key.data.step()

    def pause(self) -> None:
        """End the thread until :meth:`resume`: a fork copies only the thread that forks."""
        with self._lock:
            self._pauses.add(threading.get_ident())
        self._stop()

    def resume(self) -> None:
        """Take one :meth:`pause` back, as after a fork in the parent: threads may fork at one time."""
        with self._lock:
            self._pauses.discard(threading.get_ident())
            if self._watched or self._timers:
                self._start()

    def engage(self) -> None:
        """A tape is active: take :meth:`retire` back.

        The descriptors are made now, so that a test which counts descriptors finds as many at its end as at
        its beginning.
        """
        with self._lock:
            # A thread that comes here has forked, though Ctrl-C may have kept it from saying so.
            self._pauses.discard(threading.get_ident())
            self._retiring = False
            self._open()

    def retire(self) -> None:
        """Let go of thread and descriptors once nothing is watched any more, be it later."""
        with self._lock:
            self._retiring = True
            if self._watched or self._timers:
                return
        self._stop()
        with self._lock:
            self._let_go()

    def _retire_if_idle(self) -> None:
        if self._retiring and not self._watched and not self._timers:
            if self._running:
                self._wake()
            else:
                # Who was to start the thread may have been interrupted before.
                self._let_go()

    def _let_go(self) -> None:
        if self._alive or self._watched or self._timers:
            return
        selector, self._selector = self._selector, None
        if selector is not None:
            selector.close()
        self._wake_read = self._wake_write = -1
        self._fds.close_all()

    def abandon(self) -> None:
        """In a forked child: drop everything without touching what the parent still uses."""
        self.__init__()  # type: ignore[misc]

    def is_here(self) -> bool:
        """Whether this is its thread. Garbage may be collected here, and finalizers of the test's may run."""
        return hasattr(self._here, "pumps")

    @property
    def idle(self) -> bool:
        """Nothing is watched."""
        return not self._watched

    def _open(self) -> selectors.BaseSelector:
        if self._selector is None:
            selector = selectors.DefaultSelector()
            if isinstance(selector, _EpollSelector):
                epoll = selector._selector  # type: ignore[attr-defined]
                high = self._fds.duplicate(epoll.fileno())
                selector._selector = self._fds.given(high, type(epoll).fromfd)  # type: ignore[attr-defined]
                epoll.close()
            if self._wake_read == -1:
                self._wake_read, self._wake_write = self._fds.high_pair(os.pipe)
            os.set_blocking(self._wake_read, False)
            os.set_blocking(self._wake_write, False)
            selector.register(self._wake_read, _READ, None)
            # Last: one that is there is whole.
            self._selector = selector
        return self._selector

    @staticmethod
    def _modify(selector: selectors.BaseSelector, fd: int, events: int, owner: Stepper) -> None:
        if events:
            # Not `modify`: that compares with the events of the key, which an empty mask is not in.
            selector.unregister(fd)
            selector.register(fd, events, owner)
        else:
            # The public method refuses an empty mask too, and would forget the owner.
            selector._selector.modify(fd, 0)  # type: ignore[attr-defined]

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def _start(self) -> None:
        done = _thread.allocate_lock()
        done.acquire()
        # From here to what is set nothing is called: a handler of a signal may start it as well.
        if self._running or self._pauses:
            return
        if self._alive:
            before, self._done, self._running = self._done, done, True
            # Who waits for its end would wait for the end of what comes now.
            before.release()
            return
        self._done = done
        # It waits for the lock. Should Ctrl-C come now, it finds that it is not the one, and ends.
        one = object()
        _START_THREAD(self._run, (one,))
        self._one, self._alive, self._running = one, True, True

    def _stop(self) -> None:
        with self._lock:
            self._running = False
            if not self._alive:
                return
            self._wake()
            done = self._done
        if done.acquire(timeout=_END_S):
            done.release()

    def _run(self, one: object) -> None:
        # Signals are for the threads of the tests: one that waits for SIGCHLD must not lose it to this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._here.pumps = True
        try:
            while self._goes_on(one):
                self._round()
        except BaseException:
            self._running = False
            self._goes_on(one)
            raise

    def _goes_on(self, one: object) -> bool:
        with self._lock:
            if self._one is not one:
                return False
            if self._retiring and not self._watched and not self._timers:
                self._running = False
            if not self._running:
                self._alive = False
                if self._retiring:
                    self._let_go()
                self._done.release()
            return self._running

    def _round(self) -> None:
        selector = self._selector
        assert selector is not None
        owners: dict[Stepper, None] = {}
        for key, _ in selector.select(self._patience()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
            else:
                owners[key.data] = None
        with self._turn:
            for owner in [*owners, *self._due()]:
                try:
                    owner.step()
                except Exception as error:
                    # The others' bytes must go on moving. What went wrong is told where bugs are told.
                    sys.excepthook(*sys.exc_info())
                    self._give_up(owner, error)

    def _give_up(self, owner: Stepper, error: Exception) -> None:
        """Nobody moves this one's bytes any more: who waits for them is not to wait for ever."""
        self._forget_all_of(owner)
        # What only looks at the time has nothing to let go of.
        if isinstance(owner, Holder):
            with contextlib.suppress(Exception):
                owner.give_up(error)

    def _patience(self) -> float | None:
        with self._lock:
            if not self._timers:
                self._sleeps_until_ns = _FOR_EVER
                return None
            first_ns = self._sleeps_until_ns = min(self._timers.values())
            return max(0.0, (first_ns - REAL.monotonic_ns()) / 1e9)

    def _due(self) -> list[Stepper]:
        with self._lock:
            if not self._timers:
                return []
            now = REAL.monotonic_ns()
            due = [owner for owner, at_ns in self._timers.items() if at_ns <= now]
            for owner in due:
                del self._timers[owner]
            return due


PUMP = Pump()
os.register_at_fork(before=PUMP.pause, after_in_parent=PUMP.resume, after_in_child=PUMP.abandon)
