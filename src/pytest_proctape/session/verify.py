"""Verify: the real commands run, the test sees what they really do, and the tape is held against it.

The tape is read and never written.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..child import TABLE
from ..errors import UnredactableOutput
from ..tape import Script
from .bounds import recorded_limit
from .crossing import to_tape
from .drift import Finding, Heard, Normaliser, find_drift
from .record import RecordSession


class VerifySession(RecordSession):
    """Runs every spawn for real.

    Attributes:
        volatile: patterns of what differs in every run.
    """

    mode = "verify"
    volatile: Sequence[str] = ()

    def verify(self, *, complete: bool) -> list[Finding]:
        """End the run; what differs from the tape.

        Args:
            complete: the test ran to its end.

        Raises:
            TapeError: there is a tape, and it can't be read.
        """
        self.closed = True
        heard = []
        for take in self.takes:
            if take.child is not None:
                take.child.finish()
                TABLE.remove(take.child.pid)
                limit = next(iter(recorded_limit(take.child.warden).values()), "")
                heard.append(Heard(take.asked, self._in_terms_of_the_tape(take.child.script()), limit))
        self.end_children()
        if self.tape is None:
            if not heard:
                return []
            told = f"there is no tape to hold {len(heard)} spawns against"
            return [Finding("skipped", 0, "", "tape", "", told)]
        return find_drift(
            self.entries, heard, self.store.decode, Normaliser(self.volatile), complete=complete
        )

    def _in_terms_of_the_tape(self, heard: Script) -> Script:
        try:
            return to_tape(heard, self.places)
        except UnredactableOutput:
            # Nothing of it is kept here, so it may be looked at as it is.
            return heard
