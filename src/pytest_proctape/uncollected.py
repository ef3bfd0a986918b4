"""No look for garbage while very many objects are made that all stay: a large tape, or our modules."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected(*, for_good: bool = False) -> Iterator[None]:
    """Around the making of them: looking for garbage among them takes longest.

    Args:
        for_good: they stay as long as the process, so they are as old as anything from the beginning.
            Else the next two looks would go through all of them.
    """
    if not gc.isenabled():
        yield
        return
    before = gc.get_count()[0]
    try:
        # Inside: an interrupt may come as it returns.
        gc.disable()
        yield
        # Where little was made, as by an import of what is there already, nothing is to be spared.
        if for_good and gc.get_count()[0] - before > gc.get_threshold()[0]:
            make_old()
    finally:
        gc.enable()


def make_old() -> None:
    """What there is stays, most of it: the collector need not go through it before it goes through all.

    What somebody else has frozen stays so; it is counted one by one, a tenth of a second for millions.
    """
    if not gc.get_freeze_count():
        try:
            gc.freeze()
        finally:
            gc.unfreeze()
