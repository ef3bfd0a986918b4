"""Files that commands make: watched while recording, put in their places on replay."""

from __future__ import annotations

from .apply import InTheWayError, apply
from .chance import LIMIT as MASKED_LIMIT
from .chance import masked
from .folders import OutsideError
from .roots import Roots, glob_regex
from .watch import FileIdentity, Watch, regular_files

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
