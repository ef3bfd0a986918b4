"""Where a subcommand writes: :class:`Screen` knows colour, width, JSON, and what no terminal may get."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from typing import Literal, TextIO

from ..errors import ProctapeError

FINE, FOUND, USAGE = 0, 1, 2
"""The exit codes."""

Style = Literal["bold", "dim", "red", "green", "yellow", "blue"]
_LONGEST_LINE = 1000
_CODES: dict[Style, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
}


@dataclass(slots=True)
class Screen:
    """The two streams of the process.

    Attributes:
        width: columns of the terminal; ``None`` where the output is none.
        errors_told: how many errors :meth:`error` was given.
    """

    stream: TextIO
    error_stream: TextIO
    colour: bool
    width: int | None
    errors_told: int = 0

    @classmethod
    def of(cls, stream: TextIO, error_stream: TextIO, choice: str) -> Screen:
        """A screen for these streams; ``choice`` is auto, always or never."""
        for one in (stream, error_stream):
            if isinstance(one, io.TextIOWrapper):
                # A terminal of another encoding shows escapes.
                one.reconfigure(errors="backslashreplace")
        return cls(stream, error_stream, _wants_colour(stream, choice), _width(stream))

    def line(self, text: str = "") -> None:
        """One line."""
        print(text, file=self.stream)

    def paint(self, text: str, *styles: Style) -> str:
        """``text`` in these styles, where there is colour."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def cut(self, text: str, used: int = 0) -> str:
        """As much of ``text`` as fits behind ``used`` columns; without columns, as a long line may have."""
        room = max((self.width or _LONGEST_LINE) - used, 8)
        return text if len(text) <= room else text[: room - 3] + "..."

    def json(self, document: object) -> None:
        """``document`` as JSON. It is ASCII, so it can't steer a terminal."""
        self.line(json.dumps(document, indent=2))

    def error(self, error: ProctapeError) -> None:
        """An error, in its own words, on the error stream. The exit code will tell of it, too."""
        self.errors_told += 1
        first, *rest = (visible(line) for line in str(error).split("\n"))
        self.stream.flush()
        print("\n".join([f"proctape: {first}", *rest]), file=self.error_stream)

    def remark(self, text: str) -> None:
        """A line beside the output."""
        self.stream.flush()
        print(f"proctape: {text}", file=self.error_stream)


def visible(text: str) -> str:
    """``text`` with escapes for what does not show or would steer the terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def windows(a: str, b: str, width: int) -> tuple[str, str]:
    """Two texts that differ, both cut to where they begin to where one is longer than ``width``."""
    if max(len(a), len(b)) <= width:
        return a, b
    pairs = zip(a, b, strict=False)
    same = next((i for i, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))
    around = max(width - 30, 20) // 2
    start = max(same - around, 0)
    cut = []
    for one in (a, b):
        before, behind = "..." if start else "", "..." if same + around < len(one) else ""
        cut.append(f"{before}{one[start : same + around]}{behind} (at character {same + 1:,})")
    return cut[0], cut[1]


def counted(number: int, what: str) -> str:
    """``1 entry``, ``2 entries``."""
    if number == 1:
        return f"1 {what}"
    return f"{number:,} {what[:-1]}ies" if what.endswith("y") else f"{number:,} {what}s"


def size_text(size: int) -> str:
    """``512 B``, ``1.5 kB``, ``12 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            break
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def duration_text(ms: float) -> str:
    """``4.03 ms``, ``1.50 s``, ``2 min 5 s``."""
    if ms < 1000:
        return f"{ms:.3g} ms" if ms < 100 else f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.3g} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes:,} min {seconds} s"


def age_text(seconds: float) -> str:
    """``3 days``, ``5 hours``, in the largest unit that fits."""
    for unit, length in (("year", 31_556_952), ("month", 2_629_746), ("day", 86_400), ("hour", 3_600)):
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return counted(int(seconds // 60), "minute") if seconds >= 60 else "just now"


def _wants_colour(stream: TextIO, choice: str) -> bool:
    """See https://no-color.org and https://force-color.org; what was asked for on the command line wins."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _width(stream: TextIO) -> int | None:
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None
    except (OSError, ValueError):
        return None
