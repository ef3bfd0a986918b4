"""When and with what a tape is made: :class:`.Recorded` of this moment and machine."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache

from ..tape import Recorded, second_of

_SECOND_NS = 10**9


def recorded_at(began_ns: int) -> Recorded:
    """What a tape says of its making.

    Args:
        began_ns: when that began, in nanoseconds since 1970.
    """
    return _recorded(began_ns // _SECOND_NS)


@lru_cache(maxsize=1)
def _recorded(second: int) -> Recorded:
    from .. import __version__

    return Recorded(
        at=second_of(second * _SECOND_NS),
        python=platform.python_version(),
        platform=sys.platform,
        proctape=__version__,
    )
