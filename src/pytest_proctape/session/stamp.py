"""When and with what a tape is made: :class:`.Recorded` of this moment and machine."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from functools import lru_cache

from ..tape import Recorded


def recorded_at(began_ns: int) -> Recorded:
    """What a tape says of its making.

    Args:
        began_ns: when that began, in nanoseconds since 1970.
    """
    return _recorded(began_ns // 10**9)


@lru_cache(maxsize=1)
def _recorded(began_s: int) -> Recorded:
    from .. import __version__

    at = datetime.fromtimestamp(began_s, UTC)
    return Recorded(
        at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        python=platform.python_version(),
        platform=sys.platform,
        proctape=__version__,
    )
