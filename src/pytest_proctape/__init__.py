"""Record the processes a test starts once, and replay them from then on with no process at all.

The names below are loaded when they are first used, so that having the plugin installed costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .clock import TapeClock
    from .errors import (
        Divergence,
        Drift,
        EffectFailed,
        EffectsLimitExceeded,
        Exhaustion,
        HookError,
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
        UnredactableOutput,
        UnsupportedSpawn,
        UsageError,
        WasiError,
    )
    from .handle import TapeHandle
    from .marker import taped
    from .match import Asked, Difference
    from .session import TapedChild, TapedSpawn
    from .tape import Entry, Tape
    from .tape_config import TapeConfig
    from .use import use_tape

_HOMES = {
    "Asked": ".match",
    "Difference": ".match",
    "Entry": ".tape",
    "Tape": ".tape",
    "TapeHandle": ".handle",
    "TapeClock": ".clock",
    "TapeConfig": ".tape_config",
    "TapedChild": ".session",
    "TapedSpawn": ".session",
    "taped": ".marker",
    "use_tape": ".use",
}
"""Where a name comes from, if it is no error's."""

__all__ = [
    "Asked",
    "Difference",
    "Divergence",
    "Drift",
    "EffectFailed",
    "EffectsLimitExceeded",
    "Entry",
    "Exhaustion",
    "HookError",
    "Leftover",
    "OutputLimitExceeded",
    "ProctapeError",
    "RecordError",
    "ReplayError",
    "SpawnTimeout",
    "Tape",
    "TapeClock",
    "TapeConfig",
    "TapeCorrupt",
    "TapeError",
    "TapeHandle",
    "TapeNotFound",
    "TapeVersionError",
    "TapeWriteError",
    "TapedChild",
    "TapedSpawn",
    "TooManyChildren",
    "UnredactableOutput",
    "UnsupportedSpawn",
    "UsageError",
    "WasiError",
    "__version__",
    "taped",
    "use_tape",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, ".errors"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
