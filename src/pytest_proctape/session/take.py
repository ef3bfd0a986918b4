"""One spawn of a recording, from its start until it is an entry. :mod:`.record` keeps a list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..child import RecordingChild
from ..match import Asked
from ..tape import Entry
from .base import Phase


@dataclass(slots=True)
class Take:
    """One spawn of the recording: an entry to be, or one that was replayed and stays as it is.

    Attributes:
        phase: of the test.
        describe: gives what was asked for, in the terms of the tape as far as they are known by then.
        child: that came of it.
        entry: of the tape, where it was replayed.
        shared: some of its effects may be those of a child that ran at the same time.
        unkept: what it did to files and can't be on a tape.
    """

    phase: Phase
    describe: Callable[[], Asked]
    child: RecordingChild | None = None
    entry: Entry | None = None
    shared: bool = False
    unkept: list[str] = field(default_factory=list)

    @property
    def asked(self) -> Asked:
        """What was asked for."""
        return self.describe()
