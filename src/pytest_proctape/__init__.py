"""Record the processes a test starts once, and replay them from then on with no process at all.

The names below are loaded when they are first used, so that having the plugin installed costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .errors import (
        Divergence,
        Drift,
        Exhaustion,
        Leftover,
        OutputLimitExceeded,
        ProctapeError,
        RecordError,
        ReplayError,
        SpawnTimeout,
        TapeCorrupt,
        TapeError,
        TapeNotFound,
        TapeVersionError,
        TapeWriteError,
        TooManyChildren,
        UnsupportedSpawn,
        UsageError,
    )
    from .handle import TapeHandle
    from .session import TapedChild, TapedSpawn

_HOMES = {
    "TapeHandle": ".handle",
    "TapedChild": ".session",
    "TapedSpawn": ".session",
    **dict.fromkeys(
        (
            "Divergence",
            "Drift",
            "Exhaustion",
            "Leftover",
            "OutputLimitExceeded",
            "ProctapeError",
            "RecordError",
            "ReplayError",
            "SpawnTimeout",
            "TapeCorrupt",
            "TapeError",
            "TapeNotFound",
            "TapeVersionError",
            "TapeWriteError",
            "TooManyChildren",
            "UnsupportedSpawn",
            "UsageError",
        ),
        ".errors",
    ),
}

__all__ = [
    "Divergence",
    "Drift",
    "Exhaustion",
    "Leftover",
    "OutputLimitExceeded",
    "ProctapeError",
    "RecordError",
    "ReplayError",
    "SpawnTimeout",
    "TapeCorrupt",
    "TapeError",
    "TapeHandle",
    "TapeNotFound",
    "TapeVersionError",
    "TapeWriteError",
    "TapedChild",
    "TapedSpawn",
    "TooManyChildren",
    "UnsupportedSpawn",
    "UsageError",
    "__version__",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
