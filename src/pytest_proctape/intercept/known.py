"""What the package needs of CPython beside its public names: one that lacks it is refused by name.

The rooms that keep a real function, and :mod:`.patches`, which puts another in its place, ask here. A later
CPython that has moved a part gets one plain error where a tape becomes active, not many in a test's calls.
"""

from __future__ import annotations

import io
import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from ..errors import UnsupportedSpawn

POPEN: Any = subprocess.Popen
"""The class itself: a test may have something else under its name when a tape becomes active."""

_ORIGINALS: dict[Any, dict[str, Any]] = {
    where: dict(vars(where)) for where in (io, os, signal, shutil, subprocess, POPEN)
}


def original(where: Any, name: str) -> Any:
    """What stood there when the package was imported; what stands there now where that is not known.

    A run imports it before its first test, so that no mock of a fixture is taken for the real thing.
    """
    kept = _ORIGINALS.get(where, {})
    return kept[name] if name in kept else part(where, name)


def part(where: Any, name: str) -> Any:
    """What a module or a class has under this name.

    Raises:
        UnsupportedSpawn: it has no such name in this CPython.
    """
    try:
        return getattr(where, name)
    except AttributeError:
        raise _refusal(where, name, "is missing") from None


def taking(where: Any, name: str, count: int) -> Callable[..., Any]:
    """A function of CPython's own C code that takes so many arguments, by place alone.

    Raises:
        UnsupportedSpawn: there is none, or it says that it takes more or fewer (3.11 says nothing).
    """
    found: Callable[..., Any] = part(where, name)
    signature = getattr(found, "__text_signature__", None)
    if signature is not None:
        names = [one.strip() for one in signature.strip("()").split(",")]
        taken = len([one for one in names if one not in ("$module", "/")])
        if taken != count:
            raise _refusal(where, name, f"takes {taken} arguments instead of {count}")
    return found


def _refusal(where: Any, name: str, what: str) -> UnsupportedSpawn:
    owner = where.__name__ if not isinstance(where, type) else f"{where.__module__}.{where.__qualname__}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return UnsupportedSpawn(
        f"{owner}.{name}",
        f"{what} in {python}, which this release of pytest-proctape does not know; take a later release, an"
        " earlier Python, or --live-tapes, which uses no tapes",
    )
