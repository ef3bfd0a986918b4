"""Looking for a tool: :func:`shutil.which`, asked by the test or by a library that it uses."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from . import door

_REAL_WHICH = shutil.which
_EXECUTABLE = os.F_OK | os.X_OK
_BYSTANDERS = frozenset(["_pytest", "pluggy", "xdist", "execnet", *sys.stdlib_module_names])
"""Who looks for tools of its own, which are no affair of the test."""


def which(cmd: Any, mode: int = _EXECUTABLE, path: Any = None) -> Any:
    """Stands in for :func:`shutil.which`.

    What is no bare name of a program is looked at where it is: it says itself where that would be.
    """
    handler = door.current()
    plain = mode == _EXECUTABLE and type(cmd) is str and not os.path.dirname(cmd)
    plain = plain and (path is None or type(path) is str)
    # Where somebody has replaced what it looks with, as pyfakefs does, the tools are that one's, too.
    as_ever = vars(shutil).get("os") is os
    if handler is None or handler.closed or not (plain and as_ever) or _asked_by_a_bystander():
        return _REAL_WHICH(cmd, mode, path)
    return handler.which(cmd, path)


def _asked_by_a_bystander() -> bool:
    name = sys._getframe(2).f_globals.get("__name__") or ""
    return name != "__main__" and name.partition(".")[0] in _BYSTANDERS
