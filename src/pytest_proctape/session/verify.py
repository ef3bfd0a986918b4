"""Verify: the real commands run, the test sees what they really do, and the tape is held against it.

The tape is read and never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..child import TABLE, Started, Wiring
from ..errors import UnredactableOutput
from ..match import Asked
from ..tape import FileEffect, Script, Spawn, file_effect_of, script
from .bounds import recorded_limit
from .crossing import to_tape
from .recorders import RecordSession

if TYPE_CHECKING:
    from .drift import Finding


class VerifySession(RecordSession):
    """Runs every spawn for real.

    Attributes:
        volatile: patterns of what differs in every run.
    """

    mode = "verify"
    volatile: Sequence[str] = ()

    def _begin(self) -> None:
        super()._begin()
        self._answered_over: list[Asked] = []

    def answered(self, spawn: Spawn, asked: Asked, wiring: Wiring) -> Started | None:
        """As for every player; what is answered in an entry's place is not missing."""
        overrides = self.answers.overriding
        started = super().answered(spawn, asked, wiring)
        if self.answers.overriding > overrides:
            self._answered_over.append(asked)
        return started

    def abort(self) -> None:
        """See :meth:`.Session.abort`."""
        self.closed = True
        for take in self.takes:
            if take.child is not None:
                take.child.finish()
                TABLE.remove(take.child.pid)
        if self._watch is not None:
            self._watch.end()
        super().abort()

    def verify(self, *, complete: bool) -> list[Finding]:
        """End the run; what differs from the tape.

        Args:
            complete: the test ran to its end.

        Raises:
            TapeError: there is a tape, and it can't be read.
        """
        # Every run loads this class, and few of them verify.
        from .drift import Finding, Heard, find_drift
        from .sides import Normaliser

        self.closed = True
        heard = []
        for take in self.takes:
            if take.child is not None:
                take.child.finish()
                TABLE.remove(take.child.pid)
                limit = next(iter(recorded_limit(take.child.warden).values()), "")
                told = self._in_terms_of_the_tape(take.child.script())
                asked = take.asked.but(inputs=None)
                heard.append(Heard(asked, told, limit, self._watch is not None, take.shared))
        self.end_children()
        if self._watch is not None:
            self._watch.end()
        if self.tape is None:
            if not heard:
                return []
            told_now = f"there is no tape to hold {len(heard)} spawns against"
            return [Finding("skipped", 0, "", "tape", "", told_now)]
        hook = self.hooks.normalise if self.hooks.has("normalise") else None
        return find_drift(
            self.entries,
            heard,
            self.store.decode,
            Normaliser(self.volatile, hook),
            complete=complete,
            on=self.terms.on,
            overridden=self._answered_over,
        )

    def _in_terms_of_the_tape(self, heard: Script) -> Script:
        steps = tuple(
            step.but(files=tuple(self._taped(file, heard.began_ns) for file in step.files))
            if isinstance(step, script.Effects)
            else step
            for step in heard.steps
        )
        heard = heard.but(steps=steps)
        try:
            return to_tape(heard, self.places)
        except UnredactableOutput:
            # Nothing of it is kept here, so it may be looked at as it is.
            return heard

    def _taped(self, file: FileEffect, began_ns: int) -> FileEffect:
        """As it would be on a tape; its content is kept nowhere."""
        files = self.files
        assert files is not None
        effect = files.encode(file, began_ns)
        return file_effect_of(effect, began_ns, lambda one: files.read(one.file or ""), str)
