"""Directories in which there is nothing but tapes: pytest need not look there for tests. :mod:`.heed` asks.

Of each file it comes to, pytest asks all plugins whether it is to be ignored and what is in it. Where each
test has a tape, there are as many of these as tests.
"""

from __future__ import annotations

import os

_ENDS = (".json", ".json.failed")
"""Of the names of tapes."""
_HEX = frozenset("0123456789abcdef")
_BEGINNING = [b"{", b'"version":']
"""Of a tape that somebody has recorded; other tools keep tests in such files."""


def is_only_tapes(path: str) -> bool:
    """Whether ``path`` is a directory of tapes, and of nothing else; where in doubt it is none.

    Args:
        path: of what lies below the directory of tapes.
    """
    name = ""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if not _is_of_tapes(name) or not entry.is_file(follow_symlinks=False):
                    return False
        if ".json" not in name:
            return name != ""
        with open(os.path.join(path, name), "rb") as file:
            return file.read(64).split()[:2] == _BEGINNING
    except OSError:
        return False


def _is_of_tapes(name: str) -> bool:
    payload = name.removesuffix(".gz")
    return name.endswith(_ENDS) or (len(payload) == 64 and _HEX.issuperset(payload))
