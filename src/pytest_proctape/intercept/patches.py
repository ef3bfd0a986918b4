"""Puts the stand-ins in place while a tape is active, and takes every one of them away afterwards."""

from __future__ import annotations

import _posixsubprocess
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..child import CONSOLES, PUMP
from ..genuine import threading
from ..undo import Undo
from . import (
    clocked,
    consoles,
    copies,
    drawing,
    executing,
    finding,
    forking,
    inherit,
    interpreters,
    latecomers,
    loops,
    orders,
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
from .known import POPEN, original, part

_lock = threading.RLock()
_INHERITED = object()
"""What a class has by those above it."""
_users: list[object] = []
_undo = Undo()
_OPEN = (os, signal, shutil, subprocess)
"""Whose public names anybody may call, and tests replace."""
_ours: list[tuple[Any, str, Any]] = []
"""What stands in while a tape is active, but for copies: ``(where, name, what)``."""
_looks: list[tuple[Callable[[str], Any], list[str], list[Any]]] = []
"""What gives what is in a module now, the names that somebody may replace, and our stand-ins for them."""


def install(who: object = None) -> None:
    """Put the stand-ins in place, unless they are.

    Args:
        who: needs them, until :func:`uninstall` is told of it, which may be told of what was not begun, too.
    """
    try:
        with _lock:
            _users.append(who)
            if len(_users) == 1:
                # What an interrupt has left in place.
                _undo.close()
                _install()
                return
        settle()
    except BaseException:
        uninstall(who)
        raise


def _install() -> None:
    _undo.callback(PUMP.retire)
    PUMP.engage()
    reports.install()
    _undo.callback(forking.retire)
    forking.engage()
    _undo.callback(orders.retire)
    _undo.callback(interpreters.retire)
    ways.forget()
    _ours[:] = _replacements()
    # Only these: copies of `time.monotonic`, say, are meant to be just that.
    real = {
        id(original(where, name)): what
        for where, name, what in _ours
        if where in (os, signal, shutil) or what in (short.run, short.call)
    }
    _looks[:] = list(_looks_at([one for one in _ours if _is_open(*one[:2])]))
    for where, name, what in [*_ours, *copies.find(real)]:
        if not _is_anothers(where, name, what):
            _put(where, name, what)
    latecomers.expect(_put_late, _undo)
    ways.remember([what for _, _, what in _ours])
    _admit_loops()


def settle() -> None:
    """Another test begins: stand-ins that the last one has taken away, or kept away, are put in place."""
    # Of nearly every test this is all there is to it.
    if any(list(map(get, names)) != ours for get, names, ours in _looks):
        with _lock:
            if _users:
                _put_again()


def _put_again() -> None:
    for where, name, what in _ours:
        if _is_open(where, name) and vars(where).get(name) is original(where, name):
            _put(where, name, what)
    ways.remember([what for _, _, what in _ours])


def _looks_at(
    places: list[tuple[Any, str, Any]],
) -> Iterator[tuple[Callable[[str], Any], list[str], list[Any]]]:
    for module in _OPEN:
        found = [(name, what) for where, name, what in places if where is module]
        yield vars(module).get, [name for name, _ in found], [what for _, what in found]


def _is_open(where: Any, name: str) -> bool:
    """Whether a test, or a fixture, may put something in the place of it: it stays, as without a tape."""
    return where in _OPEN and name[0] != "_"


def _is_anothers(where: Any, name: str, what: Any) -> bool:
    """Whether somebody has done that."""
    if not _is_open(where, name):
        return False
    now = vars(where).get(name)
    return now is not what and now is not original(where, name)


def uninstall(who: object = None) -> None:
    """Take the stand-ins away when the last user is gone. One that fails does not keep the others."""
    with _lock:
        if who in _users:
            _users.remove(who)
        clocked.forget(others=bool(_users))
        if not _users:
            loops.in_place = False
            _undo.close()


def forget() -> None:
    """A test, or a block, that may have made a clock itself is over."""
    clocked.forget(others=bool(_users))


def _admit_loops() -> None:
    for where, name, what in loops.replacements():
        loops.in_place = True
        _put(where, name, what)


def _admit_late() -> None:
    with _lock:
        if _users and not loops.in_place:
            _admit_loops()


loops.put_in_place = _admit_late


def _admit_consoles() -> None:
    """A child gets a terminal of a test's own."""
    if consoles.in_place:
        return
    with _lock:
        if not _users or consoles.in_place:
            return
        consoles.in_place = True
        _undo.callback(_without_consoles)
        found = consoles.replacements()
        places = [(where, name, what) for where, name, what, real in found if vars(where)[name] is real]
        for where, name, what in [*places, *copies.find({id(real): what for _, _, what, real in found})]:
            _put(where, name, what)


def _without_consoles() -> None:
    consoles.in_place = False


CONSOLES.on_add = _admit_consoles


def _put(where: Any, name: str, what: Any) -> None:
    before = original(where, name) if _is_open(where, name) else part(where, name)
    if isinstance(where, type) and name not in vars(where):
        before = _INHERITED
    # First: an interrupt may come between the two.
    _undo.callback(_take_away, where, name, what, before)
    setattr(where, name, what)


def _put_late(where: Any, name: str, what: Any) -> None:
    with _lock:
        if _users:
            _put(where, name, what)


def _take_away(where: Any, name: str, what: Any, before: Any) -> None:
    # A fixture may have put a mock there, which takes itself away later.
    if getattr(where, name, what) is not what:
        return
    if before is not _INHERITED:
        setattr(where, name, before)
    elif name in vars(where):
        delattr(where, name)


def _replacements() -> list[tuple[Any, str, Any]]:
    found: list[tuple[Any, str, Any]] = [
        (subprocess, "_fork_exec", spawning.fork_exec),
        (_posixsubprocess, "fork_exec", spawning.others_fork_exec),
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
        *latecomers.present(),
        (shutil, "which", finding.which),
        *drawing.replacements(),
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
    poll = POPEN._internal_poll
    real = reaping.REAL_WAITPID
    defaults = tuple(reaping.waitpid if value is real else value for value in poll.__defaults__)
    if defaults == poll.__defaults__:
        raise RuntimeError("subprocess.Popen._internal_poll has no waitpid bound; this CPython is not known")
    return [(subprocess, "_waitpid", reaping.waitpid), (poll, "__defaults__", defaults)]
