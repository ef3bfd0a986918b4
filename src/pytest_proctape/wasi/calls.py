"""The calls of WASI preview 1 that are ours: arguments, standard streams, time, randomness, the end.

Files are wasmtime's own. Its functions know the standard descriptors only as files of this process, so
reading, writing and closing pass by here, and go on to wasmtime's for every other descriptor.

The numbers are those of the specification, ``wasi_snapshot_preview1.witx``.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import wasmtime

from .toolchain import WASI

if TYPE_CHECKING:
    from .program import Host, Want

_SUCCESS, _BADF, _FAULT, _INVAL, _PIPE = 0, 8, 21, 28, 64
_REALTIME, _MONOTONIC, _PROCESS_TIME, _THREAD_TIME = range(4)
_TAG_CLOCK, _TAG_READ, _TAG_WRITE = range(3)
_ABSOLUTE = 1
_UNKNOWN, _CHARACTER_DEVICE = 0, 2
_MAY_READ, _MAY_WRITE = 1 << 1, 1 << 6
_RESOLUTION_NS = 1000
"""A mock clock counts microseconds."""
_SUBSCRIPTION, _EVENT = 48, 32
_MASK = 0xFFFFFFFF

_TYPES = {"i": wasmtime.ValType.i32, "l": wasmtime.ValType.i64}

_ONWARD = {"fd_read": 4, "fd_write": 4, "fd_close": 1, "fd_fdstat_get": 2}
"""How many numbers those take that wasmtime's own functions have to be asked for as well."""


class Left(Exception):
    """The module does not go on."""


class _Fault(Exception):
    """It named a place that is not in its memory."""


class Memory:
    """The module's memory, as one of its calls sees it."""

    def __init__(self, caller: wasmtime.Caller) -> None:
        memory = caller["memory"]
        assert isinstance(memory, wasmtime.Memory)
        # Where it is holds until the call returns: only the module itself can let it grow, and move.
        self._base = ctypes.addressof(memory.data_ptr(caller).contents)
        self._size = memory.data_len(caller)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of it.

        Raises:
            _Fault: it is not that large.
        """
        at, size = at & _MASK, size & _MASK
        if at + size > self._size:
            raise _Fault
        return ctypes.string_at(self._base + at, size)

    def write(self, at: int, data: bytes) -> None:
        """Put bytes into it.

        Raises:
            _Fault: it is not that large.
        """
        at &= _MASK
        if at + len(data) > self._size:
            raise _Fault
        ctypes.memmove(self._base + at, data, len(data))

    def write_u32(self, at: int, *values: int) -> None:
        """Put numbers into it."""
        self.write(at, struct.pack(f"<{len(values)}I", *values))

    def vectors(self, at: int, count: int) -> list[tuple[int, int]]:
        """Places and sizes: an array of ``iovec``."""
        return list(struct.iter_unpack("<II", self.read(at, 8 * (count & _MASK))))


class Calls:
    """The calls of one module.

    Attributes:
        exit_code: what it has ended with, once it has by itself.
        failure: an error of ours in a call.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        seed: bytes,
        host: Host,
        pause: Callable[[Want], None],
        digest: bytes,
    ) -> None:
        """Be ready to be called.

        Args:
            argv: its command line.
            env: its environment.
            seed: what :meth:`random_get` depends on, beside the module.
            host: its child.
            pause: waits; raises :class:`Left`.
            digest: of the module.
        """
        self.exit_code: int | None = None
        self.failure: Exception | None = None
        self._args = [os.fsencode(one) + b"\0" for one in argv]
        self._env = [os.fsencode(f"{name}={value}") + b"\0" for name, value in env.items()]
        self._host = host
        self._pause = pause
        self._random = hashlib.sha256(digest + seed).digest()
        self._drawn = 0
        self._store: wasmtime.Store | None = None
        self._onward: Mapping[str, object] | None = None

    def linker(
        self, engine: wasmtime.Engine, store: wasmtime.Store, names: Collection[str]
    ) -> wasmtime.Linker:
        """What a module can import that imports nothing but these names of WASI."""
        self._store = store
        self._engine = engine
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        linker.allow_shadowing = True
        for name, (types, function) in self._functions().items():
            if name not in names:
                continue
            results = [] if name == "proc_exit" else [wasmtime.ValType.i32()]
            kind = wasmtime.FuncType([_TYPES[one]() for one in types], results)
            linker.define_func(WASI, name, kind, partial(self._called, function), access_caller=True)
        return linker

    def refuel(self, fuel: int) -> None:
        """It has waited, and may compute again."""
        if self._store is not None:
            self._store.set_fuel(fuel)

    def close(self) -> None:
        """Nobody calls any more."""
        self._store = self._onward = None

    def _functions(self) -> dict[str, tuple[str, Callable[..., int | None]]]:
        """By name: what they take, ``i`` for 32 bits and ``l`` for 64, and what they do."""
        return {
            "args_sizes_get": ("ii", partial(self._sizes, self._args)),
            "args_get": ("ii", partial(self._texts, self._args)),
            "environ_sizes_get": ("ii", partial(self._sizes, self._env)),
            "environ_get": ("ii", partial(self._texts, self._env)),
            "clock_res_get": ("ii", self._clock_res_get),
            "clock_time_get": ("ili", self._clock_time_get),
            "fd_read": ("iiii", self._fd_read),
            "fd_write": ("iiii", self._fd_write),
            "fd_close": ("i", self._fd_close),
            "fd_fdstat_get": ("ii", self._fd_fdstat_get),
            "poll_oneoff": ("iiii", self._poll_oneoff),
            "proc_exit": ("i", self._proc_exit),
            "random_get": ("ii", self._random_get),
            "sched_yield": ("", self._sched_yield),
        }

    def _called(
        self, function: Callable[..., int | None], caller: wasmtime.Caller, *values: int
    ) -> int | None:
        try:
            return function(caller, *values)
        except _Fault:
            return _FAULT
        except (Left, wasmtime.Trap, wasmtime.WasmtimeError):
            raise
        except Exception as error:
            self.failure = error
            raise

    # -- arguments and environment ---------------------------------------------------------------

    @staticmethod
    def _sizes(texts: Sequence[bytes], caller: wasmtime.Caller, count: int, size: int) -> int:
        memory = Memory(caller)
        memory.write_u32(count, len(texts))
        memory.write_u32(size, sum(map(len, texts)))
        return _SUCCESS

    @staticmethod
    def _texts(texts: Sequence[bytes], caller: wasmtime.Caller, places: int, buffer: int) -> int:
        memory = Memory(caller)
        starts = []
        at = buffer & _MASK
        for text in texts:
            starts.append(at)
            at += len(text)
        memory.write_u32(places, *starts)
        memory.write(buffer, b"".join(texts))
        return _SUCCESS

    # -- time --------------------------------------------------------------------------------------

    def _clock_res_get(self, caller: wasmtime.Caller, clock: int, result: int) -> int:
        if clock not in range(4):
            return _INVAL
        Memory(caller).write(result, struct.pack("<Q", _RESOLUTION_NS))
        return _SUCCESS

    def _clock_time_get(self, caller: wasmtime.Caller, clock: int, _precision: int, result: int) -> int:
        if clock not in range(4):
            return _INVAL
        Memory(caller).write(result, struct.pack("<Q", self._reading(clock)))
        return _SUCCESS

    def _reading(self, clock: int) -> int:
        """Nanoseconds; what is computed takes none."""
        if clock in (_PROCESS_TIME, _THREAD_TIME):
            return 0
        return self._host.clock.wall_ns() if clock == _REALTIME else self._host.clock.monotonic_ns()

    def _poll_oneoff(self, caller: wasmtime.Caller, asked: int, told: int, count: int, result: int) -> int:
        if not count:
            return _INVAL
        memory = Memory(caller)
        data = memory.read(asked, _SUBSCRIPTION * (count & _MASK))
        wanted = [self._subscription(data[at : at + _SUBSCRIPTION]) for at in range(0, len(data), 48)]
        while not (events := [event for one in wanted if (event := self._event(*one)) is not None]):
            until = [until_ns for _, tag, until_ns in wanted if tag == _TAG_CLOCK]
            until_ns = min(until, default=None)
            if len(until) < len(wanted):
                self._pause(self._host.await_input(until_ns))
            elif until_ns is not None:
                self._pause(self._host.await_time(until_ns))
        memory = Memory(caller)
        memory.write(told, b"".join(events))
        memory.write_u32(result, len(events))
        return _SUCCESS

    def _subscription(self, data: bytes) -> tuple[bytes, int, int]:
        """Its mark, its kind, and until when by the monotonic clock, or which descriptor."""
        tag = data[8]
        if tag != _TAG_CLOCK:
            return data[:8], tag, struct.unpack_from("<I", data, 16)[0]
        clock, timeout_ns = struct.unpack_from("<I4xQ", data, 16)
        (flags,) = struct.unpack_from("<H", data, 40)
        if flags & _ABSOLUTE:
            timeout_ns = max(0, timeout_ns - self._reading(clock))
        return data[:8], tag, self._host.clock.monotonic_ns() + timeout_ns

    def _event(self, mark: bytes, tag: int, value: int) -> bytes | None:
        """What has happened of a subscription; ``None`` where nothing has."""
        if tag == _TAG_CLOCK and self._host.clock.monotonic_ns() < value:
            return None
        if tag == _TAG_READ and value == 0 and not self._host.readable():
            return None
        size = 0 if tag == _TAG_CLOCK else 1
        return mark + struct.pack("<HB5xQH6x", _SUCCESS, tag, size, 0)

    @staticmethod
    def _sched_yield(_caller: wasmtime.Caller) -> int:
        return _SUCCESS

    # -- streams -----------------------------------------------------------------------------------

    def _fd_read(self, caller: wasmtime.Caller, fd: int, vectors: int, count: int, result: int) -> int:
        if fd not in range(3):
            return self._go_onward(caller, "fd_read", fd, vectors, count, result)
        if fd != 0:
            return _BADF
        places = Memory(caller).vectors(vectors, count)
        limit = sum(size for _, size in places)
        while (data := self._host.take(limit) if limit else b"") is None:
            self._pause(self._host.await_input())
        memory = Memory(caller)
        memory.write_u32(result, len(data))
        for at, size in places:
            memory.write(at, data[:size])
            data = data[size:]
        return _SUCCESS

    def _fd_write(self, caller: wasmtime.Caller, fd: int, vectors: int, count: int, result: int) -> int:
        if fd not in range(3):
            return self._go_onward(caller, "fd_write", fd, vectors, count, result)
        memory = Memory(caller)
        data = b"".join(memory.read(at, size) for at, size in memory.vectors(vectors, count))
        done = self._host.put(fd, data)
        if not done:
            return _BADF if done is None else _PIPE
        while (want := self._host.await_room(fd)) is not None:
            self._pause(want)
        memory.write_u32(result, len(data))
        return _SUCCESS

    def _fd_close(self, caller: wasmtime.Caller, fd: int) -> int:
        if fd not in range(3):
            return self._go_onward(caller, "fd_close", fd)
        return _SUCCESS if self._host.shut(fd) else _BADF

    def _fd_fdstat_get(self, caller: wasmtime.Caller, fd: int, result: int) -> int:
        """By which ``isatty`` decides; what is no terminal is of no kind that is known."""
        if fd not in range(3):
            return self._go_onward(caller, "fd_fdstat_get", fd, result)
        terminal = self._host.is_terminal(fd)
        if terminal is None:
            return _BADF
        kind = _CHARACTER_DEVICE if terminal else _UNKNOWN
        rights = _MAY_READ if fd == 0 else _MAY_WRITE
        Memory(caller).write(result, struct.pack("<BxH4xQQ", kind, 0, rights, rights))
        return _SUCCESS

    def _go_onward(self, caller: wasmtime.Caller, name: str, *values: int) -> int:
        """Wasmtime's own function, which finds the memory by asking the module that calls it."""
        if self._onward is None:
            linker = wasmtime.Linker(self._engine)
            linker.define_wasi()
            linker.define(caller, "module", "memory", caller["memory"])
            module = wasmtime.Module(self._engine, _onward_module())
            exports = linker.instantiate(caller, module).exports(caller)
            self._onward = {name: exports[name] for name in _ONWARD}
        function = self._onward[name]
        assert isinstance(function, wasmtime.Func)
        answer: int = function(caller, *values)
        return answer

    # -- the rest ----------------------------------------------------------------------------------

    def _proc_exit(self, _caller: wasmtime.Caller, code: int) -> None:
        self.exit_code = code & 0xFF
        raise Left

    def _random_get(self, caller: wasmtime.Caller, buffer: int, size: int) -> int:
        """Bytes that look random and are the same each time."""
        size &= _MASK
        memory = Memory(caller)
        memory.read(buffer, size)
        blocks = range(self._drawn, self._drawn + -(-size // 32))
        self._drawn = blocks.stop
        drawn = b"".join(hashlib.sha256(self._random + struct.pack("<Q", one)).digest() for one in blocks)
        memory.write(buffer, drawn[:size])
        return _SUCCESS


def _onward_module() -> bytes:
    """A module that calls wasmtime's functions with another one's memory as its own."""
    imports, exports = [], []
    for name, count in _ONWARD.items():
        types = f"(param{' i32' * count}) (result i32)"
        given = " ".join(f"(local.get {index})" for index in range(count))
        imports.append(f'(import "{WASI}" "{name}" (func ${name} {types}))')
        exports.append(f'(func (export "{name}") {types} (call ${name} {given}))')
    memory = '(import "module" "memory" (memory 0)) (export "memory" (memory 0))'
    return bytes(wasmtime.wat2wasm(f"(module {' '.join([*imports, memory, *exports])})"))
