"""How a real process has ended, asked so that it stays for its parent to wait for: waitid(2).

Recording children ask, and forks; :mod:`~pytest_proctape.intercept.reaping` translates what a test is told.
"""

from __future__ import annotations

import os
from typing import Any

_WAITID = os.waitid
"""As it was when no tape was active: what we ask for ourselves is not the parent's wait."""


def has_ended(pid: int, options: int = os.WNOHANG) -> bool:
    """Whether ``pid`` has ended, reaped or not, or is no child of this process.

    Args:
        pid: of a process.
        options: 0 waits here for the end.
    """
    try:
        return _WAITID(os.P_PID, pid, os.WEXITED | os.WNOWAIT | options) is not None
    except ChildProcessError:
        return True


def unreaped_status(pid: int) -> int | None:
    """What its parent would be told by a wait, as from :func:`os.waitpid`; ``None`` while it runs.

    Raises:
        ChildProcessError: there is nobody to wait for, or no longer.
    """
    result = _WAITID(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return None if result is None else status_of(result)


def status_of(result: Any) -> int:  # noqa: ANN401 - an `os.waitid_result`, which typeshed does not have everywhere
    """What :func:`os.waitpid` would have given for what ``waitid`` has told: sigaction(2)."""
    value = int(result.si_status)
    if result.si_code == os.CLD_EXITED:
        return value << 8
    if result.si_code == os.CLD_STOPPED:
        return value << 8 | 0x7F
    if result.si_code == os.CLD_CONTINUED:
        return 0xFFFF
    return value | (0x80 if result.si_code == os.CLD_DUMPED else 0)
