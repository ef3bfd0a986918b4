"""Which of the directories that the test has made with :mod:`tempfile` is the one on the tape.

Its name is random, and mostly the test says it: in an argument, as a working directory, in an input. A
command that is told by a variable alone (``HOME``, ``GNUPGHOME``) leaves its files in one that nothing on
the tape tells from others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..portable import Places


def find(taped: str, made: Sequence[str], places: Places) -> None:
    """Give the random name in ``taped`` its value here; nothing where that is known, or can't be.

    Of several that may be meant it is the one that a variable of the command names.

    Args:
        taped: a path on the tape.
        made: the directories and files that were made, absolute.
        places: the values of placeholders, and the variables of the command.
    """
    for end, letter in enumerate(taped + "/"):
        holes = places.holes(os.fsencode(taped[:end])) if letter == "/" and end else None
        if holes is None:
            continue
        found = {}
        for path in made:
            filled = holes.fullmatch(os.fsencode(path))
            if filled and not any(places.names.is_taken(value) for value in filled.values()):
                found[path] = filled
        if len(found) > 1:
            variables = os.environ if places.environment is None else places.environment
            found = {path: filled for path, filled in found.items() if _names(variables, path)}
        if len(found) == 1:
            places.names.bind(*found.values())
        return


def _names(variables: Mapping[str, str], path: str) -> bool:
    """Whether one of the variables has the path in it, or one below it."""
    return any(
        path == word or word.startswith(path + "/")
        for value in variables.values()
        for word in value.split(":")
    )
