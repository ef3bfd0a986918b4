"""What another interpreter of this process starts: on replay it is refused there, and told here.

Each interpreter has modules of its own, so the stand-ins of this one are not in it, and no hook of this one
hears it. Before a test gives one work, by :mod:`concurrent.interpreters` or a pool of them, it is told
whether the test is replayed. See ``docs/decisions/0037``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ProctapeError
from . import door, orders, reports

MODULE = "_interpreters"
"""What all roads to one go through, from 3.13 on."""
_ENTRIES = ("call", "exec", "run_func", "run_string")
_FOLDER = str(Path(__file__).resolve().parents[2])
_told: set[int] = set()
"""Interpreters in which an order may hold."""

_HEED = """
import sys
sys.path.insert(0, {folder!r})
try:
    from pytest_proctape.workers import heed
    from pytest_proctape.live import LivePatterns
finally:
    sys.path.remove({folder!r})
heed(LivePatterns({live!r}), {report}, {life})
"""
_LET_GO = "sys.modules['pytest_proctape.workers'].let_go()"


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for what runs code in one; nothing where nobody has imported it."""
    module = sys.modules.get(MODULE)
    if not hasattr(module, "run_string"):
        return []
    run: Callable[..., object] = module.run_string  # type: ignore[union-attr]
    return [
        (module, name, _entering(getattr(module, name), run)) for name in _ENTRIES if hasattr(module, name)
    ]


def _entering(real: Callable[..., Any], run: Callable[..., object]) -> Callable[..., Any]:
    def enter(*args: Any, **options: Any) -> Any:
        which = args[0] if args else options.get("id")
        if isinstance(which, int) and door.current() is not None:
            _tell(which, real.__name__, run)
        return real(*args, **options)

    enter.__name__ = real.__name__
    enter.__doc__ = real.__doc__
    return enter


def _tell(which: int, entry: str, run: Callable[..., object]) -> None:
    """Have it heed what holds for this thread's test.

    Raises:
        UnsupportedSpawn: it can't, and might start anything.
    """
    handler = door.current()
    if door.is_replaying() and getattr(handler, "mode", "") != "live":
        live = getattr(getattr(handler, "live", None), "written", ())
        source = _HEED.format(folder=_FOLDER, live=live, report=reports.writer(), life=orders.life())
        _told.add(which)
    elif which in _told:
        source = f"import sys\n{_LET_GO}"
        _told.discard(which)
    else:
        return
    try:
        # Within: its own names stay as they are.
        failed = run(which, f"exec({source!r}, {{}})")
    except ProctapeError:
        raise
    except Exception:
        # It is gone, or at work, or this one: what comes is told the same.
        return
    if failed is not None:
        raise door.refuse(f"{MODULE}.{entry}", "in an interpreter that can't be told")


def retire() -> None:
    """No tape is active any more, and no order holds."""
    _told.clear()
