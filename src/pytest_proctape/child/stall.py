"""Finds the child that waits for what never comes, while all of the test waits for the child.

A wait of the parent can be limited, as it comes through us; a plain read of the child's output can't. But
the system tells where a thread sleeps (``/proc/self/task/<tid>/syscall``, proc(5)). So where a virtual
child waits for a deed of its parent, and a thread sleeps in a read of that child's pipe without a limit, and
no other thread is awake to do the deed, they never meet. The virtual child asks here; elsewhere than on
Linux nothing is ever found.
"""

from __future__ import annotations

import os
import platform
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from ..clock import REAL
from ..frozen import Value
from ..genuine import close, select, threading
from .console import slave_of
from .pump import PUMP
from .wiring import identity, is_open

LIMIT_NS = 30 * 10**9
"""Real nanoseconds of sleep that make it plain, where something outside could still wake a thread."""

LONE_LIMIT_NS = 10**9
"""The same where only the threads themselves could: they all sleep, so nothing ever does."""

_PERIOD_NS = 200_000_000

_ENDLESS_MS = 10**9
"""No limit to speak of, in milliseconds, as -1 in 32 bits is. libev, without a timer, has one of 17 days."""

_NUMBERS: Final = {
    "x86_64": {
        "transfer": (0, 1, 19, 20, 45),
        "poll": (7,),
        "ppoll": (271,),
        "select": (23, 270),
        "epoll": (232, 281),
        "futex": (202,),
        "other": (43, 61, 247, 288),
    },
    "aarch64": {
        "transfer": (63, 64, 65, 66, 207),
        "ppoll": (73,),
        "select": (72,),
        "epoll": (22,),
        "futex": (98,),
        "other": (95, 202, 242, 260),
    },
}
"""Numbers of the calls in which a thread may sleep without a limit: syscall(2) and the kernel's tables.

``transfer`` are read, write, readv, writev and recvfrom, ``other`` accept, wait4, waitid and accept4.
"""

_CALLS = {
    number: name for name, numbers in _NUMBERS.get(platform.machine(), {}).items() for number in numbers
}


class Stallable(Protocol):
    """A child, as far as this matters."""

    def streams(self) -> list[int]:
        """The descriptors of its open ends; none where it does not wait for its parent."""

    def awaited_in_vain(self) -> None:
        """The parent waits for the child without a limit."""

    def stall(self) -> None:
        """It will never get what it waits for."""


class Sleep(Value):
    """A thread in a call that ends when something happens, however long that takes.

    Attributes:
        line: the call with its arguments, as the system tells it.
        fds: on which something has to happen; none where another thread has to wake it.
        inside: nothing outside of this process can end it.
    """

    line: str
    fds: tuple[int, ...] = ()
    inside: bool = False


def sleep_of(tid: int) -> Sleep | None:
    """In which call the thread with this native id sleeps; ``None`` if it is awake or will be by itself."""
    try:
        with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as file:
            line = file.read().strip()
    except OSError:
        return None
    number, *words = line.split()
    call = _CALLS.get(int(number)) if number.lstrip("-").isdigit() else None
    if call is None or len(words) < 6:
        return None
    return _sleep(call, [int(word, 16) for word in words[:6]], line)


def _sleep(call: str, args: list[int], line: str) -> Sleep | None:
    match call:
        case "transfer":
            return Sleep(line, (args[0],))
        case "poll" | "ppoll":
            endless = args[2] & 0xFFFFFFFF >= _ENDLESS_MS if call == "poll" else args[2] == 0
            return Sleep(line, tuple(_polled(args[0], args[1]))) if endless else None
        case "select":
            return Sleep(line, tuple(_selected(args))) if args[4] == 0 else None
        case "epoll":
            return Sleep(line, tuple(_registered(args[0]))) if args[3] & 0xFFFFFFFF >= _ENDLESS_MS else None
        case "futex":
            return Sleep(line, inside=True) if args[3] == 0 else None
    return Sleep(line)


def _polled(address: int, count: int) -> Iterator[int]:
    """From an array of ``struct pollfd``: poll(2)."""
    for fd, _, _ in struct.iter_unpack("ihh", _memory(address, 8 * min(count, 1 << 12))):
        yield fd


def _selected(args: list[int]) -> Iterator[int]:
    """From the sets of descriptors to read and to write: select(2)."""
    for address in args[1:3]:
        bits = _memory(address, (args[0] + 7) // 8) if address else b""
        yield from (fd for fd in range(len(bits) * 8) if bits[fd // 8] >> fd % 8 & 1)


def _registered(epoll: int) -> Iterator[int]:
    """What an epoll descriptor watches: proc(5)."""
    with open(f"/proc/self/fdinfo/{epoll}", encoding="ascii") as lines:
        yield from (int(line.split()[1]) for line in lines if line.startswith("tfd:"))


def _memory(address: int, size: int) -> bytes:
    """What a sleeping thread has told the system to look at."""
    fd = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, size, address)
    finally:
        close(fd)


class StallWatch:
    """Looks now and then at one child that waits for its parent, in the pump's thread."""

    __slots__ = ("_armed", "_child", "_seen", "_since_ns")

    def __init__(self, child: Stallable) -> None:
        self._child = child
        self._armed = False
        self._seen: list[Sleep] = []
        self._since_ns = 0

    def set(self, *, waits: bool) -> None:
        """The child waits for its parent, or does not any more."""
        if waits != self._armed and _CALLS:
            self._armed = waits
            self._seen = []
            PUMP.call_at(REAL.monotonic_ns() + _PERIOD_NS if waits else None, self)

    def step(self) -> None:
        """Look, and look again later."""
        self._look()
        if self._armed:
            PUMP.call_at(REAL.monotonic_ns() + _PERIOD_NS, self)

    def _look(self) -> None:
        try:
            sleeps = self._sleeps_beside_the_child()
        except OSError:
            # A descriptor or a thread has gone meanwhile.
            sleeps = []
        if not sleeps:
            self._seen = []
            return
        self._child.awaited_in_vain()
        now_ns = REAL.monotonic_ns()
        if sleeps != self._seen:
            self._seen, self._since_ns = sleeps, now_ns
            return
        lone = all(one.inside for one in sleeps) and not signal.getitimer(signal.ITIMER_REAL)[0]
        if now_ns - self._since_ns >= (LONE_LIMIT_NS if lone else LIMIT_NS):
            self._child.stall()

    def _sleeps_beside_the_child(self) -> list[Sleep]:
        """Where all threads sleep, if they all do, and one of them waits for the child; else nothing."""
        pipes = {_identity(fd) for fd in self._child.streams()}
        sleeps = _sleeps() if pipes else []
        waiting = False
        for index, one in enumerate(sleeps):
            awaited = [is_open(fd) and _identity(fd) in pipes for fd in one.fds]
            waiting = waiting or any(awaited)
            if awaited and all(awaited):
                sleeps[index] = one.but(inside=True)
        return sleeps if waiting else []


def _identity(fd: int) -> object:
    """Of a pipe, or of a terminal, whichever of its ends this is."""
    return slave_of(fd) or identity(fd)


def _sleeps() -> list[Sleep]:
    """Where the threads sleep that could do a deed for a child; nothing if one of them does not."""
    found = []
    for tid in _tids():
        sleep = None if tid is None else sleep_of(tid)
        if sleep is None:
            return []
        found.append(sleep)
    return found


def only_waits() -> bool:
    """Whether nobody does anything, or will by itself, and nothing has come that somebody waits for.

    Only one that waits by epoll can tell of the latter: that can be asked.
    """
    try:
        sleeps = _sleeps()
        epolls = [int(one.line.split()[1], 16) for one in sleeps if _is_epoll(one)]
        waiting = select.poll()
        for fd in epolls:
            waiting.register(fd, select.POLLIN)
        return bool(epolls) and not waiting.poll(0) and _sleeps() == sleeps
    except OSError:
        # A descriptor or a thread has gone meanwhile.
        return False


def _is_epoll(sleep: Sleep) -> bool:
    return _CALLS[int(sleep.line.split()[0])] == "epoll"


def _tids() -> list[int | None]:
    """Native ids of the threads that could do a deed, ``None`` for one that is only about to begin.

    Those are the ones that :mod:`threading` knows, and those that a test has started below it. Others know no
    child: a watchdog of :mod:`faulthandler`, or what tells a worker of xdist about its next test.
    """
    known = {thread.native_id for thread in threading.enumerate()} | _at_work
    known.discard(threading.get_native_id())
    return sorted((tid for tid in known if tid is None or os.path.exists(f"/proc/self/task/{tid}")), key=str)


_at_work: set[int | None] = set()


@contextmanager
def at_work() -> Iterator[None]:
    """Around what a thread does for a test, be it one that :mod:`threading` does not know."""
    tid = threading.get_native_id()
    _at_work.add(tid)
    try:
        yield
    finally:
        _at_work.discard(tid)


os.register_at_fork(after_in_child=_at_work.clear)
