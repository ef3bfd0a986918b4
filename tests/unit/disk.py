"""What the tests of stores ask of a disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def everything_in(root: Path) -> list[str]:
    """Paths of all files below `root`, the hidden ones too."""
    return sorted(
        (Path(folder) / name).relative_to(root).as_posix()
        for folder, _, names in os.walk(root)
        for name in names
    )


def failing(number: int) -> Callable[..., int]:
    """A call of the system that fails with this number, whatever it is given."""

    def fail(*args: object, **options: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail
