"""The command ``proctape``: look into tapes, check them, compare them, bring others' recordings over.

:func:`main` is the entry point. Each subcommand is a module with ``add``, which declares its arguments,
and ``run``, which does it and returns the exit code; what they share lies beside them:

* :mod:`.finding`: which tapes are meant,
* :mod:`.screen`: colour, width, errors, JSON,
* :mod:`.words`: an entry in words,
* :mod:`.git`: versions of a tape.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from .. import __version__
from ..errors import ProctapeError, UsageError
from . import check, compare, convert, diff, ls, prune, schema, show
from .screen import FINE, FOUND, USAGE, Screen

__all__ = ["main"]

_SUBCOMMANDS = (ls, show, diff, check, prune, compare, convert, schema)

_EPILOG = """\
exit codes:
  0   fine
  1   something was found: a difference, a problem, a tape that can't be read
  2   the command was not understood, or what it names is not there

Without paths a command takes the tapes of the project around the working directory, as the ini file
of pytest names them (tapes_dir). A tape is named by its file or by its test's node id.
"""
_INTERRUPTED = 130
_BROKEN_PIPE = 141
"""What a shell reports for a program that ended by SIGINT, and by SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments behind the program's name; those of the process by default.

    Returns:
        The exit code: 0 fine, 1 something was found, 2 usage.
    """
    # A shell can close the streams (>&-), which are None then: nobody is told, and the exit code says it.
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(sys.stdout or nowhere),
        redirect_stderr(sys.stderr or nowhere),
    ):
        return _told(argv)


def _told(argv: Sequence[str] | None) -> int:
    """:func:`main`, where both streams lead somewhere."""
    try:
        try:
            code = _run(argv)
        except SystemExit as end:
            # argparse: 0 behind --help, 2 behind a mistake.
            code = end.code if isinstance(end.code, int) else USAGE
        sys.stdout.flush()
    except OSError as error:
        # The reader has seen enough, or the disk is full. The interpreter must not fail again when it
        # flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        print(f"proctape: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    screen = Screen.of(sys.stdout, sys.stderr, arguments.color)
    try:
        code: int = arguments.run(arguments, screen)
    except UsageError as error:
        screen.error(error)
        return USAGE
    except ProctapeError as error:
        screen.error(error)
        return FOUND
    return FOUND if screen.errors_told and code == FINE else code


class _Help(argparse.HelpFormatter):
    """Fills paragraphs to the width of the terminal; one with indented lines stays as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = []
        for paragraph in text.strip("\n").split("\n\n"):
            lines = paragraph.splitlines()
            if not any(line.startswith(" ") for line in lines):
                lines = textwrap.wrap(paragraph, width)
            paragraphs.append("\n".join(indent + line for line in lines))
        return "\n\n".join(paragraphs) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="proctape",
        description="Look into the tapes of pytest-proctape, check them and compare them.",
        epilog=_EPILOG,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"pytest-proctape {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document instead of text")
    common.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="by default where it is a terminal; NO_COLOR and FORCE_COLOR are respected",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _SUBCOMMANDS:
        summary, _, details = (module.__doc__ or "").partition("\n\n")
        name = module.__name__.rpartition(".")[2]
        told = summary.partition(": ")[2].strip()
        subparser = subparsers.add_parser(
            name,
            parents=[common],
            help=told.rstrip("."),
            description=f"{told[:1].upper()}{told[1:]}\n\n{details}".strip(),
            formatter_class=_Help,
        )
        module.add(subparser)
        subparser.set_defaults(run=module.run)
    return parser
