"""What a test itself says of a command: answers that it adds, and recorded ones that it overrides.

The handle of the ``tape`` fixture makes them, and the player looks here before it looks at the tape.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from types import EllipsisType

from ..errors import UsageError
from ..match import Asked, differences
from ..tape import (
    AnyArgs,
    Anything,
    Arg,
    Argument,
    Entry,
    encode_argument,
)
from .base import Phase
from .said import Said

_ON = ("program", "args", "cwd")
Word = str | bytes | os.PathLike[str] | EllipsisType
"""A word of a command; ``...`` stands for any number of arguments, also none."""


class Answer:
    """One thing that the test said.

    Attributes:
        entry: the command that it is about; only that.
        said: what the command does.
        overrides: what the tape has for the spawn is consumed, and supplies what is not said.
        times: how many spawns it answers; ``None`` for any number.
        phase: in which part of the test it was said.
        place: where in the test.
        served: how many it has answered.
    """

    def __init__(
        self, entry: Entry, said: Said, overrides: bool, times: int | None, phase: Phase, place: str
    ) -> None:
        """One that has answered nothing yet."""
        self.entry = entry
        self.said = said
        self.overrides = overrides
        self.times = times
        self.phase = phase
        self.place = place
        self.served = 0

    @property
    def owing(self) -> bool:
        """It was made for more spawns than there were."""
        return self.times is not None and self.served < self.times


class Answers:
    """Those of one test, in the order in which they were said.

    Attributes:
        all: what was said.
    """

    def __init__(self) -> None:
        self.all: list[Answer] = []

    def add(self, answer: Answer) -> None:
        """The test said something."""
        self.all.append(answer)

    def find(self, asked: Asked) -> Answer | None:
        """The first one that is about this spawn and has not answered all that it was made for."""
        for answer in self.all:
            if (answer.times is None or answer.owing) and not differences(asked, answer.entry, _ON):
                return answer
        return None

    def owing(self, phases: Sequence[Phase]) -> Iterator[Answer]:
        """Those that were said in these phases and had less to answer than they were made for."""
        return (answer for answer in self.all if answer.owing and answer.phase in phases)

    @property
    def overriding(self) -> int:
        """How many spawns have been answered in the place of an entry."""
        return sum(answer.served for answer in self.all if answer.overrides)

    def __bool__(self) -> bool:
        return bool(self.all)


def entry_for(
    program: Word | None,
    args: Sequence[Word] | None,
    cwd: str | os.PathLike[str] | None,
    text: Callable[[str], str],
) -> Entry:
    """An entry that stands for the spawns that a test means; ``...`` is any number of arguments.

    Args:
        program: ``None`` or ``...`` for any.
        args: ``None`` for any.
        cwd: ``None`` for any.
        text: puts placeholders into a word.

    Raises:
        UsageError: something else is among the words.
    """
    words: tuple[Arg, ...] = (AnyArgs(any_args=True),)
    if args is not None:
        if isinstance(args, str | bytes):
            raise UsageError(f"args is a list of words, not {args!r}")
        words = tuple(AnyArgs(any_args=True) if one is ... else _word(one, text) for one in args)
    return Entry(
        program=Anything(any=True) if program is None or program is ... else _word(program, text),
        args=words,
        cwd=None if cwd is None else _word(os.path.abspath(cwd), text),
    )


def _word(word: object, text: Callable[[str], str]) -> Argument:
    if not isinstance(word, str | bytes | os.PathLike):
        raise UsageError(f"a command is a list of words (text, bytes or paths) and `...`, without {word!r}")
    return encode_argument(text(os.fsdecode(word)))
