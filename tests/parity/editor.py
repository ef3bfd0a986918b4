"""Edits a tree of files as it is told: a child of :mod:`.test_files_property`, and its parent too."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def edit(steps: Iterable[Sequence[Any]]) -> None:
    """Do all that can be done, in the working directory."""
    for name, *rest in steps:
        with contextlib.suppress(OSError):
            _step(name, *rest)


def _step(name: str, path: str, argument: Any = None) -> None:
    match name:
        case "write" | "append" if os.path.isfile(path) or not os.path.exists(path):
            with open(path, "wb" if name == "write" else "ab") as file:
                digits, _, times = argument.partition("*")
                file.write(bytes.fromhex(digits) * int(times or "1"))
        case "hole":
            os.truncate(path, argument)
        case "mkdir":
            os.makedirs(path)
        case "remove":
            os.remove(path)
        case "rmtree" if os.path.isdir(path):
            shutil.rmtree(path)
        case "rename":
            os.rename(path, argument)
        case "symlink":
            os.symlink(path, argument)
        case "link":
            os.link(path, argument, follow_symlinks=False)
        case "mkfifo":
            os.mkfifo(path)
        case "chmod" if not os.path.islink(path):
            # Only root can look into a directory that is closed to its owner, and compare what is in it.
            closed_to_us = os.path.isdir(path) and os.geteuid() != 0
            os.chmod(path, argument | 0o100 if closed_to_us else argument)
        case "utime":
            os.utime(path, ns=(0, argument), follow_symlinks=False)


if __name__ == "__main__":
    edit(json.loads(sys.argv[1]))
