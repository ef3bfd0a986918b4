"""Puts the stand-ins in place while a tape is active, and takes every one of them away afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import Any

from ..child import PUMP
from . import inherit, plain, posix, reaping, signalling, spawning, timing

_lock = threading.Lock()
_users = 0
_undo = ExitStack()


def install() -> None:
    """Put the stand-ins in place, unless they are."""
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            PUMP.engage()
            try:
                replacements = _replacements()
                for where, name, what in (*replacements, *_early_copies(replacements)):
                    _put(where, name, what)
            except BaseException:
                _users = 0
                _undo.close()
                raise


def uninstall() -> None:
    """Take the stand-ins away when the last user is gone. One that fails does not keep the others."""
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _undo.close()
            PUMP.retire()


def _put(where: Any, name: str, what: Any) -> None:
    before = getattr(where, name)
    setattr(where, name, what)
    _undo.callback(setattr, where, name, before)


def _replacements() -> list[tuple[Any, str, Any]]:
    found: list[tuple[Any, str, Any]] = [
        (subprocess, "_fork_exec", spawning.fork_exec),
        # Popen would take a second road, with other errors, for the plainest calls.
        (subprocess, "_USE_POSIX_SPAWN", False),
        (subprocess, "_time", timing.monotonic),
        (subprocess.Popen, "_wait", timing.wait),
        (subprocess.Popen, "_communicate", timing.communicate),
        (subprocess.Popen, "_remaining_time", timing.remaining_time),
        *plain.replacements(),
        *posix.replacements(),
        *inherit.replacements(),
        *_bound_waitpid(),
    ]
    for module, room in ((os, reaping), (os, signalling), (signal, signalling)):
        names = _STANDING_IN[room.__name__.rpartition(".")[2], module.__name__]
        found.extend((module, name, getattr(room, name)) for name in names if hasattr(module, name))
    return found


_STANDING_IN = {
    ("reaping", "os"): ("waitpid", "waitid", "wait", "wait3", "wait4", "pidfd_open"),
    ("signalling", "os"): ("kill", "killpg", "getpgid", "getsid"),
    ("signalling", "signal"): ("pidfd_send_signal",),
}


def _bound_waitpid() -> list[tuple[Any, str, Any]]:
    """The copies of ``waitpid`` that ``subprocess`` keeps, for ``Popen.__del__`` to find late.

    One that is missed answers ECHILD, which ``subprocess`` takes for an exit code of 0.
    """
    if sys.version_info >= (3, 13):
        return [(subprocess._del_safe, "waitpid", reaping.waitpid)]  # type: ignore[attr-defined]
    poll = subprocess.Popen._internal_poll  # type: ignore[attr-defined]
    real = reaping.REAL_WAITPID
    defaults = tuple(reaping.waitpid if value is real else value for value in poll.__defaults__)
    if defaults == poll.__defaults__:
        raise RuntimeError("subprocess.Popen._internal_poll has no waitpid bound; this CPython is not known")
    return [(subprocess, "_waitpid", reaping.waitpid), (poll, "__defaults__", defaults)]


_copies: list[tuple[Any, str, Any]] = []
_looked_through: set[str] = {
    "os",
    "posix",
    "_thread",
    "signal",
    "subprocess",
    "threading",
    "_posixsubprocess",
}


def _early_copies(replacements: list[tuple[Any, str, Any]]) -> list[tuple[Any, str, Any]]:
    """The same functions under names that modules took of them before: ``from os import waitpid``.

    Every module is looked through once. One that is imported while a tape is active gets a stand-in, which
    is as good as the real thing when none is.
    """
    if len(_looked_through) < len(sys.modules):
        # Only the calls to the kernel: copies of `time.monotonic`, say, are meant to be just that.
        stand_ins = {
            id(getattr(where, name)): what for where, name, what in replacements if where in (os, signal)
        }
        for module_name in sys.modules.keys() - _looked_through:
            _looked_through.add(module_name)
            module = sys.modules.get(module_name)
            if module is None or module_name.startswith(_OURS):
                continue
            for name, value in list(vars(module).items()):
                if id(value) in stand_ins:
                    _copies.append((module, name, stand_ins[id(value)]))
    return _copies


_OURS = __name__.partition(".")[0]
