"""Whose spawn it is: the test's own, one that the standard library hides, or one of an import.

What is asked once a process and then remembered would be on the tape of whichever test came first. So
such spawns are told by the frames between them and the test, and go to tapes that all tests share; see
:mod:`.commons`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sized
from types import FrameType

from ..tape import AMBIENT
from .places import installed_part, is_ours, is_stdlib

IMPORT = "@import"
"""Behind the file: the owner of the tape for what a module starts while it is imported."""

_HELPERS = frozenset(
    ["platform", "ctypes.util", "ctypes._aix", "uuid", "_osx_support", "_aix_support", "_bootsubprocess"]
)
"""Modules of the standard library that start processes nobody asked for, and remember what these said."""
_HELPING_FUNCTIONS = frozenset(
    [
        ("webbrowser", "register_standard_browsers"),
        ("pydoc", "getpager"),
        ("_pyrepl.pager", "get_pager"),
    ]
)
"""The same in modules that also start processes that somebody did ask for."""
_RUNNERS = ("_pytest", "pluggy")
_SCRIPTS = ("__main__", "__channelexec__")
"""Names of modules that are run and not imported; the second is execnet's, in a worker of pytest-xdist."""


_LOCKS: Sized | None = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", None)
"""One for each module that is being imported in this moment, by whichever thread: ``_bootstrap.py``."""


def may_be_imported() -> bool:
    """Whether there can be a module among the callers that is being imported.

    Python makes an object of each frame that is looked at, and a test has fifty of pytest's behind it.
    """
    return _LOCKS is None or len(_LOCKS) > 0


def owner_of_spawn(
    root: str, *, collecting: bool = False, imports: bool = False, innermost: FrameType | None = None
) -> str:
    """Who owns the spawn that is being made; ``""`` for the test itself.

    Args:
        root: the root directory of the project.
        collecting: no test is running: whatever file asks is the owner.
        imports: what a module starts while it is imported is the module's.
        innermost: where to begin to look, be it in a frame of this package.
    """
    for frame in _frames_behind_the_road(innermost or sys._getframe(1)):
        name = frame.f_globals.get("__name__")
        if is_stdlib(frame.f_code.co_filename):
            if name in _HELPERS or (name, frame.f_code.co_name) in _HELPING_FUNCTIONS:
                return AMBIENT
            continue
        return _file_that_asks(frame, root, collecting) if collecting or imports else ""
    return ""


def _frames_behind_the_road(innermost: FrameType) -> Iterator[FrameType]:
    frame: FrameType | None = innermost
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def _file_that_asks(innermost: FrameType, root: str, collecting: bool) -> str:
    """The owner for the innermost module that is being imported; while collecting, else for any file."""
    first = ""
    frame: FrameType | None = innermost
    while frame is not None:
        if not collecting and frame.f_code.co_name != "<module>":
            frame = frame.f_back
            continue
        name = frame.f_globals.get("__name__", "")
        if not is_stdlib(frame.f_code.co_filename) and name.partition(".")[0] not in _RUNNERS:
            owner = _owner(frame.f_code.co_filename, root)
            if owner and frame.f_code.co_name == "<module>" and _is_imported(frame, collecting):
                return owner
            if collecting and not first and not owner.startswith("@"):
                first = owner
        frame = frame.f_back
    return first


def _is_imported(frame: FrameType, collecting: bool) -> bool:
    """Whether this module's own code runs because somebody imports it, and not as a script."""
    if frame.f_globals.get("__name__") in _SCRIPTS:
        return False
    spec = frame.f_globals.get("__spec__")
    # importlib says so while it loads a module. pytest's import mode "importlib" does without it.
    return collecting or bool(getattr(spec, "_initializing", False))


def _owner(filename: str, root: str) -> str:
    installed = installed_part(filename)
    if installed:
        return f"@installed/{installed}::{IMPORT}"
    if filename.startswith(root + os.sep):
        return f"{os.path.relpath(filename, root)}::{IMPORT}"
    return ""
