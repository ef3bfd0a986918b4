"""What is there to the end of a run is not gone through for garbage again and again."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def put_aside() -> None:
    """Import the rooms, and take them out of the collector's rounds, with pytest and its plugins.

    Nothing of the user's has been imported, so nothing of the user's is taken out: what a conftest file or a
    test makes is collected as ever. As Python ends all are put back, for it to end as it would without us.
    Where pytest is a part of another program, or somebody has frozen something, all stays as it is; so it
    does where a plugin has imported hypothesis.
    """
    # That asks the collector who keeps its source of chance; from 3.14 on what is frozen can't be the answer.
    asks = "hypothesis.core" in sys.modules
    if asks or not gc.isenabled() or gc.get_freeze_count() or not _is_all():
        return
    from .direct import directly

    with directly():
        from . import heed, run  # noqa: F401 - for what they import
    # Whoever asks for something later is asked first.
    atexit.register(gc.unfreeze)
    gc.freeze()


def _is_all() -> bool:
    """Whether the process is there for pytest alone, and for this run of it: its program has called it so.

    Pytest has no way to ask. Where it calls itself otherwise, nothing is put aside.
    """
    frame: FrameType | None = sys._getframe()
    # The nearest: a test may run pytest within pytest, whole or in parts.
    while frame is not None and frame.f_code.co_name != "_prepareconfig":
        frame = frame.f_back
    caller = ""
    while frame is not None and frame.f_globals.get("__name__") == "_pytest.config":
        caller = frame.f_code.co_name
        frame = frame.f_back
    return caller in {"console_main", "_console_main"}
