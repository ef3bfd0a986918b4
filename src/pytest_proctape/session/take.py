"""One spawn of a recording, from its start until it is an entry. :mod:`.record` keeps a list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..child import RecordingChild
from ..match import Asked
from ..tape import Entry
from .base import Phase


@dataclass
class Take:
    """One spawn of the recording: an entry to be, or one that was replayed and stays as it is.

    Attributes:
        shared: some of its effects may be those of a child that ran at the same time.
        unkept: what it did to files and can't be on a tape.
    """

    asked: Asked
    phase: Phase
    describe: Callable[[], Asked] | None = None
    child: RecordingChild | None = None
    entry: Entry | None = None
    shared: bool = False
    unkept: list[str] = field(default_factory=list)
