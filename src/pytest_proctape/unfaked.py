"""The package goes on with the real files where a test has a file system in memory, by pyfakefs.

pyfakefs puts its own ``os``, ``io`` and ``pathlib`` into every module that has these, but for the modules
that it is told to leave alone. Commands see the real files, and so do the descriptors and tapes here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_FAKES = "pyfakefs.fake_filesystem_unittest"
_ROOMS = ("", "child", "clock", "effects", "intercept", "match", "portable", "session", "tape")
_LEFT_OUT = frozenset(
    {
        *("__main__", "cli", "wasi", "child.guarding"),
        # They bring in pydantic and asyncio.
        *("tape.schema", "tape.judge", "tape.misfit"),
        *("intercept.lanes", "intercept.looped", "intercept.pools"),
    }
)

OwnPath = type(Path())
"""What ``Path()`` makes: in Python 3.11 that looks for its own name in :mod:`pathlib`, and finds a fake."""


@contextmanager
def real_files() -> Iterator[None]:
    """For a while, there is no file system in memory, for anybody."""
    patcher: Any = getattr(sys.modules.get(_FAKES), "Patcher", None)
    active = None if patcher is None else patcher.PATCHER
    if active is None or not active.is_patching:
        yield
        return
    active.pause()
    try:
        yield
    finally:
        active.resume()


def keep_real_files() -> None:
    """Have pyfakefs leave all modules of the package alone, where somebody has imported it.

    They are imported for that: one that comes in while a file system is faked is faked as it comes.
    """
    fakes: Any = sys.modules.get(_FAKES)
    if fakes is None or sys.modules[__name__] in fakes.Patcher.SKIPMODULES:
        return
    patcher = fakes.Patcher
    with real_files():
        ours = _modules()
        patcher.SKIPMODULES |= ours
        # What it has seen it does not look at again.
        for seen in patcher.FS_MODULES.values():
            seen.difference_update([one for one in seen if one[0] in ours])
        for users in patcher.FS_FUNCTIONS.values():
            users -= ours


def pops_itself(finder: object) -> bool:
    """Whether this is the finder of pyfakefs, which takes itself out as the first that there is."""
    return type(finder).__module__ == _FAKES


def _modules() -> set[ModuleType]:
    """Those that there are, with all that a test may yet bring in."""
    package = __package__
    for room in _ROOMS:
        for file in Path(__file__).parent.joinpath(room).glob("*.py"):
            name = ".".join(filter(None, (room, file.stem)))
            if name not in _LEFT_OUT and file.stem != "__init__":
                importlib.import_module(f"{package}.{name}")
    return {module for name, module in sys.modules.items() if f"{name}.".startswith(f"{package}.")}
