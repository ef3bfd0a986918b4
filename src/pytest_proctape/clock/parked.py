"""Whether a thread sleeps on a lock that only another thread of this process can open.

A mock clock jumps when everybody waits. Most waits are known, as they go through a stand-in; a thread
that waits in C (for a plain lock, at an empty queue) can only be looked at from outside, which Linux
allows: see proc_pid_syscall(5) and proc_pid_status(5). Elsewhere such a thread counts as busy.
"""

from __future__ import annotations

import os
import platform
from contextlib import closing

from .real import REAL

_FUTEX = {"x86_64": "202", "aarch64": "98", "riscv64": "98", "i686": "240", "armv7l": "240"}.get(
    platform.machine(), ""
)
"""The number of the system call by which a thread waits for a lock."""

_SETTLED_NS = 12_000_000
"""A thread that wants to run tries again every 5 ms: see ``sys.getswitchinterval``."""


class Watch:
    """Looks at one thread from time to time."""

    def __init__(self, native_id: int) -> None:
        self._folder = f"/proc/self/task/{native_id}"
        self._switches = ""
        self._since_ns = 0

    def parked(self) -> bool:
        """Whether the thread has slept on a lock since the last looks, for long enough to be sure."""
        try:
            call = self._read("syscall").split()
            switches = "".join(line for line in self._read("status").splitlines() if "ctxt_switches" in line)
        except FileNotFoundError:
            # It has ended, and told nobody.
            return os.path.isdir("/proc/self/task")
        except OSError:
            return False
        if not _FUTEX or not call or call[0] != _FUTEX:
            self._switches = ""
            return False
        now_ns = REAL.monotonic_ns()
        if switches != self._switches:
            self._switches, self._since_ns = switches, now_ns
            return False
        return now_ns - self._since_ns >= _SETTLED_NS

    def _read(self, name: str) -> str:
        fd = os.open(f"{self._folder}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        with closing(os.fdopen(fd, "rb")) as file:
            return file.read().decode("ascii", "replace")
