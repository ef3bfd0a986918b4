"""One spawn of a recording, from its start until it is an entry. :mod:`.record` keeps a list of them."""

from __future__ import annotations

from collections.abc import Callable

from ..child import RecordingChild
from ..match import Asked
from ..tape import Entry
from .base import Phase
from .inputs import Given


class Take:
    """One spawn of the recording: an entry to be, or one that was replayed and stays as it is.

    Attributes:
        phase: of the test.
        describe: gives what was asked for, in the terms of the tape as far as they are known by then.
        child: that came of it.
        entry: of the tape, where it was replayed.
        shared: some of its effects may be those of a child that ran at the same time.
        unkept: what it did to files and can't be on a tape.
        inputs: the files that it was given.
    """

    __slots__ = ("child", "describe", "entry", "inputs", "phase", "shared", "unkept")

    def __init__(self, phase: Phase, describe: Callable[[], Asked], entry: Entry | None = None) -> None:
        """One that has no child yet."""
        self.phase = phase
        self.describe = describe
        self.child: RecordingChild | None = None
        self.entry = entry
        self.shared = False
        self.unkept: list[str] = []
        self.inputs: tuple[Given, ...] = ()

    @property
    def asked(self) -> Asked:
        """What was asked for."""
        return self.describe()

    def settle(self) -> Asked:
        """What was asked for, from now on without asking: all is known, and who described it may go."""
        asked = self.describe()
        self.describe = lambda: asked
        return asked
