"""Finds the module that stands in for a program, checks that it is one, and compiles it once."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import wasmtime

from ..errors import WasiError
from ..genuine import threading
from . import cache

WASI = "wasi_snapshot_preview1"
_SUFFIX = ".wasm"
_MODULE = b"\0asm\1\0\0\0"
_NO_MODULE = "is no WebAssembly module: it does not begin like one"
_BUILD = "build it as a command for WASI preview 1 (target wasm32-wasip1)"


@dataclass(frozen=True, slots=True)
class Tool:
    """A module that can be run.

    Attributes:
        path: of its file.
        digest: SHA-256 of the module.
        code: what it was compiled to, for :func:`new_engine`.
    """

    path: Path
    digest: bytes
    code: bytes


def new_engine() -> wasmtime.Engine:
    """An engine for one run: interrupting it interrupts nobody else."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    # The process's handlers of SIGSEGV and its like are not ours to change: pytest's faulthandler has some.
    config.signals_based_traps = False
    # A descriptor for each module otherwise, and tests count theirs.
    config.memory_init_cow = False
    # Its workers would stay, and whoever forks beside threads is warned of them.
    config.parallel_compilation = False
    return wasmtime.Engine(config)


class Toolchain:
    """A directory of modules, ``<program>.wasm`` each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._real = os.path.realpath(folder)
        self._tools: dict[str, tuple[tuple[int, int, int], Tool]] = {}
        self._lock = threading.RLock()

    def path_of(self, program: str) -> Path | None:
        """The module's file for ``program``, by the last part of its name; ``None`` where there is none."""
        name = os.path.basename(program)
        path = self.folder / (name + _SUFFIX)
        return path if name and "\0" not in name and os.path.lexists(path) else None

    def load(self, path: Path) -> Tool:
        """The module in ``path``, from :meth:`path_of`.

        Raises:
            WasiError: it leads out of the directory, can't be read, or can't be run as a command.
        """
        if os.path.commonpath([self._real, os.path.realpath(path)]) != self._real:
            raise WasiError(path, "is a link that leads out of the toolchain", "put the module itself there")
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                version = (status.st_ino, status.st_size, status.st_mtime_ns)
                with self._lock:
                    known = self._tools.get(path.name)
                    if known is None or known[0] != version:
                        known = self._tools[path.name] = version, _tool(path, file.read())
        except OSError as error:
            raise WasiError(path, f"can't be read: {error.strerror}", "see to the file") from None
        return known[1]


def _tool(path: Path, data: bytes) -> Tool:
    digest = hashlib.sha256(data).digest()
    code = _COMPILED.get(digest)
    if code is None:
        try:
            code = _COMPILED[digest] = _compiled(path, data)
        except wasmtime.WasmtimeError as error:
            said = " ".join(str(error).split())
            raise WasiError(path, f"is no WebAssembly module: {said}", _BUILD) from None
    return Tool(path, digest, code)


_COMPILED: dict[bytes, bytes] = {}
"""What the modules of this process were compiled to, by their SHA-256."""


def _compiled(path: Path, data: bytes) -> bytes:
    if not data.startswith(_MODULE):
        raise WasiError(path, "is a component" if data.startswith(b"\0asm") else _NO_MODULE, _BUILD)
    code = cache.cached(data, lambda data: bytes(wasmtime.Module(new_engine(), data).serialize()))
    try:
        module = wasmtime.Module.deserialize(new_engine(), code)
    except wasmtime.WasmtimeError:
        # Kept by another build of the same version, say.
        module = wasmtime.Module(new_engine(), data)
        code = bytes(module.serialize())
    _check(path, module)
    return code


def _check(path: Path, module: wasmtime.Module) -> None:
    """Whether WASI is all that the module asks for, and it can be run.

    Raises:
        WasiError: it isn't, or can't.
    """
    exports = {one.name: one.type for one in module.exports}
    for one in module.imports:
        if one.module != WASI:
            wanted = f"{one.module}.{one.name}"
            raise WasiError(path, f"is no module of WASI preview 1: it imports {wanted}", _BUILD)
    start = exports.get("_start")
    if not isinstance(start, wasmtime.FuncType) or start.params or start.results:
        raise WasiError(path, "has no _start: it is a library, and no command", _BUILD)
    if not isinstance(exports.get("memory"), wasmtime.MemoryType):
        raise WasiError(path, "has no memory to talk through: it exports none", _BUILD)
