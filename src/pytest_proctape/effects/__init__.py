"""Files that commands make: watched while recording, put in their places on replay.

The names below are loaded when they are first used: most tapes have no effects on files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .applying import InTheWayError, apply
    from .chance import MASKED_LIMIT, masked
    from .folders import OutsideError
    from .roots import Roots, glob_regex
    from .watch import FileIdentity, Watch, regular_files

_HOMES = {
    "FileIdentity": "watch",
    "InTheWayError": "applying",
    "MASKED_LIMIT": "chance",
    "OutsideError": "folders",
    "Roots": "roots",
    "Watch": "watch",
    "apply": "applying",
    "glob_regex": "roots",
    "masked": "chance",
    "regular_files": "watch",
}

__all__ = [
    "MASKED_LIMIT",
    "FileIdentity",
    "InTheWayError",
    "OutsideError",
    "Roots",
    "Watch",
    "apply",
    "glob_regex",
    "masked",
    "regular_files",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
