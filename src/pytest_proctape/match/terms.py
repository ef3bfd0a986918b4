"""On what terms spawns and entries are held against each other: fields, order, a matcher of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..errors import HookError
from ..frozen import Value
from ..tape import Entry
from .compare import FIELDS, Asked, Difference, differences

Order = Literal["strict", "any"]

Judge = Callable[[Asked, Entry, tuple[Difference, ...]], bool | None]
"""Says whether a spawn is an entry, given how they differ; ``None`` leaves it to the differences."""


class Terms(Value):
    """The terms of one test.

    Attributes:
        on: the fields that count: some of program, args, cwd, env, stdin and inputs.
        order: ``"strict"`` for that of the tape, ``"any"`` for whatever the test's is.
        judges: are asked in turn, and the first answer that is not ``None`` holds.
    """

    on: frozenset[str] = frozenset((*FIELDS, "stdin"))
    order: Order = "strict"
    judges: tuple[Judge, ...] = ()

    def differences(self, asked: Asked, entry: Entry) -> tuple[Difference, ...]:
        """What keeps ``asked`` from being ``entry``; nothing when it matches."""
        found = differences(asked, entry, self.on)
        for judge in self.judges:
            verdict = judge(asked, entry, found)
            if verdict is not None:
                return () if verdict else found or (Difference("matcher", "(a match)", "(no match)"),)
        return found


def checked(matcher: Judge) -> Judge:
    """A matcher of a test's own as a judge: whatever it does wrong is a :class:`~..errors.HookError`."""

    def judge(asked: Asked, entry: Entry, found: tuple[Difference, ...]) -> bool | None:
        name = getattr(matcher, "__qualname__", repr(matcher))
        try:
            verdict: object = matcher(asked, entry, found)
        except Exception as error:
            wrong = HookError("tape.matcher", name, f"raised {type(error).__name__}: {error}")
            # Its own frames are the ones worth seeing.
            raise wrong.with_traceback(error.__traceback__) from None
        if verdict is None or isinstance(verdict, bool):
            return verdict
        raise HookError("tape.matcher", name, f"gave {verdict!r:.80}, which is neither a bool nor None")

    return judge
