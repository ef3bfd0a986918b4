"""Children of an asyncio loop, on replay: what they do comes in the order of the recorded times.

A loop waits for everything at once, and its timers are how it gives up on a child: ``wait_for`` is seen
by no process call. So while such a child is alive, the loop's clock and the child's share one tape
time. When the loop has nothing to do, time jumps to whatever comes first, the child's next step or the
loop's next timer. No time passes for real, unless something real could still happen: work in a pool, or
a socket to somewhere else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from io import FileIO
from types import MethodType
from typing import Any

from ..child import TABLE, VirtualChild
from ..clock import CLOCK
from ..frozen import NOTHING
from ..genuine import selectors
from . import door
from .pace import Pace, Selector, note_real

_TRANSPORT_FILE = os.path.join(os.path.dirname(asyncio.__file__), "unix_events.py")
_GLANCE_FRAMES = 7
_SELECTORS = (Selector, selectors.BaseSelector)


def asking_loop() -> tuple[asyncio.AbstractEventLoop, Any] | None:
    """See :func:`.loops.asking_loop`.

    ``subprocess.run`` inside a coroutine blocks the loop and is not meant, so a running loop is not
    enough: the call has to come from ``_UnixSubprocessTransport._start``.
    """
    loop = asyncio._get_running_loop()
    if loop is None:
        return None
    if not CLOCK.on and not isinstance(getattr(loop, "_selector", None), _SELECTORS):
        return None
    frame = sys._getframe(1)
    for _ in range(_GLANCE_FRAMES):
        if frame.f_code.co_filename == _TRANSPORT_FILE:
            return loop, frame.f_locals.get("self")
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None


def _pace_of(loop: asyncio.AbstractEventLoop) -> Pace | None:
    selector = getattr(loop, "_selector", None)
    return selector.pace if isinstance(selector, Selector) else None


def now_of(loop: asyncio.AbstractEventLoop) -> Callable[[], int]:
    """The loop's clock, in nanoseconds."""
    pace = _pace_of(loop)
    return pace.now_ns if pace is not None else lambda: round(loop.time() * 1e9)


def attach(loop: asyncio.AbstractEventLoop, transport: Any, pid: int) -> None:
    """``loop`` waits for this child, and ``transport`` is to be told of its end."""
    child = TABLE.get(pid)
    if isinstance(child, VirtualChild) and not child.clocked:
        follow(loop, transport, child)
    elif child is None:
        note_real(loop, transport)


def follow(
    loop: asyncio.AbstractEventLoop,
    transport: Any,
    child: VirtualChild,
    files: Mapping[FileIO, bool] = NOTHING,
) -> None:
    """The same for a replayed child; see :meth:`.Pace.add`."""
    (_pace_of(loop) or Pace(loop)).add(child, transport, files)


def add_child_handler(watcher: Any, pid: int, callback: Callable[..., object], *args: Any) -> None:
    """Stands in for ``ThreadedChildWatcher.add_child_handler``, which starts a thread that waits.

    A virtual child's end is seen when the loop selects, and then what the thread would do takes no time.
    """
    loop = asyncio.get_running_loop()
    inside = _Inside(loop)

    def told() -> None:
        watcher._do_waitpid(inside, pid, inside.called(callback), args)

    if _tell_by(loop, pid, told):
        watcher._threads[pid] = _NOBODY
    else:
        _REAL_ADD_CHILD_HANDLER(watcher, pid, callback, *args)


def add_child_descriptor(watcher: Any, pid: int, callback: Callable[..., object], *args: Any) -> None:
    """Stands in for ``PidfdChildWatcher.add_child_handler``, which watches a descriptor of the child.

    There is one, so that what is opened next has the number that it would have had; it tells nothing.
    """
    loop = asyncio.get_running_loop()
    inside = _Inside(loop)

    def told() -> None:
        watcher._do_wait(pid, held, inside.called(callback), args)

    if _tell_by(loop, pid, told):
        held = os.dup(loop._ssock.fileno())  # type: ignore[attr-defined]
    else:
        _REAL_ADD_CHILD_DESCRIPTOR(watcher, pid, callback, *args)


def _tell_by(loop: asyncio.AbstractEventLoop, pid: int, told: Callable[[], None]) -> bool:
    """Have ``told`` called at the end of a virtual child, for the present session; whether it is one."""
    pace, child = _pace_of(loop), TABLE.get(pid)
    if pace is None or not isinstance(child, VirtualChild) or child not in pace:
        return False
    handler = door.current()

    def tell() -> None:
        if door.current() is handler:
            told()
        else:
            with door.inherited(handler):
                told()

    pace.tell_by(child, tell)
    return True


class _Inside:
    """A loop that is told something by itself, while it selects: nobody has to wake it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.call_soon = self.call_soon_threadsafe = loop.call_soon
        self.is_closed, self.get_debug = loop.is_closed, loop.get_debug

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def called(self, callback: Callable[..., object]) -> Callable[..., object]:
        """The loop's own ``callback``, as a method of this one; any other as it is."""
        is_own = getattr(callback, "__func__", None) is _TOLD
        return MethodType(_TOLD, self) if is_own else callback


class _Nobody:
    """Stands in for the thread; the watcher takes it out again, and asks whether it is alive when it goes."""

    def is_alive(self) -> bool:
        return False

    def join(self, timeout: float | None = None) -> None:
        """It is over."""


_NOBODY = _Nobody()


_TOLD: Callable[..., object] = asyncio.SelectorEventLoop._child_watcher_callback  # type: ignore[attr-defined]
_UNDERSCORE = "" if sys.version_info < (3, 14) else "_"
_BY_THREAD: Any = getattr(asyncio.unix_events, f"{_UNDERSCORE}ThreadedChildWatcher", None)
_BY_DESCRIPTOR: Any = getattr(asyncio.unix_events, f"{_UNDERSCORE}PidfdChildWatcher", None)
if sys.version_info < (3, 12):
    # It belongs to one loop there, and is nobody's unless a test asks for it.
    _BY_DESCRIPTOR = None
_REAL_ADD_CHILD_HANDLER: Callable[..., None] = getattr(_BY_THREAD, "add_child_handler", add_child_handler)
_REAL_ADD_CHILD_DESCRIPTOR: Callable[..., None] = getattr(
    _BY_DESCRIPTOR, "add_child_handler", add_child_descriptor
)


def replacements() -> list[tuple[Any, str, Any]]:
    """What is to stand in for what."""
    name = "add_child_handler"
    pairs = ((_BY_THREAD, add_child_handler), (_BY_DESCRIPTOR, add_child_descriptor))
    return [(watcher, name, what) for watcher, what in pairs if watcher is not None]
