"""Puts the stand-ins in place while a tape is active, and takes every one of them away afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import Any

from ..child import PUMP
from . import (
    clocked,
    copies,
    executing,
    finding,
    forking,
    inherit,
    loops,
    plain,
    popen,
    posix,
    reaping,
    reports,
    short,
    signalling,
    spawning,
    timing,
    ways,
)
from .known import part

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
            reports.install()
            forking.engage()
            try:
                ways.forget()
                replacements = _replacements()
                # Only these: copies of `time.monotonic`, say, are meant to be just that.
                real = {
                    id(part(where, name)): what
                    for where, name, what in replacements
                    if where in (os, signal, shutil) or what in (short.run, short.call)
                }
                for where, name, what in [*replacements, *copies.find(real)]:
                    _put(where, name, what)
                ways.remember()
                _admit_loops()
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
            loops.in_place = False
            forking.retire()
            PUMP.retire()


def _admit_loops() -> None:
    for where, name, what in loops.replacements():
        loops.in_place = True
        _put(where, name, what)


def _admit_late() -> None:
    with _lock:
        if _users and not loops.in_place:
            _admit_loops()


loops.put_in_place = _admit_late


def _put(where: Any, name: str, what: Any) -> None:
    before = part(where, name)
    setattr(where, name, what)
    _undo.callback(_take_away, where, name, what, before)


def _take_away(where: Any, name: str, what: Any, before: Any) -> None:
    # A fixture may have put a mock there, which takes itself away later.
    if getattr(where, name, what) is what:
        setattr(where, name, before)


def _replacements() -> list[tuple[Any, str, Any]]:
    found: list[tuple[Any, str, Any]] = [
        (subprocess, "_fork_exec", spawning.fork_exec),
        # Popen would take a second road, with other errors, for the plainest calls.
        (subprocess, "_USE_POSIX_SPAWN", False),
        *timing.replacements(),
        *short.replacements(),
        *popen.replacements(),
        *plain.replacements(),
        *posix.replacements(),
        *executing.replacements(),
        *forking.replacements(),
        *inherit.replacements(),
        *clocked.freezers(),
        (shutil, "which", finding.which),
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
        return [(part(subprocess, "_del_safe"), "waitpid", reaping.waitpid)]
    poll = subprocess.Popen._internal_poll  # type: ignore[attr-defined]
    real = reaping.REAL_WAITPID
    defaults = tuple(reaping.waitpid if value is real else value for value in poll.__defaults__)
    if defaults == poll.__defaults__:
        raise RuntimeError("subprocess.Popen._internal_poll has no waitpid bound; this CPython is not known")
    return [(subprocess, "_waitpid", reaping.waitpid), (poll, "__defaults__", defaults)]
