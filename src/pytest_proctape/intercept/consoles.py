"""Calls about the settings of a terminal: those about one that a taped child has are led to its console.

Every function here stands in for one of the standard library's of the same name and has its signature.
:mod:`.patches` puts them in place when a child gets the first terminal of a test's own, and not before; few
tests have one.
"""

from __future__ import annotations

import fcntl
import os
import termios
from collections.abc import Callable
from typing import Any, TypeVar

from ..child import CONSOLES

_T = TypeVar("_T")

_REAL_TCGETATTR = termios.tcgetattr
_REAL_TCSETATTR = termios.tcsetattr
_REAL_TCGETWINSIZE = termios.tcgetwinsize
_REAL_TCSETWINSIZE = termios.tcsetwinsize
_REAL_IOCTL = fcntl.ioctl
_REAL_GET_TERMINAL_SIZE = os.get_terminal_size

_STDOUT = 1


def _requests(*names: str) -> frozenset[int]:
    found = (getattr(termios, name, None) for name in names)
    return frozenset(one for one in found if one is not None)


_ASKING = _requests("TIOCGWINSZ", "TCGETS", "TCGETA")
_CHANGING = _requests(
    "TIOCSWINSZ", "TCSETS", "TCSETSW", "TCSETSF", "TCSETA", "TCSETAW", "TCSETAF", "TIOCSETD"
)
"""Requests of ioctl_tty(2) that are about settings. The others are about what is on its way."""

in_place = False
"""They stand in."""


def tcgetattr(fd: Any, /) -> list[Any]:
    """Stands in for :func:`termios.tcgetattr`."""
    return _led(fd, _REAL_TCGETATTR, changes=False)


def tcsetattr(fd: Any, when: int, attributes: Any, /) -> None:
    """Stands in for :func:`termios.tcsetattr`."""
    return _led(fd, lambda one: _REAL_TCSETATTR(one, when, attributes), changes=True)


def tcgetwinsize(fd: Any, /) -> tuple[int, int]:
    """Stands in for :func:`termios.tcgetwinsize`."""
    return _led(fd, _REAL_TCGETWINSIZE, changes=False)


def tcsetwinsize(fd: Any, winsize: Any, /) -> None:
    """Stands in for :func:`termios.tcsetwinsize`."""
    return _led(fd, lambda one: _REAL_TCSETWINSIZE(one, winsize), changes=True)


def ioctl(fd: Any, request: Any, arg: Any = 0, mutate_flag: Any = True, /) -> Any:
    """Stands in for :func:`fcntl.ioctl`."""
    if request in _ASKING or request in _CHANGING:
        changes = request in _CHANGING
        return _led(fd, lambda one: _REAL_IOCTL(one, request, arg, mutate_flag), changes=changes)
    return _REAL_IOCTL(fd, request, arg, mutate_flag)


def get_terminal_size(fd: int = _STDOUT, /) -> os.terminal_size:
    """Stands in for :func:`os.get_terminal_size`."""
    return _led(fd, _REAL_GET_TERMINAL_SIZE, changes=False)


def _led(fd: Any, act: Callable[[Any], _T], *, changes: bool) -> _T:
    number = fd if isinstance(fd, int) else _number_of(fd)
    console = CONSOLES.of(number)
    return act(fd) if console is None else console.lead(number, act, changes=changes)


def _number_of(fd: Any) -> int:
    """Of what stands for a descriptor; -1 for what doesn't, which is for the real call to refuse."""
    try:
        number = fd.fileno()
    except (AttributeError, OSError, ValueError):
        return -1
    return number if isinstance(number, int) else -1


def replacements() -> list[tuple[Any, str, Any, Any]]:
    """``(where, name, what)``, and what it stands in for."""
    return [
        (termios, "tcgetattr", tcgetattr, _REAL_TCGETATTR),
        (termios, "tcsetattr", tcsetattr, _REAL_TCSETATTR),
        (termios, "tcgetwinsize", tcgetwinsize, _REAL_TCGETWINSIZE),
        (termios, "tcsetwinsize", tcsetwinsize, _REAL_TCSETWINSIZE),
        (fcntl, "ioctl", ioctl, _REAL_IOCTL),
        (os, "get_terminal_size", get_terminal_size, _REAL_GET_TERMINAL_SIZE),
    ]
