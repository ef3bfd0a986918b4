"""The random parts of names that :mod:`tempfile` has drawn in this process.

With a prefix, as ``mkdtemp(prefix="work-")`` takes, nothing else tells them from words. While a tape is
active each is noted by :mod:`..intercept.drawing`; :mod:`.rules` looks for them in what was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..later import later

_KEPT = 1 << 12
SIZE = 8
"""Characters that tempfile draws for a name."""
_WINDOW = later(b".{%d}" % SIZE, re.DOTALL)


class Drawn:
    """The last ones."""

    def __init__(self) -> None:
        """None yet."""
        self._names: dict[bytes, None] = {}

    def note(self, name: str) -> None:
        """One more."""
        if len(self._names) >= _KEPT:
            # Another thread may have taken it already.
            self._names.pop(next(iter(tuple(self._names))), None)
        self._names[name.encode()] = None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._names)

    def within(self, path: re.Match[bytes]) -> Iterator[re.Match[bytes]]:
        """Those that are in ``path``, in order."""
        data, start, last = path.string, path.start(), path.end() - SIZE
        while start <= last:
            found = _WINDOW.match(data, start) if data[start : start + SIZE] in self._names else None
            if found is not None:
                yield found
            start += 1 if found is None else SIZE


DRAWN = Drawn()
"""Of this process."""
