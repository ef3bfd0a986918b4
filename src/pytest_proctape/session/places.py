"""Where in the user's code a spawn was made."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache
from types import FrameType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STDLIB = tuple(
    {os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")}
    | {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")}
)
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


@lru_cache(4096)
def is_ours(filename: str) -> bool:
    """A file of this package."""
    return filename.startswith(_PACKAGE)


@lru_cache(4096)
def is_stdlib(filename: str) -> bool:
    """A file of the standard library, and not of what is installed below it."""
    if filename.startswith("<frozen "):
        return True
    return filename.startswith(_STDLIB) and not any(part in filename for part in _INSTALLED)


@lru_cache(4096)
def installed_part(filename: str) -> str:
    """Where below ``site-packages`` a file is; ``""`` for one that is not installed."""
    for part in _INSTALLED:
        if part in filename:
            return filename.rpartition(part)[2]
    return ""


def users_place(root: str) -> str:
    """``file:line in function()`` of the innermost frame that is the user's, seen from this call.

    Frames of this package and of the standard library are never it. Code that is installed is it only
    if there is no other.
    """
    fallback = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not is_ours(filename) and not is_stdlib(filename):
            if not installed_part(filename):
                return _describe(frame, root)
            fallback = fallback or _describe(frame, root)
        frame = frame.f_back
    return fallback


def _describe(frame: FrameType, root: str) -> str:
    return f"{_inside(frame.f_code.co_filename, root)}:{frame.f_lineno} in {frame.f_code.co_name}()"


@lru_cache(4096)
def _inside(filename: str, root: str) -> str:
    return os.path.relpath(filename, root) if filename.startswith(root + os.sep) else filename
