"""Names that differ from run to run: captured while recording, bound on replay when the parent says them.

A tape has ``<port:1>``, ``<port:2>`` in the order in which they turn up, and beside them the values they had
in the recording. Those are shown as long as the test has not said its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .machine import MKTEMP, TEMP_NAME
from .rules import Capture
from .tokens import Span, Token, written


class CapturedNames:
    """The captured values of one tape."""

    def __init__(self, captures: tuple[Capture, ...]) -> None:
        """For these patterns."""
        self._captures = captures
        self._recorded: dict[str, bytes] = {}
        self._bound: dict[str, bytes] = {}
        self._numbers: dict[tuple[str, bytes], int] = {}

    def fresh(self) -> CapturedNames:
        """The same patterns, and nothing captured."""
        return CapturedNames(self._captures)

    def also(self, capture: Capture) -> None:
        """Look for one more pattern; it takes the place of an older one of its name."""
        self._captures = (*(one for one in self._captures if one.name != capture.name), capture)

    @property
    def are_paths(self) -> bool:
        """Whether all that is looked for has a slash before it; what else the user wants, nobody knows."""
        return all(one.name in (MKTEMP, TEMP_NAME) for one in self._captures)

    @property
    def recorded(self) -> dict[str, bytes]:
        """The values of the recording, by name and number: ``"port:1"``."""
        return dict(self._recorded)

    def load(self, recorded: Mapping[str, bytes]) -> None:
        """Take up what a tape knows."""
        for key, value in recorded.items():
            name, _, number = key.partition(":")
            self._recorded.setdefault(key, value)
            if number.isdecimal():
                self._numbers.setdefault((name, value), int(number))

    def are_in(self, data: bytes) -> bool:
        """Whether there may be any in ``data``."""
        return any(one.may_be_in(data) for one in self._captures)

    def spans(self, data: bytes) -> Iterator[Span]:
        """Every captured value in ``data``; a new one gets the next number."""
        for start, end, name, value in self.found(data):
            yield Span(start, end, written(name, self._number(name, value)))

    def found(self, data: bytes) -> Iterator[tuple[int, int, str, bytes]]:
        """Where in ``data`` there is a value, of which name, and which."""
        found = [
            (match.span(one.group), one.name, match[one.group])
            for one in self._captures
            for match in one.matches(data)
            if match[one.group] and _is_text(match[one.group])
        ]
        if not found:
            return
        end = 0
        for span, name, value in sorted(found, key=lambda item: (item[0][0], -item[0][1])):
            if span[0] >= end:
                end = span[1]
                yield *span, name, value

    def _number(self, name: str, value: bytes) -> int:
        number = self._numbers.get((name, value))
        if number is None:
            taken = [known for (kind, _), known in self._numbers.items() if kind == name]
            number = self._numbers[name, value] = max(taken, default=0) + 1
            self._recorded[f"{name}:{number}"] = value
        return number

    def value_of(self, token: Token) -> bytes | None:
        """What the parent has said, or else what the recording had."""
        key = f"{token.name}:{token.number}"
        return self._bound.get(key, self._recorded.get(key))

    def is_bound(self, token: Token) -> bool:
        """Whether the parent has said it."""
        return f"{token.name}:{token.number}" in self._bound

    def is_taken(self, value: bytes) -> bool:
        """Whether the parent has said ``value``, for any name."""
        return value in self._bound.values()

    def bind(self, filled: Mapping[Token, bytes]) -> None:
        """The parent has said these."""
        for token, value in filled.items():
            if token.number:
                self._bound.setdefault(f"{token.name}:{token.number}", value)
                self._numbers[token.name, value] = token.number

    def fits(self, token: Token, value: bytes) -> bool:
        """Whether ``value`` can be one of this name."""
        captures = [one for one in self._captures if one.name == token.name]
        return not captures or any(one.fits(value) for one in captures)


def _is_text(value: bytes) -> bool:
    """Whether a tape can say what it was."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
