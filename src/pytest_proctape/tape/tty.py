"""The settings of a terminal in words, as stty(1) says them: ``-echo -icanon min 1 rows 24 columns 80``.

A tape has only what changes, so that a change is read as what it is. Pure; the child room asks a terminal and
tells one.
"""

from __future__ import annotations

import termios
from collections.abc import Iterator
from typing import Any

from ..frozen import Value

Settings = list[Any]
"""As from :func:`termios.tcgetattr`."""
Size = tuple[int, int, int, int]
"""Rows, columns, and both in pixels: ``struct winsize`` of ioctl_tty(2)."""

_FLAG_NAMES = (
    "IGNBRK BRKINT IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL",
    "OPOST OLCUC ONLCR OCRNL ONOCR ONLRET OFILL OFDEL",
    "CSTOPB CREAD PARENB PARODD HUPCL CLOCAL CRTSCTS",
    "ISIG ICANON ECHO ECHOE ECHOK ECHONL ECHOCTL ECHOPRT ECHOKE NOFLSH TOSTOP IEXTEN",
)
_REST = ("iflag", "oflag", "cflag", "lflag")
"""What has no name of its own, by the word that it is in; all of it, as a number."""
_SPEEDS = {"ispeed": 4, "ospeed": 5}
_SIZES = ("rows", "columns", "xpixel", "ypixel")
_COUNTS = frozenset({"min", "time"})
_CHARACTERS = "INTR QUIT ERASE KILL EOF TIME MIN START STOP SUSP EOL REPRINT DISCARD WERASE LNEXT EOL2"

_FLAGS: dict[str, tuple[int, int]] = {
    name.lower(): (word, bit)
    for word, names in enumerate(_FLAG_NAMES)
    for name in names.split()
    if (bit := getattr(termios, name, 0))
}
_NAMED = [sum(bit for at, bit in _FLAGS.values() if at == word) for word in range(len(_REST))]
_PLACES: dict[str, int] = {
    name.lower(): place
    for name in _CHARACTERS.split()
    if (place := getattr(termios, f"V{name}", None)) is not None
}
_CODES = 6
"""Where the characters are in the settings."""


class Terminal(Value):
    """How a terminal is set.

    Attributes:
        numbers: the four words of flags, and the two speeds.
        codes: of its special characters.
        size: of its window.
    """

    numbers: tuple[int, ...]
    codes: tuple[int, ...]
    size: Size

    @classmethod
    def of(cls, settings: Settings, size: Size) -> Terminal:
        """As the standard library gives it."""
        codes = (one if isinstance(one, int) else one[0] for one in settings[_CODES])
        return cls(tuple(settings[:_CODES]), tuple(codes), size)

    @property
    def settings(self) -> Settings:
        """As :func:`termios.tcsetattr` takes it."""
        return [*self.numbers, [bytes([one]) for one in self.codes]]


def words_between(before: Terminal, after: Terminal) -> str:
    """What has changed; ``""`` for nothing."""
    return " ".join(_words(before, after))


def _words(before: Terminal, after: Terminal) -> Iterator[str]:
    for name, (word, bit) in _FLAGS.items():
        if (before.numbers[word] ^ after.numbers[word]) & bit:
            yield name if after.numbers[word] & bit else f"-{name}"
    for word, name in enumerate(_REST):
        if (before.numbers[word] ^ after.numbers[word]) & ~_NAMED[word]:
            yield f"{name} {after.numbers[word] & ~_NAMED[word]}"
    for name, place in _SPEEDS.items():
        if before.numbers[place] != after.numbers[place]:
            yield f"{name} {after.numbers[place]}"
    for name, place in _PLACES.items():
        if before.codes[place] != after.codes[place]:
            yield f"{name} {_code_text(name, after.codes[place])}"
    yield from _size_words(before.size, after.size)


def _size_words(before: Size, after: Size) -> Iterator[str]:
    for name, one, other in zip(_SIZES, before, after, strict=True):
        if one != other:
            yield f"{name} {other}"


def _code_text(name: str, code: int) -> str:
    if name not in _COUNTS and (code < 0x20 or code == 0x7F):
        return f"^{chr(code ^ 0x40)}"
    return str(code)


def changed(before: Terminal, words: str) -> Terminal:
    """``before`` with what ``words`` say.

    Raises:
        ValueError: they are no settings.
    """
    numbers, codes, size = list(before.numbers), list(before.codes), list(before.size)
    rest = iter(words.split())
    for word in rest:
        if (flag := _FLAGS.get(word.removeprefix("-"))) is not None:
            at, bit = flag
            numbers[at] = numbers[at] & ~bit if word[0] == "-" else numbers[at] | bit
            continue
        value = next(rest, None)
        if value is None:
            raise ValueError(f"unknown setting {word!r}")
        if word in _PLACES:
            codes[_PLACES[word]] = _code_of(value)
        elif word in _REST:
            at = _REST.index(word)
            numbers[at] = numbers[at] & _NAMED[at] | _number(value, 1 << 32) & ~_NAMED[at]
        elif word in _SPEEDS:
            numbers[_SPEEDS[word]] = _number(value, 1 << 32)
        elif word in _SIZES:
            size[_SIZES.index(word)] = _number(value, 1 << 16)
        else:
            raise ValueError(f"unknown setting {word!r}")
    return Terminal(tuple(numbers), tuple(codes), (size[0], size[1], size[2], size[3]))


def _code_of(text: str) -> int:
    if len(text) == 2 and text[0] == "^" and text[1].isascii():
        return ord(text[1]) ^ 0x40
    return _number(text, 1 << 8)


def _number(text: str, limit: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < limit):
        raise ValueError(f"{text!r} can't be the value of a setting")
    return int(text)


_PLAIN = Terminal((0,) * _CODES, (0,) * 32, (0, 0, 0, 0))
"""Nothing is set."""


def size_text(size: Size) -> str:
    """The size in words; ``""`` for a window that has none."""
    return " ".join(_size_words(_PLAIN.size, size))


def check(words: str, *, size_only: bool = False) -> None:
    """Whether ``words`` are settings.

    Raises:
        ValueError: they are not.
    """
    changed(_PLAIN, words)
    if size_only and not {*words.split()[::2]} <= {*_SIZES}:
        raise ValueError(f"{words!r} has settings that are more than a size")
