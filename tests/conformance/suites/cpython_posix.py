"""CPython's tests of the posix module."""

from __future__ import annotations

import os
from typing import Any

from tests.conformance.suites.borrow import borrow

cases = borrow("test.test_posix")


class _Late:
    """Looks the function up when it is called, as code does that says ``os.posix_spawn(...)``.

    The suite keeps the function itself from the time of its import, which no patch reaches; on replay the
    audit hook refuses such a call. That is tested elsewhere and would be all that is tested here.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> int:  # Any: whatever the suite passes
        pid: int = getattr(os, self._name)(*args, **kwargs)
        return pid


for case, name in (("TestPosixSpawn", "posix_spawn"), ("TestPosixSpawnP", "posix_spawnp")):
    if case in cases:
        cases[case].spawn_func = _Late(name)

globals().update(cases)
