"""One run of a module: a thread that runs only while its child lets it.

The child steps it; it runs until it waits for something (input, time, room in a pipe) or has ended, and
stands still from then on. So what happens, and in which order, is up to the parent and to tape time alone,
and never to the machine. The thread is below :mod:`threading`, so it is none of the test's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import wasmtime

from ..genuine import _thread
from ..tape import script
from .calls import Calls, Left
from .clocks import ModuleClock
from .toolchain import Tool, new_engine

_START_THREAD = _thread.start_new_thread
_NEW_LOCK = _thread.allocate_lock
"""As they were when no tape was active."""

_NOT_ITS_OWN = signal.valid_signals() - {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGTRAP,
}
"""All but those that come of what a thread does itself, and end the process where it does not take them."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run.

    Attributes:
        tool: the module.
        argv: its command line.
        env: its whole environment.
        folders: the directories that it may open, by the name that it knows them by.
        seed: of what it gets in the place of randomness.
        fuel: how many instructions it may do between two waits.
    """

    tool: Tool
    argv: Sequence[str]
    env: Mapping[str, str]
    folders: Mapping[str, str]
    seed: bytes
    fuel: int


@dataclass(frozen=True, slots=True)
class Exited:
    """It has ended, with this code."""

    code: int


@dataclass(frozen=True, slots=True)
class Trapped:
    """It went wrong; ``words`` say how."""

    words: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """It has done all the instructions that it may do without a wait."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It was ended from outside."""


Outcome = Exited | Trapped | Exhausted | Ended


@dataclass(frozen=True, slots=True)
class Want:
    """What the module waits for.

    Attributes:
        step: as a step of a child; ``None`` for room in a pipe.
        met: whether it has come.
    """

    step: script.Step | None
    met: Callable[[], bool]


class Host(Protocol):
    """What the module's calls ask of its child. Called in the module's thread, while the child stands still.

    Attributes:
        clock: what time it is told.
    """

    clock: ModuleClock

    def take(self, limit: int) -> bytes | None:
        """At most so many bytes that it was sent; none at the end of them, ``None`` where some may come."""

    def readable(self) -> bool:
        """Whether :meth:`take` would give something, or the end."""

    def put(self, fd: int, data: bytes) -> bool | None:
        """Write; false where nobody reads it any more, ``None`` where there is no such output."""

    def is_terminal(self, fd: int) -> bool | None:
        """Whether it is one; ``None`` where there is no such stream."""

    def shut(self, fd: int) -> bool:
        """Close; whether it was open."""

    def await_room(self, fd: int) -> Want | None:
        """What to wait for before more can be written, if for anything."""

    def await_input(self, until_ns: int | None = None) -> Want:
        """What to wait for before :meth:`readable`, or until the monotonic clock shows that."""

    def await_time(self, until_ns: int) -> Want:
        """What to wait for until the monotonic clock shows that."""


class Program:
    """A module that is run.

    Attributes:
        want: what it waits for; ``None`` before it has begun, and where it has ended.
        outcome: how it ended.
        running: its thread is at work; who let it go on waits for it.
    """

    def __init__(self, request: Request, host: Host) -> None:
        self.want: Want | None = None
        self.outcome: Outcome | None = None
        self.running = False
        self._request = request
        self._engine = new_engine()
        self._calls = Calls(request.argv, request.env, request.seed, host, self._pause, request.tool.digest)
        self._begun = self._at_work = False
        self._left = False
        self._pid = os.getpid()
        self._go, self._back = _NEW_LOCK(), _NEW_LOCK()
        self._go.acquire()
        self._back.acquire()

    # -- in the thread that steps the child ------------------------------------------------------

    def go_on(self) -> None:
        """Let it run, until it waits or has ended."""
        self.running = True
        let_go = False
        try:
            if self._begun:
                self._go.release()
            else:
                _START_THREAD(self._run, ())
                self._begun = True
            let_go = True
            self._back.acquire()
        except BaseException:
            # Ctrl-C. Nobody will wait for it again, and it must not run beside the test.
            self.interrupt()
            if let_go or self._at_work:
                self._back.acquire()
            raise
        finally:
            self.running = False

    def interrupt(self) -> None:
        """Break off what it computes just now; from any thread, and of use only before its end."""
        self._engine.increment_epoch()

    def end(self) -> None:
        """It will not go on: let go of its thread."""
        self._left = True
        if self.running:
            self.interrupt()
        elif self._begun and self.outcome is None and self._pid == os.getpid():
            self.go_on()

    # -- in its own thread -----------------------------------------------------------------------

    def _pause(self, want: Want) -> None:
        """Wait.

        Raises:
            Left: it is not to go on.
        """
        self.want = want
        self._at_work = False
        self._back.release()
        self._go.acquire()
        self._at_work = True
        self.want = None
        if self._left:
            raise Left
        self._calls.refuel(self._request.fuel)

    def _run(self) -> None:
        self._at_work = True
        signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_ITS_OWN)
        try:
            self.outcome = self._executed()
        except BaseException as error:
            # Of ours: it is told where the child is waited for.
            self.outcome = Trapped(f"could not be run: {error!r}")
        finally:
            self._at_work = False
            self._back.release()

    def _executed(self) -> Outcome:
        with ExitStack() as undo:
            # Now, and not when nobody refers to it any more: it holds memory and descriptors.
            store = wasmtime.Store(self._engine)
            undo.callback(store.close)
            store.set_fuel(self._request.fuel)
            store.set_epoch_deadline(1)
            store.set_wasi(_config(self._request.folders))
            module = wasmtime.Module.deserialize(self._engine, self._request.tool.code)
            undo.callback(module.close)
            names = {one.name or "" for one in module.imports}
            linker = self._calls.linker(self._engine, store, names)
            undo.callback(linker.close)
            undo.callback(self._calls.close)
            try:
                start = linker.instantiate(store, module).exports(store)["_start"]
                assert isinstance(start, wasmtime.Func)
                start(store)
            except (Left, wasmtime.Trap, wasmtime.WasmtimeError) as error:
                return self._outcome_of(error)
            return Exited(0)

    def _outcome_of(self, error: Exception) -> Outcome:
        # What was raised may have been swapped with that of another thread: wasmtime keeps one for all.
        if self._calls.exit_code is not None:
            return Exited(self._calls.exit_code)
        if self._calls.failure is not None:
            return Trapped(f"could not be run: {self._calls.failure!r}")
        if self._left:
            return Ended()
        code = error.trap_code if isinstance(error, wasmtime.Trap) else None
        if code is wasmtime.TrapCode.INTERRUPT:
            return Ended()
        if code is wasmtime.TrapCode.OUT_OF_FUEL:
            return Exhausted()
        if isinstance(error, wasmtime.Trap):
            return Trapped(f"went wrong: {_first_words(error.message)}")
        return Trapped(f"can't be run: {' '.join(str(error).split())}")


def _config(folders: Mapping[str, str]) -> wasmtime.WasiConfig:
    config = wasmtime.WasiConfig()
    for name, path in folders.items():
        config.preopen_dir(path, name)
    return config


def _first_words(message: str) -> str:
    """What a trap was, without where in the module."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    told = next((line for line in lines if "wasm trap" in line), lines[0] if lines else "a trap")
    return told.partition("wasm trap: ")[2] or told
