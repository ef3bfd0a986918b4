"""Puts a mock clock in place, and everything that waits in its hands; takes all of it away afterwards.

The fakes of :mod:`time` and :mod:`datetime` are freezegun's. Its own way of putting them in place looks at
every attribute of every module each time; here a module is looked at once, and again only where it has
changed, so that a test with a clock costs little more than one without.
"""

from __future__ import annotations

import copyreg
import datetime as dt
import functools
import logging
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ..clock import CLOCK, REAL, TapeClock
from ..clock.readings import OwnReading
from ..genuine import threading
from ..undo import Undo
from ..unfrozen import unfrozen
from . import door, inherit, locks, pausing
from .substitution import Substitution

_PACKAGE = __name__.partition(".")[0]

_REAL_TIME_FOR = (
    # What runs the tests measures real time: durations, time limits, logs.
    "_pytest",
    "pytest",
    "pluggy",
    "pytest_timeout",
    "xdist",
    "execnet",
    "coverage",
    "freezegun",
    "time_machine",
    _PACKAGE,
    # They are given the timeline, which goes on where a test sets its clock back: see `.pausing`.
    "threading",
    "queue",
)


def _is_apart(name: str) -> bool:
    return name.partition(".")[0] in _REAL_TIME_FOR


_NAMES = frozenset(
    (
        *("date", "datetime", "get_clock_info", "gmtime", "localtime", "monotonic", "monotonic_ns"),
        *("perf_counter", "perf_counter_ns", "poll", "read", "select", "sleep", "strftime", "time"),
        *("time_ns", "write"),
    )
)
"""What everything is called that is stood in for."""
_substitutions: dict[object, Substitution] = {}
_undo = Undo()
_lock = threading.RLock()
_users: list[object] = []
_NOTICED = object()
"""The user that stands for a clock which the test made itself."""


def tell_waits(who: object) -> None:
    """Let the functions that wait ask the mock clock, until :func:`tell_waits_no_more` is told of ``who``."""
    with _lock:
        CLOCK.use_for(who)
        _users.append(who)
        if len(_users) == 1:
            # What an interrupt has left in place.
            _undo.close()
            _substitution("waits", pausing.functions()).put(_undo)
            if CLOCK.timeline.leaves_monotonic:
                # Event loops wait by them.
                _substitution("monotonic", pausing.monotonics()).put(_undo)
            for where, name, what in (
                *pausing.replacements(),
                *locks.replacements(),
                *inherit.clocked_replacements(),
            ):
                _replace(_undo, where, name, what)


def tell_waits_no_more(who: object) -> None:
    """It is over; nothing where it was not begun."""
    with _lock:
        if who in _users:
            _users.remove(who)
        if not _users:
            _undo.close()
        CLOCK.used_no_more(who)


def notice() -> None:
    """Let waits be told if a clock that the test made itself is in place."""
    if CLOCK.timeline.holds and not CLOCK.in_use:
        tell_waits(_NOTICED)


MAKERS = {"freezegun.api": "_freeze_time", "time_machine": "travel"}
"""Modules by which a test makes a clock of its own, and the class there whose ``start`` does it."""


def freezer(module: str) -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for one of them; nothing where it is not imported."""
    where = getattr(sys.modules.get(module), MAKERS[module], None)
    if where is None:
        return []
    found = [(where, "start", _noticing(where.start))]
    if hasattr(where, "stop"):
        found.append((where, "stop", _letting_go(where.stop)))
    return found


def _noticing(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def start(self: Any) -> Any:
        result = real(self)
        if door.current() is not None:
            notice()
        return result

    return start


def _letting_go(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def stop(self: Any) -> Any:
        result = real(self)
        if CLOCK.in_use and not CLOCK.timeline.holds:
            # No clock keeps the children from what comes next, and nobody else would tell them.
            CLOCK.waits.settle()
        return result

    return stop


def forget(*, others: bool = False) -> None:
    """A test, or a block, that may have made a clock itself is over.

    Args:
        others: of other tests or blocks that are not, who wait by that clock as long as it is in place.
    """
    if _NOTICED in _users and not (others and CLOCK.timeline.holds):
        tell_waits_no_more(_NOTICED)


def _substitution(key: object, stand_ins: Mapping[int, Any]) -> Substitution:
    found = _substitutions.get(key)
    if found is None:
        found = _substitutions[key] = Substitution(stand_ins, _is_apart, _NAMES)
    return found


def _replace(undo: Undo, where: Any, name: str, what: Any) -> None:
    undo.callback(setattr, where, name, getattr(where, name))
    setattr(where, name, what)


def freeze(clock: TapeClock, undo: Undo) -> None:
    """Let :mod:`time` and :mod:`datetime` show ``clock`` until ``undo`` is closed."""
    from freezegun import api

    # By the module: a pytest inside a test may import freezegun anew, and then the fakes are others.
    undo.callback(_thaw, api, clock)
    was_frozen = bool(api.freeze_factories)
    api.tz_offsets.append(dt.timedelta(0))
    api.ignore_lists.append(())
    api.tick_flags.append(False)
    # Last: by this one it is known whether it is there.
    factories: list[Any] = api.freeze_factories
    factories.append(clock.reading)
    if not was_frozen:
        _put_fakes_in_place(_faked.setdefault(api, Undo()), api)


_faked: dict[ModuleType, Undo] = {}
"""What takes the fakes of a freezegun away again, where we have put them in place."""


def _thaw(api: Any, clock: TapeClock) -> None:
    _take_out(clock.reading, api.freeze_factories, (api.tz_offsets, api.ignore_lists, api.tick_flags))
    if api in _faked and not any(isinstance(one, OwnReading) for one in api.freeze_factories):
        _faked[api].close()
        _faked.pop(api, None)


def _take_out(ours: OwnReading, factories: list[Any], others: tuple[list[Any], ...]) -> None:
    """Ours need not be the topmost clock: a test may leave its own in place, and blocks of tasks overlap.

    The four lists go together. One that is longer is so because an interrupt came while ours was put there,
    and one that is shorter because it came while it was taken out.
    """
    index = next((i for i, one in enumerate(factories) if one is ours), None)
    for stack in others:
        if index is None or len(stack) > len(factories):
            del stack[len(factories) :]
        elif len(stack) == len(factories):
            del stack[index]
    if index is not None:
        del factories[index]


def _put_fakes_in_place(undo: Undo, api: Any) -> None:
    """What ``freeze_time().start()`` does; see ``freezegun/api.py``."""
    fakes = {
        id(api.real_time): api.fake_time,
        id(api.real_time_ns): api.fake_time_ns,
        id(api.real_monotonic): api.fake_monotonic,
        id(api.real_monotonic_ns): api.fake_monotonic_ns,
        id(api.real_perf_counter): api.fake_perf_counter,
        id(api.real_perf_counter_ns): api.fake_perf_counter_ns,
        id(api.real_localtime): api.fake_localtime,
        id(api.real_gmtime): api.fake_gmtime,
        id(api.real_strftime): api.fake_strftime,
        id(api.real_date): api.FakeDate,
        id(api.real_datetime): api.FakeDatetime,
    }
    _substitution(api, fakes).put(undo)
    for fake, real in ((api.FakeDatetime, api.real_datetime), (api.FakeDate, api.real_date)):
        _call_as(undo, fake, real)
    for name in ("_generate_time_safe", "_UuidCreate", "_last_timestamp"):
        if hasattr(uuid, name):
            _replace(undo, uuid, name, None)
    _replace(undo, logging, "time", _LOG_TIME)
    table = copyreg.dispatch_table
    for real, pickle in (
        (api.real_datetime, api.pickle_fake_datetime),
        (api.real_date, api.pickle_fake_date),
    ):
        undo.callback(table.pop, real, None)
        table[real] = pickle


def _call_as(undo: Undo, fake: Any, real: Any) -> None:
    """Let ``fake`` have the names of ``real`` wherever they are shown, and in a pickle."""
    for name in ("__module__", "__qualname__", "__name__"):
        _replace(undo, fake, name, getattr(real, name))

    def shown(self: object) -> str:
        # That of a class of C code says its module, and that of another one does not.
        text: str = real.__repr__(self)
        return f"{real.__module__}.{text}" if type(self) is fake else text

    undo.callback(delattr, fake, "__repr__")
    fake.__repr__ = shown


class _LogTime(ModuleType):
    """The module :mod:`time` as :mod:`logging` sees it: a log tells when something really happened."""

    time = staticmethod(unfrozen("time"))
    time_ns = REAL.time_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


_LOG_TIME = _LogTime("time")
