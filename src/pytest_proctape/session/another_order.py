"""The same things in another order: recording again does not help where the order is chance.

:mod:`.taped` tells with the divergence what does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..match import Difference, Near

_LET = '@pytest.mark.tape(order="any"), or make the order certain'
_RACING = ("the test starts processes in threads, so their order may be chance: then mark it with", _LET)
_AHEAD = (
    "if the order of these commands is another one in every run, as that of a set, mark the test with",
    _LET,
)
_WORDS = (
    "the arguments are the same in another order: that of a set is another one in every run, and that of",
    "a directory's listing on every machine; sorted() makes it certain",
)


def order_notes(wrong: Sequence[Difference], near: Sequence[Near], *, threads: bool) -> tuple[str, ...]:
    """Lines for the report; none unless the order is all that differs.

    Args:
        wrong: what differs from the entry that was due.
        near: entries that are like what was asked for.
        threads: the test has started processes in more than one.
    """
    words = [(one.expected, one.actual) for one in wrong if one.field.startswith("args[")]
    if any(not one.differences and not one.consumed for one in near):
        if threads:
            return _RACING
        # A loop over names; where more differs, it is a command between that is not asked for any more.
        return _AHEAD if len(words) == len(wrong) == 1 else ()
    if len(words) == len(wrong) > 1 and Counter(a for a, _ in words) == Counter(b for _, b in words):
        return _WORDS
    return ()
