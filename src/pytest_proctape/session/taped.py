"""A session that has a tape to look at: the tape, the cursor on it, and how the two are told to differ."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from ..child import Stalled, WrongCause
from ..clock import EPOCH_NS
from ..errors import (
    Divergence,
    EffectFailed,
    Exhaustion,
    HookError,
    ReplayError,
    TapeCorrupt,
    TapeError,
)
from ..frozen import Value
from ..match import Asked, Difference, Judge, Near, checked, nearest
from ..tape import Entry, Script, Tape
from . import report
from .another_order import order_notes
from .base import Session
from .causes import told_difference
from .crossing import load_names
from .cursor import AnyCursor, Cursor
from .drawn_examples import notes_on_examples
from .drawn_input import notes_on_input
from .files import REFUSED
from .inputs import notes_on_inputs
from .random_names import notes_on
from .signals import RecordedSignals

_ANOTHER = "the test asked for something else than the tape has next"
_UNKNOWN = "the test asked for something that the tape does not have"
_MORE = "the test asked for more than the tape has"
_SENT = "the test sent something else than the tape has"
_SENT_UNSAID = "the test sent something else than it said itself"
_STALLED = "the child waits for something that the test does not do"
CLEAR = 3
"""Differences up to which an entry is one that may have been meant."""
_R = TypeVar("_R", bound=ReplayError)


class Part(Value):
    """What a child plays.

    Attributes:
        script: its steps.
        index: of the entry on the tape; ``None`` for what the test said itself.
        entry: for reports.
        lenient: no output can be missing.
        said: where the test said it, if it did.
        retold: gives the script anew, once the parent has said a name that it has.
    """

    script: Script
    index: int | None
    entry: Entry
    lenient: bool = False
    said: str = ""
    retold: Callable[[], Script] | None = None


class Taped(Session):
    """What replaying needs to know: the tape, what has been consumed, on what terms spawns are compared."""

    def _begin(self) -> None:
        super()._begin()
        self._tape: Tape | None = None
        self._cursor: Cursor | None = None
        self._matcher: Judge | None = None
        self._plain_terms = self.terms

    @property
    def tape(self) -> Tape | None:
        """The tape, read when it is first needed; ``None`` if there is none.

        Raises:
            TapeError: it is there and can't be read.
            HookError: a hook that was told of it failed.
        """
        if self._tape is None:
            found = self.store.find(self.owner)
            if found is not None:
                self.path, tape = found
                load_names(self.places, tape.names)
                self._tape = self.hooks.loaded(tape, self.path)
        return self._tape

    @property
    def entry_count(self) -> int:
        """How many entries the tape had when it was first needed; 0 where it was not."""
        return 0 if self._tape is None else len(self._tape.entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The tape's entries; none if there is no tape."""
        return () if self.tape is None else self.tape.entries

    @property
    def clock_start_ns(self) -> int:
        """Where a clock of the test starts: with the recording, at a fixed time where there is none.

        Raises:
            TapeError, HookError: as :attr:`recorded_ns`.
        """
        recorded_ns = self.recorded_ns
        return EPOCH_NS if recorded_ns is None else recorded_ns

    @property
    def recorded_ns(self) -> int | None:
        """When the tape was recorded, nanoseconds since 1970; ``None`` if there is none, or not known.

        Raises:
            TapeError: the tape can't be read, or doesn't say when it was recorded.
            HookError: as for :attr:`tape`.
        """
        recorded = None if self.tape is None else self.tape.recorded
        if recorded is None:
            return None
        try:
            at = datetime.fromisoformat(recorded.at)
        except ValueError:
            at = datetime.min
        if at.tzinfo is None:
            raise TapeCorrupt(
                self.path,
                f"not a time: {recorded.at!r}",
                place="recorded.at",
                expected="UTC, as in 2026-11-20T14:00:00Z",
                next_step=f"mend the file, or record it again: {self.record_command}",
            )
        return int(at.timestamp()) * 10**9

    @cached_property
    def recorded_signals(self) -> RecordedSignals:
        """What came of signals to processes that are no children.

        Raises:
            TapeError, HookError: as for :attr:`tape`.
        """
        return RecordedSignals(None if self.tape is None else self.tape.signals)

    @property
    def matcher(self) -> Judge | None:
        """The matcher of the test's own."""
        return self._matcher

    @matcher.setter
    def matcher(self, matcher: Judge | None) -> None:
        with self._lock:
            self._matcher = matcher
            own = () if matcher is None else (checked(matcher),)
            self.terms = self._plain_terms.but(judges=(*own, *self._plain_terms.judges))
            if self._cursor is not None:
                self._cursor.renew(self.terms)

    @property
    def cursor(self) -> Cursor:
        """What has been consumed.

        Raises:
            TapeError, HookError: as for :attr:`tape`.
        """
        if self._cursor is None:
            self._cursor = self._new_cursor()
        return self._cursor

    def _new_cursor(self) -> Cursor:
        kind = AnyCursor if self.terms.order == "any" else Cursor
        return kind(self.entries, self.terms)

    @contextmanager
    def latching(self) -> Iterator[None]:
        """Keep what goes wrong with the tape itself, or in a hook, however the test takes it."""
        try:
            yield
        except TapeError as error:
            raise self.latch(error) from None
        except HookError as error:
            self.latch(error)
            raise

    # -- errors --------------------------------------------------------------------------------

    def divergence(
        self, asked: Asked, place: str, wrong: Sequence[Difference], index: int | None
    ) -> Divergence:
        """The entry that was due is not what was asked for; without an index, none is near it."""
        near = self._near(asked, -1 if index is None else index)
        return self._error(
            Divergence,
            _UNKNOWN if self.terms.order == "any" else _ANOTHER,
            asked,
            place,
            expected=None if index is None else (index, self.entries[index]),
            wrong=wrong,
            near=near,
            notes=self._order_notes(wrong, near) or notes_on_inputs(wrong) or notes_on(wrong),
        )

    def exhaustion(self, asked: Asked, place: str) -> Exhaustion:
        """There is no entry left, or none of this command."""
        compare = self.terms.differences
        unordered = self.terms.order == "any"
        same = sum(not compare(asked, entry) for entry in self.entries) if unordered else 0
        notes = []
        if same:
            times = "once" if same == 1 else f"{same} times"
            notes = [f"the tape has this command {times}, and the test asks for it {_ordinal(same + 1)} time"]
        near = [] if same else self._near(asked, len(self.entries))
        return self._error(Exhaustion, _MORE, asked, place, near=near, notes=notes)

    def _near(self, asked: Asked, index: int) -> list[Near]:
        consumed = self.cursor.consumed
        near = nearest(asked, self.entries, index, on=self.terms.on, consumed=consumed, limit=6)
        if self.terms.order == "any":
            # What has been replayed is not what was meant.
            near.sort(key=lambda one: one.consumed)
        # With the same program and nothing else in common it says nothing.
        return [one for one in near if len(one.differences) <= CLEAR][:3]

    def _order_notes(self, wrong: Sequence[Difference], near: Sequence[Near]) -> tuple[str, ...]:
        strict = self.terms.order == "strict" and self.cursor.strict
        return order_notes(wrong, near if strict else (), threads=len(self.threads) > 1)

    def wrong_cause(
        self, asked: Asked, number: int, place: str, part: Part, wrong: WrongCause | Stalled
    ) -> Divergence:
        """A child got another cause than the one that it plays has."""
        sent = isinstance(wrong, WrongCause)
        told = (told_difference(wrong),)
        if part.index is None:
            headline = _SENT_UNSAID if sent else _STALLED
            return self._error(
                Divergence,
                headline,
                asked,
                place,
                wrong=told,
                number=number,
                notes=[part.said],
                of_tape=False,
            )
        return self._error(
            Divergence,
            _SENT if sent else _STALLED,
            asked,
            place,
            expected=(part.index, part.entry),
            wrong=told,
            number=number,
            notes=notes_on_input(told),
        )

    def _without_secrets(self, asked: Asked) -> Asked:
        """A report is read by more people than the environment; what the test set in it is looked for now."""
        hide = self.places.redact_text
        for environment in (os.environ, self.places.environment or {}):
            self.places.secrets.learn(environment)
        argv0 = asked.argv0 and hide(asked.argv0)
        return asked.but(
            program=hide(asked.program), args=tuple(hide(one) for one in asked.args), argv0=argv0
        )

    def effect_error(
        self, asked: Asked, number: int, place: str, part: Part, headline: str, wrong: Difference
    ) -> ReplayError:
        """A file that a command had made could not be put in its place."""
        kind: type[ReplayError] = EffectFailed if headline == REFUSED else Divergence
        expected = None if part.index is None else (part.index, part.entry)
        return self._error(kind, headline, asked, place, expected=expected, wrong=(wrong,), number=number)

    def _error(
        self,
        kind: type[_R],
        headline: str,
        asked: Asked,
        place: str,
        *,
        expected: tuple[int, Entry] | None = None,
        wrong: Sequence[Difference] = (),
        near: Sequence[Near] = (),
        notes: Sequence[str] = (),
        number: int | None = None,
        of_tape: bool = True,
    ) -> _R:
        asked = self._without_secrets(asked)
        hide = self.places.redact_text
        wrong = [
            one.but(expected=one.expected and hide(one.expected), actual=one.actual and hide(one.actual))
            for one in wrong
        ]
        next_step = self.record_command if of_tape else ""
        text = report.build(
            headline=headline,
            tape=self.shown_path if of_tape else "",
            count=len(self.entries) if of_tape else 0,
            number=number or self.tally_so_far() + 1,
            asked=asked,
            place=place,
            expected=expected,
            differences=wrong,
            near=near,
            notes=notes_on_examples() or notes,
            next_step=next_step,
        )
        return kind(
            headline,
            report=text,
            spawn=asked,
            near=near,
            differences=wrong,
            place=place,
            next_step=next_step,
        )


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"a {number}{suffix}"
