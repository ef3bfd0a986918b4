"""Names of temporary files, as :mod:`tempfile` draws them: a recording has to know them from other words.

:mod:`.patches` puts it in the place of ``tempfile._RandomNameSequence.__next__``, by which each of them is
made, whoever holds a copy of ``mkdtemp``. See ``Lib/tempfile.py``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from ..portable import DRAWN

# Any other way to make names is not known here, and goes unnoticed.
_SEQUENCE: type = getattr(tempfile, "_RandomNameSequence", object)
_REAL_NEXT: Callable[[object], str] | None = getattr(_SEQUENCE, "__next__", None)


def next_name(sequence: object) -> str:
    """Stands in for the method of that name."""
    assert _REAL_NEXT is not None
    name = _REAL_NEXT(sequence)
    DRAWN.note(name)
    return name


def replacements() -> list[tuple[type, str, Callable[[object], str]]]:
    """What stands in where."""
    return [] if _REAL_NEXT is None else [(_SEQUENCE, "__next__", next_name)]
