"""What is asked of descriptors before time jumps.

Something outside of this process may make one ready, or what goes through a terminal may be on its way.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable

from ..clock import REAL
from ..genuine import select, socket


def leads_out(fd: int) -> bool:
    """Whether something outside of this process can make ``fd`` ready."""
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            return _socket_leads_out(fd)
        return stat.S_ISFIFO(mode) and not _other_end_is_ours(fd)
    except OSError:
        return False


def is_of_this_process(fd: int) -> bool:
    """Whether ``fd`` is a pipe or a socket whose other end is here, too."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return True
    return (stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)) and not leads_out(fd)


def is_outer_socket(fd: int) -> bool:
    """Whether this is a socket that leads elsewhere than to this process."""
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode) and _socket_leads_out(fd)
    except OSError:
        return False


def let_arrive(terminals: Iterable[int]) -> bool:
    """Whether what was written at the other ends of terminals can be read now.

    A thread of the kernel's takes it over, and until then an epoll does not know of it. Who asks by poll(2)
    has it taken over at once: ``n_tty_poll`` in the kernel's ``drivers/tty/n_tty.c``.
    """
    poll = REAL.poll()
    for fd in terminals:
        poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _socket_leads_out(fd: int) -> bool:
    """It has an address, or is of a network.

    Raises:
        OSError: it is not open.
    """
    with socket.socket(fileno=os.dup(fd)) as one:
        return one.family != socket.AF_UNIX or bool(one.getsockname())


def _other_end_is_ours(fd: int) -> bool:
    """Whether both ends of a pipe are open here: what is written is then written by a thread, or by us."""

    def way(one: int) -> int:
        return fcntl.fcntl(one, fcntl.F_GETFL) & os.O_ACCMODE

    try:
        here, wanted = os.fstat(fd), os.O_WRONLY if way(fd) == os.O_RDONLY else os.O_RDONLY
        for name in os.listdir("/dev/fd"):
            try:
                other = os.fstat(int(name))
                if (other.st_dev, other.st_ino) == (here.st_dev, here.st_ino) and way(int(name)) in (
                    wanted,
                    os.O_RDWR,
                ):
                    return True
            except OSError:
                continue
    except OSError:
        return True
    return False
