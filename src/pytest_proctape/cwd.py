"""The working directory as the system knows it. Sessions ask, and what places a tape.

A test may have something else in the place of ``os.getcwd``, or have removed the directory that it is in:
its commands start there all the same.
"""

from __future__ import annotations

import os

GETCWD = os.getcwd
"""The real one, which fails where the directory has been removed."""
_READLINK = os.readlink


def working_directory() -> str:
    """Where a command starts that is told no other place.

    One that has been removed has a name that nothing else has, proc(5); ``""`` where nobody tells it.
    """
    try:
        return GETCWD()
    except FileNotFoundError:
        try:
            return _READLINK("/proc/self/cwd")
        except OSError:
            return ""
