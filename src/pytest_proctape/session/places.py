"""Where in the user's code a spawn was made."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from os.path import relpath
from types import CodeType, FrameType

from ..rows import Row

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# Where `os` is, all modules of Python's own are; to ask sysconfig takes longer than a whole test.
_STDLIB = tuple({os.path.dirname(path) + os.sep for path in (os.__file__, os.path.realpath(os.__file__))})
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


class Spot(Row):
    """A place in code; without code it is none. Which line it is in is looked up when it is shown.

    Attributes:
        code: of the function.
        at: the instruction.
    """

    code: CodeType | None
    at: int

    def shown(self, root: str) -> str:
        """``file:line in function()``, the file seen from ``root``."""
        code = self.code
        if code is None:
            return ""
        return f"{_inside(code.co_filename, root)}:{self._line(code)} in {code.co_name}()"

    def _line(self, code: CodeType) -> int:
        for start, end, line in code.co_lines():
            if start <= self.at < end and line is not None:
                return line
        return code.co_firstlineno


Where = tuple[CodeType | None, int]
"""What a :class:`Spot` is made of. Of most spots nobody asks, and this takes a tenth of the time."""
_NOWHERE: Where = (None, 0)


def users_spot(innermost: FrameType | None = None) -> Where:
    """Where the innermost frame is that is the user's, for :class:`Spot`.

    Frames of this package and of the standard library are never it. Code that is installed is it only
    if there is no other.

    Args:
        innermost: where to begin, be it the caller's frame. Python makes an object of each that is looked at.
    """
    fallback = _NOWHERE
    frame: FrameType | None = innermost or sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        whose = _whose(code.co_filename)
        if whose == _USERS:
            return code, frame.f_lasti
        if whose and fallback is _NOWHERE:
            fallback = code, frame.f_lasti
        frame = frame.f_back
    return fallback


def users_place(root: str) -> str:
    """:func:`users_spot` in words."""
    return Spot(*users_spot()).shown(root)


_INSTALLED_CODE, _USERS = 1, 2


@lru_cache(4096)
def _whose(filename: str) -> int:
    if is_ours(filename) or is_stdlib(filename):
        return 0
    return _INSTALLED_CODE if installed_part(filename) else _USERS


@lru_cache(4096)
def _inside(filename: str, root: str) -> str:
    return relpath(filename, root) if filename.startswith(root + os.sep) else filename
