"""Puts a mock clock in place, and everything that waits in its hands; takes all of it away afterwards.

The fakes of :mod:`time` and :mod:`datetime` are freezegun's. Its own way of putting them in place looks at
every attribute of every module each time; here a module is looked at once, and again only where it has
changed, so that a test with a clock costs little more than one without.
"""

from __future__ import annotations

import copyreg
import datetime as dt
import logging
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from ..clock import CLOCK, REAL, TapeClock
from . import pausing

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


class Substitution:
    """Functions and classes, and what is to stand in for them wherever a module has them."""

    def __init__(self, stand_ins: Mapping[int, Any]) -> None:
        """Prepare it.

        Args:
            stand_ins: by ``id`` of the real thing.
        """
        self._stand_ins = dict(stand_ins)
        self._reals: dict[int, Any] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._places: dict[str, list[str]] = {}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For a while, let every module have the stand-ins."""
        changed = self._put()
        try:
            yield
        finally:
            for namespace, key, real in changed:
                namespace[key] = real
            self._clean()

    def _put(self) -> list[tuple[dict[str, Any], str, Any]]:
        changed = []
        for name, module in list(sys.modules.items()):
            namespace = _namespace(module)
            if namespace is None:
                continue
            if self._seen.get(name) != (id(module), len(namespace)):
                self._look(name, module, namespace)
            for key in self._places.get(name, ()):
                real = namespace.get(key)
                stand_in = self._stand_ins.get(id(real))
                if stand_in is not None:
                    self._reals[id(stand_in)] = real
                    namespace[key] = stand_in
                    changed.append((namespace, key, real))
        return changed

    def _look(self, name: str, module: ModuleType, namespace: Mapping[str, Any]) -> None:
        self._seen[name] = (id(module), len(namespace))
        keys = (
            []
            if _is_apart(name)
            else [key for key, value in list(namespace.items()) if id(value) in self._stand_ins]
        )
        if keys:
            self._places[name] = keys
        else:
            self._places.pop(name, None)

    def _clean(self) -> None:
        """Take the stand-ins out of modules that have come, or got new attributes, meanwhile."""
        for name, module in list(sys.modules.items()):
            namespace = _namespace(module)
            if namespace is None or self._seen.get(name) == (id(module), len(namespace)):
                continue
            for key, value in list(namespace.items()):
                real = self._reals.get(id(value))
                if real is not None and not _is_apart(name):
                    namespace[key] = real
            self._look(name, module, namespace)


def _namespace(module: object) -> dict[str, Any] | None:
    # Anything may stand among the modules, and a lazy one is loaded when it is asked in the usual way.
    if not issubclass(type(module), ModuleType):
        return None
    namespace: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return namespace


def _is_apart(name: str) -> bool:
    return name.partition(".")[0] in _REAL_TIME_FOR


_substitutions: dict[str, Substitution] = {}
_undo = ExitStack()
_lock = threading.Lock()
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
                    for where, name, what in pausing.replacements():
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


def notice() -> None:
    """Let waits be told if a clock that the test made itself is in place."""
    if not CLOCK.in_use and CLOCK.timeline.holds:
        _noticed.enter_context(waits_told())


def forget() -> None:
    """No tape is active any more."""
    _noticed.close()


def _substitution(name: str, stand_ins: Mapping[int, Any]) -> Substitution:
    found = _substitutions.get(name)
    if found is None:
        found = _substitutions[name] = Substitution(stand_ins)
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
    with ExitStack() as undo:
        for stack, value in stacks:
            stack.append(value)
        undo.callback(_take_out, stacks)
        if not was_frozen:
            _put_fakes_in_place(undo, api)
        yield


def _take_out(stacks: tuple[tuple[list[Any], Any], ...]) -> None:
    """Ours need not be the topmost clock: a test may leave its own in place."""
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
    undo.enter_context(_substitution("time", fakes).in_place())
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

    time = staticmethod(time.time)
    time_ns = REAL.time_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


_LOG_TIME = _LogTime("time")
