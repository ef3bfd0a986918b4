"""``os.fork`` and ``os.forkpty``: a copy of the test's process calls back when it is to become a program.

The copy asks (:mod:`.executing`), on whichever descriptors it has by then, and what it asks is led to
:func:`.door.spawn` under the session that was current at the fork. A recorder gets a launch that lets
the copy make the real call. On replay a virtual child plays under the copy's pid, and the copy plays
dead.

What ``multiprocessing`` forks never becomes a program and is left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from ..child import (
    FORKS,
    KIN,
    PUMP,
    TABLE,
    Copy,
    Fork,
    RecordingChild,
    Started,
    VirtualChild,
    Wiring,
    is_regular,
    moved,
)
from ..clock import CLOCK, REAL
from ..errors import ProctapeError
from ..genuine import close, selectors, socket, threading
from ..tape import Spawn, SpawnError
from . import door, executing, hubs, parcels, reaping
from .clocked import notice
from .handlers import Handler
from .pausing import clocked
from .spawning import ForkExec, spawn_of

_LOOK_NS = 5_000_000
"""How long until it is looked again whether one that calls is the next."""

_REAL_FORK = os.fork
_REAL_FORKPTY = os.forkpty


def fork() -> int:
    """Stands in for :func:`os.fork`."""
    made = _begun()
    if made is None:
        return KIN.start(_REAL_FORK)
    origin = _origin(made)
    with _unwarned():
        pid = KIN.start(_REAL_FORK)
    if not pid:
        executing.be_copy(origin.but(pid=os.getpid()))
        return 0
    _is_made(made, pid)
    return pid


def forkpty() -> tuple[int, int]:
    """Stands in for :func:`os.forkpty`.

    As vfork(2) does, it comes back when the copy has called exec or has ended: what is typed before
    would be echoed by another terminal than what is typed after. A copy that goes on as one costs a
    second.
    """
    made = _begun()
    if made is None:
        return KIN.start(_REAL_FORKPTY)
    origin = _origin(made)
    with door.letting_through(), _unwarned():
        pid, master = KIN.start(_REAL_FORKPTY)
    if not pid:
        executing.be_copy(origin.but(pid=os.getpid()))
        return pid, master
    _is_made(made, pid)
    FORKS.await_exec(pid)
    return pid, master


def _is_made(made: Fork, pid: int) -> None:
    made.pid = pid
    if made.hub is not None:
        hubs.hear(made.hub, reaping.note)


def _begun() -> Fork | None:
    """The copy that is about to be made; ``None`` for one that no tape has to do with."""
    handler = door.current()
    if handler is None or handler.closed or door.is_forked() or getattr(handler, "mode", "") == "live":
        return None
    caller = sys._getframe(2)
    if str(caller.f_globals.get("__name__", "")).endswith(".popen_fork"):
        return None
    notice()
    made = EXCHANGE.begin(handler, handler.place() if hasattr(handler, "place") else "")
    made.hub = hubs.asking(caller)
    return made


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Let CPython not warn that a process with threads forks, where all but the caller's are ours."""
    if threading.active_count() > 1:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*is multi-threaded, use of fork", DeprecationWarning)
        yield


def _origin(made: Fork) -> executing.Origin:
    environ, cwd = dict(os.environ), executing.folder()
    return executing.Origin(EXCHANGE.address, made.number, 0, environ, cwd, os.getpgrp())


class Exchange:
    """Where the copies call, as long as there are any."""

    def __init__(self) -> None:
        self.address = ""
        self._lock = threading.RLock()
        self._socket: socket.socket | None = None
        self._calls: list[_Call] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def begin(self, handler: object, place: str) -> Fork:
        """A copy is about to be made."""
        with self._lock:
            made = FORKS.begin(handler, place)
            if self._socket is None:
                self._open()
        return made

    def _open(self) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0))
        made.setblocking(False)
        if sys.platform == "linux":
            # The kernel finds a name without a file: unix(7).
            made.bind("")
            self.address = made.getsockname()
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="proctape")
            self.address = os.path.join(self._folder.name, "line")
            made.bind(self.address)
        made.listen(64)
        self._socket = _moved(made)
        PUMP.watch(self._socket.fileno(), selectors.EVENT_READ, self)

    def close_when_idle(self) -> None:
        """Close unless there are copies that may still call."""
        with self._lock:
            if not FORKS and self._socket is not None:
                PUMP.forget(self._socket.fileno())
                PUMP.call_at(None, self)
                self.abandon()
                if self._folder is not None:
                    self._folder.cleanup()
                    self._folder = None

    def abandon(self) -> None:
        """Drop everything; in a forked process this leaves the parent's alone."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        for call in self._calls:
            call.hang_up()
        self._calls.clear()

    def step(self) -> None:
        """Answer those who call."""
        while (listening := self._socket) is not None:
            try:
                line, _ = listening.accept()
            except OSError:
                break
            line = _moved(line)
            line.setblocking(True)
            call = _heard(line)
            if call is not None:
                self._calls.append(call)
        waiting = sorted(self._calls, key=lambda one: one.fork.number)
        for call in waiting:
            if FORKS.is_next(call.fork, call.since_ns):
                self._calls.remove(call)
                _answer(call)
        if self._calls:
            PUMP.call_at(REAL.monotonic_ns() + _LOOK_NS, self)


def _moved(one: socket.socket) -> socket.socket:
    return socket.socket(fileno=moved(one.detach()))


def _close(line: socket.socket | None, fds: Iterable[int]) -> None:
    if line is not None:
        line.close()
    for fd in fds:
        close(fd)


def _heard(line: socket.socket) -> _Call | None:
    """What a copy asks for; ``None`` for one that nobody knows."""
    message, fds = parcels.receive(line) if parcels.is_ours(line) else (None, [])
    request = cast(parcels.Request | None, message)
    made = None if request is None else FORKS.get(request["fork"])
    if made is None or request is None:
        _close(line, fds)
        return None
    FORKS.calls(made, request["pid"])
    return _Call(line, made, request, dict(zip(request["numbers"], fds, strict=True)))


def _answer(call: _Call) -> None:
    """Do what a copy asks for; the line is kept by one that plays dead."""
    try:
        try:
            call.answer()
        finally:
            # The test may look at once whether anybody still reads from its pipes.
            call.hang_up()
            call.leave()
    except Exception:
        # The others are to be answered. What went wrong is told where bugs are told.
        sys.excepthook(*sys.exc_info())


class _Call:
    """One request of a copy.

    Attributes:
        fork: who asks.
        since_ns: when it did, on the real monotonic clock.
        outcome: the last word to the copy: it is to run the program or play dead, or it goes on as a copy.
    """

    def __init__(
        self, line: socket.socket, made: Fork, request: parcels.Request, fds: dict[int, int]
    ) -> None:
        self._line = line
        self.fork = made
        self.since_ns = REAL.monotonic_ns()
        self._request = request
        self._fds = fds
        self.outcome = ""

    def answer(self) -> None:
        """Take it to the session, and tell the copy what came of it."""
        copy = Copy(self.fork.pid)
        handler = cast(Handler, self.fork.handler)
        wiring = self._wiring()
        try:
            with door.inherited(handler), FORKS.answering(self.fork), TABLE.offering(copy), _standing():
                started = door.spawn(
                    self._spawn(), wiring, lambda given: self._launch(wiring, given), self._live
                )
        except ProctapeError as error:
            self._say({"word": "refused", "text": str(error)})
            return
        if started.error is not None and self.outcome != "run":
            TABLE.remove(started.pid)
            self._say({"word": "fail", "errno": started.error.errno})
        elif started.error is not None:
            self.outcome = "fail"
        elif not self.outcome:
            self._say({"word": "play"})
            parcels.receive(self._line)
            copy.keep(self._line)
            child = TABLE.get(started.pid)
            if self.fork.hub is not None and isinstance(child, VirtualChild):
                hubs.PACE.add(child)

    def hang_up(self) -> None:
        """Close what came of the call, but the line of one that plays dead."""
        _close(None if self.outcome == "play" else self._line, self._fds.values())

    def leave(self) -> None:
        """It is a copy no longer, unless its exec has failed: then it may ask again."""
        if self.outcome == "fail":
            FORKS.answered(self.fork)
            return
        self._tell_of_polls()
        FORKS.leave(self.fork)

    def _spawn(self) -> Spawn:
        request = self._request
        call = ForkExec.inheriting(
            request["argv"],
            tuple(request["executables"]),
            request["env"],
            new_session=request["new_session"],
            process_group=request["process_group"],
        )
        cwd = request["cwd"]
        spawn = spawn_of(call).but(road=request["road"], cwd=None if cwd is None else os.fsdecode(cwd))
        return spawn if self.fork.hub is None else spawn.but(now_ns=hubs.PACE.now_ns, unclocked=True)

    def _wiring(self) -> Wiring:
        """The copy's descriptors; those that are the parent's own as well are that here, too."""
        known: dict[tuple[int, ...], int] = {}
        found = {fd: known.setdefault(_which(ours), ours) for fd, ours in self._fds.items()}
        for fd in (0, 1, 2):
            if fd in found and _is_same(fd, self._fds[fd]):
                found[fd] = fd
        inputs = {0: found.pop(0)} if 0 in found else {}
        if inputs == {0: 0} and not is_regular(0):
            inputs = {}
        return Wiring(inputs, found)

    def _launch(self, asked: Wiring, given: Wiring) -> Started:
        """Let the copy make the real call; when this returns it has, or could not."""
        before = {**asked.outputs, **asked.inputs}
        swapped = {fd: ours for fd, ours in {**given.outputs, **given.inputs}.items() if ours != before[fd]}
        self._say({"word": "run", "numbers": [*swapped]}, [*swapped.values()])
        message, _ = parcels.receive(self._line)
        if message is None:
            return Started(self.fork.pid)
        return Started(self.fork.pid, SpawnError(errno=cast(parcels.Answer, message)["errno"]))

    def _live(self) -> int:
        self._say({"word": "live"})
        return self.fork.pid

    def _say(self, answer: parcels.Answer, fds: Iterable[int] = ()) -> None:
        self.outcome = answer["word"]
        with contextlib.suppress(OSError):
            # A copy that was killed meanwhile hears nothing, and has an end like any other.
            parcels.send(self._line, answer, [*fds])

    def _tell_of_polls(self) -> None:
        """A poll that found the copy running has found the child running."""
        child = TABLE.get(self.fork.pid) if self.fork.polled else None
        if isinstance(child, RecordingChild):
            child.polled()
        elif isinstance(child, VirtualChild):
            child.found_running()


@contextlib.contextmanager
def _standing() -> Iterator[None]:
    """Time stands still while a copy is answered."""
    if not clocked():
        yield
        return
    with CLOCK.waits.taking_part():
        yield


def _which(fd: int) -> tuple[int, ...]:
    """The same for descriptors by which the same is read, or written."""
    status = os.fstat(fd)
    return (status.st_dev, status.st_ino, fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE)


def _is_same(own: int, other: int) -> bool:
    try:
        return _which(own) == _which(other)
    except OSError:
        return False


EXCHANGE = Exchange()


def engage() -> None:
    """A tape is active."""
    FORKS.on_idle = EXCHANGE.close_when_idle
    if executing.REAL_EXECVE in os.supports_fd:
        os.supports_fd.add(executing.execve)


def retire() -> None:
    """No tape is active any more."""
    FORKS.clear()
    hubs.retire()
    os.supports_fd.discard(executing.execve)


def _after_fork_in_child() -> None:
    EXCHANGE.abandon()
    EXCHANGE.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_after_fork_in_child)


def replacements() -> list[tuple[Any, str, Callable[..., Any]]]:
    """``(where, name, what)`` for these roads."""
    return [(os, "fork", fork), (os, "forkpty", forkpty)]
