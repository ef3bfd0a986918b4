"""The standard library's own threads, locks, sockets and waits, whoever has put others in their place.

``gevent.monkey.patch_all()`` and ``eventlet.monkey_patch()`` put functions that switch to another greenlet
into the standard library's modules. What the package does for a test, it does below that, and partly in a
thread of its own, where nobody switches. So the rooms ask here for what is replaced by these: the modules are
copies, made where the package is imported, with what was replaced before put back; see :mod:`.unpatched`.
"""

from __future__ import annotations

import os
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from .unpatched import unpatched

__all__ = [
    "_thread",
    "close",
    "main_thread_ident",
    "select",
    "selectors",
    "signal",
    "socket",
    "threading",
]

if TYPE_CHECKING:
    import _thread
    import select
    import selectors
    import signal
    import socket
    import threading
    from os import close
else:

    def _copied(title: str) -> ModuleType:
        """A module with the same names; what is put in the place of one of them is not seen in it."""
        module = __import__(title)
        copy = ModuleType(title, module.__doc__)
        vars(copy).update(vars(module))
        return copy

    def _own(kind: type, names: dict[str, Any]) -> type:
        """The same class, whose methods find other names around them."""
        made = {
            name: FunctionType(one.__code__, names, name, one.__defaults__, one.__closure__)
            if isinstance(one, FunctionType)
            else one
            for name, one in vars(kind).items()
            if name not in ("__dict__", "__weakref__")
        }
        return type(kind)(kind.__name__, kind.__bases__, made)

    class _Threading(ModuleType):
        """Which threads there are is known by the module itself."""

        def __getattr__(self, name: str) -> object:
            return getattr(sys.modules["threading"], name)

    with unpatched():
        _thread = _copied("_thread")
        select, selectors, signal, socket = map(_copied, ("select", "selectors", "signal", "socket"))
        _names = dict(vars(__import__("threading")))
        _names.update(
            RLock=_thread.RLock,
            Lock=_thread.allocate_lock,
            _allocate_lock=_thread.allocate_lock,
            get_ident=_thread.get_ident,
        )
        _names["Condition"] = _own(_names["Condition"], _names)
        threading = _Threading("threading")
        for _name in ("RLock", "Lock", "Condition", "get_ident", "get_native_id", "TIMEOUT_MAX"):
            setattr(threading, _name, _names[_name])
        for _name in ("Event", "Semaphore"):
            setattr(threading, _name, _own(_names[_name], _names))
        threading.local = _thread._local
        close = os.close

_main: int | None = None


def main_thread_ident() -> int:
    """Of the thread that runs Python's handlers of signals, as :func:`signal.pthread_kill` takes it.

    The one that :func:`threading.main_thread` tells is a greenlet's under gevent.
    """
    if _main is not None:
        return _main
    return threading.main_thread().ident or 0


def _note_main() -> None:
    """This process has one thread, or this is the first of them."""
    global _main
    _main = threading.get_ident()


if sys.platform == "linux" and threading.get_native_id() == os.getpid():
    _note_main()
os.register_at_fork(after_in_child=_note_main)
