"""Children that gevent forks: its hub learns of their ends below Python, and waits by timers of its own.

libev takes the status of every child itself, by SIGCHLD and waitpid(2) in C, so while recording nobody would
ever tell us: here it is asked for each, by a watcher beside gevent's own. libuv comes to :func:`os.wait3`.

On replay a copy ends for real, see :mod:`.forking`, and the hub learns of it as ever. But a timer of the hub
is seen by no call, as that of a loop of asyncio, so a child of a hub keeps to the recorded times. Where all
that the hub could wait for is such a child, its time comes at once. See ``docs/decisions/0036``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..child import FIRST_PID, FORKS, PUMP, TABLE, VirtualChild, only_waits, patience_ns
from ..clock import REAL

GEVENT_OS = "gevent.os"
"""The module that forks."""
_LOOK_NS = 2_000_000
"""Real nanoseconds from one look at a hub that has something to do to the next."""
_RARELY_NS = 200_000_000
"""The same where no child waits for its time."""


def asking(caller: FrameType) -> Any:
    """The hub of this thread, if gevent forks; else ``None``."""
    if not str(caller.f_globals.get("__name__", "")).startswith("gevent."):
        return None
    return sys.modules["gevent._hub_local"].get_hub_if_exists()


# -- while recording ---------------------------------------------------------------------------


class _Ear:
    """Hears of every child whose status libev has taken."""

    def __init__(self, loop: Any, tell: Callable[[int, int], object]) -> None:
        self.loop = loop
        self._tell = tell
        self._watcher = loop.child(0, ref=False)
        self._watcher.start(self._hear)

    def _hear(self) -> None:
        self._tell(self._watcher.rpid, self._watcher.rstatus)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            # Somebody may have destroyed its loop.
            self._watcher.stop()
            self._watcher.close()


_ears: list[_Ear] = []


def hear(hub: Any, tell: Callable[[int, int], object]) -> None:
    """Have ``tell`` called with pid and status whenever libev takes one, until :func:`retire`.

    It is called before gevent hears of it. Call it in the thread of the hub.
    """
    loop = hub.loop
    is_libev = type(loop).__module__.startswith("gevent.libev")
    if is_libev and loop.default and all(one.loop is not loop for one in _ears):
        _ears.append(_Ear(loop, tell))


def retire() -> None:
    """No tape is active any more."""
    while _ears:
        _ears.pop().close()


# -- on replay ---------------------------------------------------------------------------------


def watch_child(pid: int, callback: Any = None, loop: Any = None, ref: bool = False) -> None:
    """Stands in for ``gevent.os._watch_child``, which ``posix_spawn`` calls.

    Of a child without a process no loop would ever hear. One that is not watched is waited for by
    :func:`os.waitpid`.
    """
    if pid < FIRST_PID or not isinstance(TABLE.get(pid), VirtualChild):
        _REAL_WATCH(pid, callback, loop, ref)


_REAL_WATCH: Callable[..., None] = watch_child


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)``; nothing where there is no gevent."""
    global _REAL_WATCH
    module = sys.modules.get(GEVENT_OS)
    found = getattr(module, "_watch_child", None)
    if found is None:
        return []
    if found is not watch_child:
        _REAL_WATCH = found
    return [(module, "_watch_child", watch_child)]


class HubPace:
    """The time of the children of hubs: real time, without what nobody but such a child waits for."""

    def __init__(self) -> None:
        self._skipped_ns = self._idle_since_ns = 0
        self._children: list[VirtualChild] = []

    def now_ns(self) -> int:
        """The time by which such a child plays, in nanoseconds."""
        return REAL.monotonic_ns() + self._skipped_ns

    def add(self, child: VirtualChild) -> None:
        """It has just been started; in the pump's thread."""
        child.look_no_more()
        self._children.append(child)
        self.step()

    def step(self) -> None:
        """Let each do what it is time for; the pump asks."""
        for child in self._children:
            child.step()
        self._children = [one for one in self._children if one.status is None or one.open]
        due_ns = min((due for one in self._children if (due := one.due_ns()) is not None), default=None)
        left_ns = _RARELY_NS if due_ns is None else max(0, due_ns - self.now_ns())
        idle = bool(self._children) and left_ns > 0 and not FORKS and only_waits()
        if idle and due_ns is not None:
            self._skipped_ns += left_ns
            left_ns = 0
        self._look_for_stall(stalls=idle and due_ns is None)
        at_ns = REAL.monotonic_ns() + min(left_ns, _LOOK_NS if due_ns is not None else _RARELY_NS)
        PUMP.call_at(at_ns if self._children else None, self)

    def _look_for_stall(self, *, stalls: bool) -> None:
        """A hub that only waits for children, and each of them for the test, would do so for ever."""
        now_ns = REAL.monotonic_ns()
        self._idle_since_ns = (self._idle_since_ns or now_ns) if stalls else 0
        if stalls and now_ns - self._idle_since_ns > patience_ns(alone=False):
            for child in list(self._children):
                child.stall()


PACE = HubPace()
