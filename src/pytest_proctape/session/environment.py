"""The environment of a spawn in the terms of the tape; what is not looked at costs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping


class Environment(Mapping[str, str]):
    """What a spawn was given, with placeholders for what belongs to this machine.

    It is read while the spawn is answered; the test's own environment may change afterwards.
    """

    def __init__(self, given: Mapping[str, str] | None, text: Callable[[str, str], str]) -> None:
        """Look at an environment.

        Args:
            given: the child's; ``None`` for the test's own.
            text: puts placeholders into the value of a variable.
        """
        self._given = os.environ if given is None else given
        self._text = text

    def __getitem__(self, name: str) -> str:
        return self._text(name, self._given[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)
