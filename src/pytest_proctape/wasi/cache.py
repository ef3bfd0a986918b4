"""Compiled modules, kept from one run to the next.

What is compiled is machine code, and loading it is running it. So it is taken only from a directory that
belongs to this user and that nobody else can write to; where there is none, modules are compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

_FORM = "1"
"""To be changed with the configuration of the engine."""


def cached(data: bytes, compiled: Callable[[bytes], bytes]) -> bytes:
    """The machine code of the module ``data``.

    Args:
        data: the module.
        compiled: makes it.
    """
    folder = _private(_home())
    if folder is None:
        return compiled(data)
    path = folder / f"{_key(data)}.cwasm"
    kept = _load(path)
    if kept is None:
        kept = compiled(data)
        _keep(path, kept)
    return kept


def _key(data: bytes) -> str:
    # Wasmtime checks all of that, too, but a file for each spares the error.
    build = f"{_FORM} {version('wasmtime')} {platform.system()} {platform.machine()} ".encode()
    return hashlib.sha256(build + hashlib.sha256(data).digest()).hexdigest()


def _home() -> Path | None:
    """Where caches of this user are: the XDG base directory specification."""
    said = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(said):
        return Path(said)
    home = os.path.expanduser("~")
    return Path(home, ".cache") if os.path.isabs(home) else None


def _private(home: Path | None) -> Path | None:
    """Our directory in ``home``; ``None`` where somebody else could put something into it."""
    if home is None:
        return None
    folder = home / "pytest-proctape" / "wasi"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        safe = all(_is_ours(one) for one in (folder, folder.parent))
    except OSError:
        return None
    return folder if safe else None


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & others


def _load(path: Path) -> bytes | None:
    """What was kept, followed by its own hash, so that a file that was cut short is not run."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with open(fd, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return None
        kept = file.read()
    code, digest = kept[:-32], kept[-32:]
    return code if hashlib.sha256(code).digest() == digest else None


def _keep(path: Path, code: bytes) -> None:
    # A full disk, or one that can't be written: then it is compiled again next time.
    with contextlib.suppress(OSError):
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with open(fd, "wb") as file:
                file.write(code + hashlib.sha256(code).digest())
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
