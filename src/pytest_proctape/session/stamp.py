"""When and with what a tape is made: :class:`.Recorded` of this moment and machine."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache

from ..tape import Recorded, second_of


def recorded_at(began_ns: int) -> Recorded:
    """What a tape says of its making.

    Args:
        began_ns: when that began, in nanoseconds since 1970.
    """
    return _recorded(second_of(began_ns))


@lru_cache(maxsize=1)
def _recorded(at: str) -> Recorded:
    from .. import __version__

    return Recorded(
        at=at,
        python=platform.python_version(),
        platform=sys.platform,
        proctape=__version__,
    )
