"""Files that commands make: watched while recording, put in their places on replay.

The names below are loaded when they are first used: most tapes have no effects on files.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .applying import InTheWayError, apply
    from .chance import MASKED_LIMIT, masked
    from .contents import regular
    from .folders import OutsideError
    from .roots import Roots, glob_regex
    from .shutting import shut_kept
    from .temporary import follow, follow_no_more
    from .watch import FileIdentity, Watch, regular_files
    from .written import WRITTEN, being_written

_HOMES = {
    "FileIdentity": "watch",
    "InTheWayError": "applying",
    "MASKED_LIMIT": "chance",
    "OutsideError": "folders",
    "Roots": "roots",
    "WRITTEN": "written",
    "Watch": "watch",
    "apply": "applying",
    "being_written": "written",
    "follow": "temporary",
    "follow_no_more": "temporary",
    "glob_regex": "roots",
    "masked": "chance",
    "regular": "contents",
    "regular_files": "watch",
    "shut_kept": "shutting",
}

__all__ = [
    "MASKED_LIMIT",
    "WRITTEN",
    "FileIdentity",
    "InTheWayError",
    "OutsideError",
    "Roots",
    "Watch",
    "apply",
    "being_written",
    "follow",
    "follow_no_more",
    "glob_regex",
    "masked",
    "regular",
    "regular_files",
    "shut_kept",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_module(f".{home}", __name__)
    # What has come with it is taken with it: pytester forgets modules that were loaded meanwhile, and the
    # classes of another load would be others.
    for other, its_home in _HOMES.items():
        module = sys.modules.get(f"{__name__}.{its_home}")
        if module is not None and other in vars(module):
            globals().setdefault(other, vars(module)[other])
    return globals()[name]
