"""Colour and line breaks for the report of a failed replay, in the process that has the terminal.

The plugin calls :func:`mark_up`. The text stays what it is: where there is neither colour nor a terminal, as
in a JUnit file, every line is printed as it was built.
"""

from __future__ import annotations

import textwrap
from dataclasses import fields

import pytest
from _pytest._code.code import ExceptionRepr, ReprEntry
from _pytest._io import TerminalWriter

from .later import later

_FAILED = "E   "
_SIDE = later(r"(?P<head>.*  |)(?P<side>tape|test): (?P<value>.*)")
_COLOURS = {"tape": {"green": True}, "test": {"red": True}}


def mark_up(report: pytest.TestReport) -> None:
    """Let the last error of ``report``, which is one of ours, be shown with colours."""
    longrepr = report.longrepr
    if not isinstance(longrepr, ExceptionRepr):
        return
    entries = longrepr.reprtraceback.reprentries
    if entries and type(entries[-1]) is ReprEntry:
        plain = entries[-1]
        longrepr.reprtraceback.reprentries = [
            *entries[:-1],
            _Entry(**{field.name: getattr(plain, field.name) for field in fields(plain)}),
        ]


class _Entry(ReprEntry):
    """The entry of a traceback that ends with the text of our error."""

    def _write_entry_lines(self, tw: TerminalWriter) -> None:
        at = next((i for i, line in enumerate(self.lines) if line.startswith(_FAILED)), len(self.lines))
        source = ReprEntry(self.lines[:at], None, None, None, self.style)
        source._write_entry_lines(tw)
        texts = [line.removeprefix("E") for line in self.lines[at:]]
        # As deep as the source above it.
        depth = len(texts[0]) - len(texts[0].lstrip()) if texts else 0
        width = _width(tw, depth + 1)
        for number, text in enumerate(texts):
            is_last = number == len(texts) - 1
            # The last line is a command, to be copied.
            for piece in [text[depth:]] if is_last else broken(text[depth:], width):
                tw.write("E" + " " * depth, bold=True, red=True)
                _write(tw, piece, is_first=number == 0, is_last=is_last)


def _write(tw: TerminalWriter, text: str, *, is_first: bool, is_last: bool) -> None:
    side = _SIDE.fullmatch(text)
    if is_first:
        tw.line(text, bold=True, red=True)
    elif side:
        tw.write(f"{side['head']}{side['side']}: ")
        tw.line(side["value"], bold=True, **_COLOURS[side["side"]])
    elif is_last:
        tw.line(text, bold=True, cyan=True)
    else:
        # Headings stand two columns in, what they are about stands further in.
        tw.line(text, bold=not text.startswith("    "))


def broken(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns, those behind the first indented beneath its beginning.

    A word is never broken. A width of 0 breaks nothing.
    """
    if not width or len(text) <= width:
        return [text]
    indent = len(text) - len(text.lstrip()) + 2
    side = _SIDE.fullmatch(text)
    if side:
        indent = side.start("value")
    if indent > width // 2:
        indent = 4
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def _width(tw: TerminalWriter, margin: int) -> int:
    """Columns for the text behind a margin; 0 where nobody looks at columns, as in a file or a log."""
    file = tw._file
    if not tw.hasmarkup and not file.isatty():
        return 0
    return tw.fullwidth - margin
