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
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from ..clock import CLOCK, REAL, TapeClock
from ..clock.readings import OwnReading
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
_undo = ExitStack()
_lock = threading.RLock()
_users = 0


@contextmanager
def waits_told() -> Iterator[None]:
    """For a while, let the functions that wait ask the mock clock, should there be one."""
    global _users
    with CLOCK.used():
        with _lock:
            _users += 1
            if _users == 1:
                try:
                    _undo.enter_context(_substitution("waits", pausing.functions()).in_place())
                    if CLOCK.timeline.leaves_monotonic:
                        # Event loops wait by them.
                        _undo.enter_context(_substitution("monotonic", pausing.monotonics()).in_place())
                    for where, name, what in (
                        *pausing.replacements(),
                        *locks.replacements(),
                        *inherit.clocked_replacements(),
                    ):
                        _replace(_undo, where, name, what)
                except BaseException:
                    _users = 0
                    _undo.close()
                    raise
        try:
            yield
        finally:
            with _lock:
                _users -= 1
                if not _users:
                    _undo.close()


_noticed = ExitStack()
_has_noticed = False


def notice() -> None:
    """Let waits be told if a clock that the test made itself is in place."""
    global _has_noticed
    if CLOCK.timeline.holds and not CLOCK.in_use:
        _noticed.enter_context(waits_told())
        _has_noticed = True


MAKERS = {"freezegun.api": "_freeze_time", "time_machine": "travel"}
"""Modules by which a test makes a clock of its own, and the class there whose ``start`` does it."""


def freezers() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for those of them that are there."""
    return [found for module in MAKERS for found in freezer(module)]


def freezer(module: str) -> list[tuple[Any, str, Any]]:
    """The same for one; nothing where it is not imported."""
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
    global _has_noticed
    if _has_noticed and not (others and CLOCK.timeline.holds):
        _has_noticed = False
        _noticed.close()


def _substitution(key: object, stand_ins: Mapping[int, Any]) -> Substitution:
    found = _substitutions.get(key)
    if found is None:
        found = _substitutions[key] = Substitution(stand_ins, _is_apart, _NAMES)
    return found


def _replace(undo: ExitStack, where: Any, name: str, what: Any) -> None:
    undo.callback(setattr, where, name, getattr(where, name))
    setattr(where, name, what)


@contextmanager
def frozen(clock: TapeClock) -> Iterator[None]:
    """For a while, let :mod:`time` and :mod:`datetime` show ``clock``."""
    from freezegun import api

    stacks: tuple[tuple[list[Any], Any], ...] = (
        (api.freeze_factories, clock.reading),
        (api.tz_offsets, dt.timedelta(0)),
        (api.ignore_lists, ()),
        (api.tick_flags, False),
    )
    was_frozen = bool(api.freeze_factories)
    for stack, value in stacks:
        stack.append(value)
    try:
        if not was_frozen:
            # By the module: a pytest inside a test may import freezegun anew, and then the fakes are others.
            _put_fakes_in_place(_faked.setdefault(api, ExitStack()), api)
        yield
    finally:
        _take_out(stacks)
        if api in _faked and not any(isinstance(one, OwnReading) for one in api.freeze_factories):
            _faked.pop(api).close()


_faked: dict[ModuleType, ExitStack] = {}
"""What takes the fakes of a freezegun away again, where we have put them in place."""


def _take_out(stacks: tuple[tuple[list[Any], Any], ...]) -> None:
    """Ours need not be the topmost clock: a test may leave its own in place, and blocks of tasks overlap."""
    factories, ours = stacks[0]
    index = next(i for i, one in enumerate(factories) if one is ours)
    for stack, _ in stacks:
        del stack[index]


def _put_fakes_in_place(undo: ExitStack, api: Any) -> None:
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
    undo.enter_context(_substitution(api, fakes).in_place())
    for name in ("_generate_time_safe", "_UuidCreate", "_last_timestamp"):
        if hasattr(uuid, name):
            _replace(undo, uuid, name, None)
    _replace(undo, logging, "time", _LOG_TIME)
    table = copyreg.dispatch_table
    for real, pickle in (
        (api.real_datetime, api.pickle_fake_datetime),
        (api.real_date, api.pickle_fake_date),
    ):
        table[real] = pickle
        undo.callback(table.pop, real, None)


class _LogTime(ModuleType):
    """The module :mod:`time` as :mod:`logging` sees it: a log tells when something really happened."""

    time = staticmethod(unfrozen("time"))
    time_ns = REAL.time_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


_LOG_TIME = _LogTime("time")
