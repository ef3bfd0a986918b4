"""What a test may leave in this process, and how it is taken away, so that no later test fails of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_proctape import use
from pytest_proctape.child import PUMP, TABLE
from pytest_proctape.clock import CLOCK
from pytest_proctape.enclosing import RUNS
from pytest_proctape.intercept import clocked, door, patches

_OF_PYTEST = "PYTEST_CURRENT_TEST"
"""The variable that pytest changes itself."""
_CATCHABLE = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def of_the_package() -> dict[str, Any]:
    """What the package keeps for the whole process while somebody needs it."""
    return {
        "runs": list(RUNS),
        "blocks outside of runs": list(use._OUTSIDE.active),
        "users of the stand-ins": list(patches._users),
        "users of the clock": (list(CLOCK._users), list(clocked._users)),
        "paces": list(CLOCK.paces),
        "clocks in place": list(clocked._faked),
        "session": door.current(),
        "children": list(TABLE),
        "finders": [one for one in sys.meta_path if "pytest_proctape" in str(type(one))],
        "pauses of the pump": set(PUMP._pauses),
    }


def of_the_process() -> dict[str, Any]:
    """What the tests of one process have in common."""
    return {
        "handlers": {number: signal.getsignal(number) for number in _CATCHABLE},
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "wakeup": _swapped(signal.set_wakeup_fd, -1),
        "umask": _swapped(os.umask, 0o77),
        "directory": _directory(),
        "environment": {name: value for name, value in os.environ.items() if name != _OF_PYTEST},
    }


def _swapped(put: Callable[[int], int], meanwhile: int) -> int:
    """What can only be asked for by putting something else in its place."""
    before = put(meanwhile)
    put(before)
    return before


def _directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def real_children() -> set[int]:
    """Processes that this one has started and not waited for, where the system tells."""
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, path.read_text().split()))
    return found


def end_children(before: set[int]) -> None:
    """End and reap those that were not there before."""
    for pid in real_children() - before:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not as it was: before and after."""
    found = {name: (was, after[name]) for name, was in before.items() if after[name] != was}
    return {name: _shortened(*both) for name, both in found.items()}


def _shortened(before: Any, after: Any) -> tuple[Any, Any]:
    """Of two dictionaries, those keys whose values differ."""
    if not isinstance(before, dict):
        return before, after
    changed = {key for key in before | after if before.get(key) != after.get(key)}
    return {key: before.get(key) for key in changed}, {key: after.get(key) for key in changed}


def put_package_back(before: dict[str, Any]) -> None:
    """Make :func:`of_the_package` tell the same as ``before``, as far as that can be."""
    for child in TABLE:
        if child not in before["children"]:
            TABLE.remove(child.pid)
    if not before["users of the stand-ins"]:
        with contextlib.suppress(Exception):
            patches._undo.close()
    for undo in [clocked._faked[api] for api in clocked._faked if api not in before["clocks in place"]]:
        with contextlib.suppress(Exception):
            undo.close()
    for api in set(clocked._faked) - set(before["clocks in place"]):
        del clocked._faked[api]
    RUNS[:] = before["runs"]
    use._OUTSIDE.active[:] = before["blocks outside of runs"]
    patches._users[:] = before["users of the stand-ins"]
    CLOCK._users[:], clocked._users[:] = before["users of the clock"]
    CLOCK.paces[:] = before["paces"]
    sys.meta_path[:] = [
        one for one in sys.meta_path if "pytest_proctape" not in str(type(one)) or one in before["finders"]
    ]
    door._LOCAL.here.handler = before["session"]
    door._BLOCK.set(None)
    PUMP._pauses.intersection_update(before["pauses of the pump"])
    if not before["users of the stand-ins"]:
        _empty_the_pump()


def _empty_the_pump() -> None:
    for fd in list(PUMP._watched):
        PUMP.forget(fd)
    for owner in list(PUMP._timers):
        PUMP.call_at(None, owner)
    PUMP.retire()


def put_process_back(before: dict[str, Any]) -> None:
    """The same for :func:`of_the_process`."""
    if not before["timer"]:
        signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before["handlers"].items():
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, before["blocked"])
    signal.set_wakeup_fd(before["wakeup"])
    os.umask(before["umask"])
    if before["directory"]:
        os.chdir(before["directory"])
    for name in set(os.environ) - set(before["environment"]) - {_OF_PYTEST}:
        del os.environ[name]
    os.environ.update(before["environment"])
