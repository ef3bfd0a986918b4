"""Whether what a spawn says is going to be remembered for the rest of the process.

A function under :func:`functools.cache`, or a cached property of an object that a module holds, asks once.
Whichever test comes first has the spawn, so it is needed on a tape that all tests share, too.
"""

from __future__ import annotations

import inspect
import sys
from functools import lru_cache
from types import FrameType

from .places import is_ours

_RUNNERS = ("_pytest", "pluggy")
_INSTANCES = ("instance", "obj", "self")


def is_remembered() -> bool:
    """Whether the spawn that is being made is made for a cache that lives as long as the process."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            if _is_a_runner(frame.f_globals.get("__name__", "")):
                return False
            if _is_cached(frame):
                return True
        frame = frame.f_back
    return False


@lru_cache(4096)
def _is_a_runner(module: str) -> bool:
    return module.partition(".")[0] in _RUNNERS


def _is_cached(frame: FrameType) -> bool:
    name = frame.f_code.co_name
    if name == "__get__":
        # A cached property: functools', or anybody's.
        return any(_is_held_by_a_module(frame.f_locals.get(one)) for one in _INSTANCES[:2])
    if _caches(frame.f_globals.get(name), frame):
        return True
    if frame.f_code.co_argcount and frame.f_code.co_varnames[0] in {"self", "cls"}:
        owner = frame.f_locals.get(frame.f_code.co_varnames[0])
        kind = owner if isinstance(owner, type) else type(owner)
        found = inspect.getattr_static(kind, name, None)
        plain = getattr(found, "__func__", found)
        return _caches(plain, frame) and (owner is kind or _is_held_by_a_module(owner))
    return False


def _caches(function: object, frame: FrameType) -> bool:
    """Whether ``function`` is a cache around the one that runs in ``frame``."""
    if not hasattr(function, "cache_info"):
        return False
    inner = getattr(function, "__wrapped__", None)
    return getattr(inner, "__code__", None) is frame.f_code


def _is_held_by_a_module(instance: object) -> bool:
    module = sys.modules.get(type(instance).__module__)
    return instance is not None and any(one is instance for one in vars(module).values()) if module else False
