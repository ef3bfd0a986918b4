"""Numbers of descriptors in a command line: ``gpg --status-fd 12``, ``ffmpeg pipe:12``, ``/dev/fd/12``.

Which number a descriptor has is chance, so a tape says ``<fd-1>`` for the first that the spawn passes on, in
the order of the numbers. Sessions ask here, for each argument of a spawn that passes any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..later import later

_NUMBER = later(r"(^|[=:&,]|/fd/)([0-9]+)(?![0-9A-Za-z.])")
"""Where a number can be that of a descriptor: alone, or behind what is written before one."""


def conceal_descriptors(text: str, passed: Sequence[int]) -> str:
    """``text`` with placeholders for the descriptors ``passed``, which are in order."""

    def placeholder(found: re.Match[str]) -> str:
        number = int(found[2])
        return f"{found[1]}<fd-{passed.index(number) + 1}>" if number in passed else found[0]

    return _NUMBER.sub(placeholder, text)
