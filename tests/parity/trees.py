"""What is in a directory, to be held against what is in another: the tests of files ask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def tree(folder: Path) -> dict[str, Any]:
    """Everything below ``folder``: kinds, bytes, modes, link texts, times, and which names are one file."""
    found: dict[str, Any] = {}
    inodes: dict[int, str] = {}
    for path in sorted([os.fspath(folder), *below(folder)]):
        status = os.lstat(path)
        mode = stat.filemode(status.st_mode)
        held: object = None
        if stat.S_ISREG(status.st_mode):
            held = (Path(path).read_bytes(), inodes.setdefault(status.st_ino, path))
        elif stat.S_ISLNK(status.st_mode):
            held = os.readlink(path)
        found[path] = (mode, held, status.st_mtime_ns)
    return found


def below(folder: Path) -> Iterator[str]:
    """Every path below ``folder``."""
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            yield os.path.join(where, name)
