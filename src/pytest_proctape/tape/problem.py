"""One thing that is wrong with an entry: what :mod:`.checks` and :mod:`.effect_checks` find."""

from __future__ import annotations

from ..rows import Row


class Problem(Row):
    """One thing that is wrong with an entry.

    Attributes:
        place: inside the entry, as in ``timeline[2].signal``.
        problem: what is there.
        expected: what may be there.
    """

    place: str
    problem: str
    expected: str
