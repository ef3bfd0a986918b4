"""Which commands are never taped: patterns such as ``docker`` or ``python -m mypkg.*``. Pure.

A pattern is words, as a shell parts them. They are held against the beginning of a command line, word
by word: ``docker`` means every command of docker, ``git push`` every push. A word may have the wildcards
of :mod:`fnmatch`. A program without a directory means the program wherever it is, and ``python`` also the
interpreter that runs the tests. A shell that is given one plain command is taken for that command.
"""

from __future__ import annotations

import fnmatch
import os
import shlex
import sys
from collections.abc import Iterable, Sequence

from .later import later

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_NOT_PLAIN = later(r"[;&|<>()`$\n#*?\[\]{}~!]")
"""A line with any of these may start more than one process, or another one than it says."""
_PYTHONS = frozenset({"python", "python3"})


class LivePatterns:
    """The patterns of a test.

    Attributes:
        written: as they were given.
    """

    def __init__(self, written: Iterable[str]) -> None:
        """Read the patterns.

        Raises:
            ValueError: one has no word, or a quotation that does not end.
        """
        self.written = tuple(written)
        self._patterns = [_words(one) for one in self.written]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, argv: Sequence[str]) -> bool:
        """Whether the command line ``argv`` is one of them."""
        return any(_begins(pattern, line) for line in _meanings(argv) for pattern in self._patterns)


def _words(pattern: str) -> list[str]:
    words = shlex.split(pattern)
    if not words:
        raise ValueError("there is no command in it")
    return words


def _meanings(argv: Sequence[str]) -> list[Sequence[str]]:
    """``argv``, and the command that it has a shell run, if that is all it does."""
    if len(argv) < 3 or os.path.basename(argv[0]) not in _SHELLS or argv[1] != "-c":
        return [argv]
    line = argv[2]
    if _NOT_PLAIN.search(line):
        return [argv]
    try:
        words = shlex.split(line)
    except ValueError:
        return [argv]
    # An assignment in front of the command is no command.
    return [argv, words] if words and "=" not in words[0] else [argv]


def _begins(pattern: Sequence[str], argv: Sequence[str]) -> bool:
    if len(argv) < len(pattern) or not _is_program(pattern[0], argv[0]):
        return False
    return all(fnmatch.fnmatchcase(word, wanted) for wanted, word in zip(pattern[1:], argv[1:], strict=False))


def _is_program(wanted: str, program: str) -> bool:
    if fnmatch.fnmatchcase(program, wanted):
        return True
    if "/" in wanted:
        return False
    if wanted in _PYTHONS and program == sys.executable:
        return True
    return fnmatch.fnmatchcase(os.path.basename(program), wanted)
