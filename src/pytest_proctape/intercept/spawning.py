"""``subprocess``: the call by which ``Popen`` starts a child, led to :func:`.door.spawn`.

The other roads are in :mod:`.plain` and :mod:`.posix`.
"""

from __future__ import annotations

import contextlib
import fcntl
import operator
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..child import KIN, Started, Wiring, end_at_once, is_pipe, is_regular
from ..clock import CLOCK, REAL
from ..owned import Owned
from ..rows import Row
from ..tape import Spawn, SpawnError, errno_name, errno_number, program_of
from . import door, loops
from .clocked import notice
from .known import taking

_TAKES_VFORK = hasattr(subprocess, "_USE_VFORK")
"""Up to 3.13 ``fork_exec`` is told at its end whether it may vfork; from 3.14 on it is not asked."""
_REAL_FORK_EXEC: Callable[..., int] = taking(subprocess, "_fork_exec", 22 + _TAKES_VFORK)

_CHDIR = "noexec:chdir"
"""What a child says whose ``cwd`` was at fault; CPythons that don't tell it from others say ``noexec``."""
_SAYS_CHDIR = _CHDIR in subprocess.Popen._execute_child.__code__.co_consts  # type: ignore[attr-defined]


class ForkExec(Row):
    """The arguments of ``_posixsubprocess.fork_exec``, in their order. ``Modules/_posixsubprocess.c``."""

    args: Sequence[Any]
    executables: tuple[bytes, ...]
    close_fds: bool
    fds_to_keep: tuple[int, ...]
    cwd: Any
    env_list: list[bytes] | None
    p2cread: int
    p2cwrite: int
    c2pread: int
    c2pwrite: int
    errread: int
    errwrite: int
    errpipe_read: int
    errpipe_write: int
    restore_signals: bool
    start_new_session: bool
    process_group: int
    gid: int | None
    groups: Sequence[int] | None
    uid: int | None
    umask: int
    preexec_fn: Callable[[], object] | None
    allow_vfork: bool = True

    @classmethod
    def inheriting(
        cls,
        args: Sequence[Any],
        executables: tuple[bytes, ...],
        env_list: list[bytes] | None,
        *,
        new_session: bool = False,
        process_group: int = -1,
    ) -> ForkExec:
        """A call whose child inherits everything, as those beside ``Popen`` make it."""
        nowhere = (-1,) * 8
        return cls(
            *(args, executables, False, (), None, env_list, *nowhere),
            *(False, new_session, process_group, None, None, None, -1, None),
        )

    def start(self) -> int:
        """The real call."""
        return KIN.start(_REAL_FORK_EXEC, *(self if _TAKES_VFORK else self[:-1]))

    def wiring(self) -> Wiring:
        """The child's descriptors as the caller gave them."""
        outputs: dict[int, int] = {}
        for own, given in ((1, self.c2pwrite), (2, self.errwrite)):
            if given != -1:
                outputs[own] = given
            elif is_passed_on(own):
                outputs[own] = own
        if not self.close_fds or self.fds_to_keep != (self.errpipe_write,):
            kept = {*self.fds_to_keep} - {self.errpipe_write} if self.close_fds else None
            outputs |= extra_outputs(kept)
        inputs = {0: self.p2cread}
        if self.p2cread == -1:
            # Parent and child share the position in a file, so it matters how far the child reads.
            inputs = {0: 0} if is_regular_input() else {}
        private = {self.c2pwrite} if self.c2pread != -1 else set()
        private |= {self.errwrite} if self.errread != -1 else set()
        private |= {self.p2cread} if self.p2cwrite != -1 else set()
        return Wiring(inputs, outputs, frozenset(private))

    def rewired(self, wiring: Wiring) -> ForkExec:
        """The same call with these for the child's 0, 1 and 2; what is inherited stays -1."""
        actual = {fd: wiring.outputs.get(fd, fd) for fd in (1, 2)} | {0: wiring.inputs.get(0, 0)}
        return self._replace(
            p2cread=actual[0] or self.p2cread,
            c2pwrite=self.c2pwrite if actual[1] == 1 else actual[1],
            errwrite=self.errwrite if actual[2] == 2 else actual[2],
        )


def fork_exec(*arguments: Any) -> int:
    """Stands in for ``_posixsubprocess.fork_exec``, by which ``Popen._execute_child`` starts a child.

    The child's word that it could not exec comes through a pipe, which the caller reads when this
    function has returned. See ``Lib/subprocess.py`` in CPython.
    """
    if door.current() is None:
        door.count_outside()
        return KIN.start(_REAL_FORK_EXEC, *arguments)
    call = ForkExec(*arguments)
    notice()
    asking = loops.asking_loop()
    spawn = spawn_of(call)
    if asking is not None:
        from . import pacing

        spawn = spawn.but(road="asyncio", now_ns=pacing.now_of(asking[0]))
    started = door.spawn(spawn, call.wiring(), lambda wiring: launch(call, wiring), call.start)
    if asking is not None and not CLOCK.on:
        from . import pacing

        pacing.attach(*asking, started.pid)
    if started.error is not None:
        os.write(call.errpipe_write, _error_bytes(started.error))
    return started.pid


def others_fork_exec(*arguments: Any) -> int:
    """Stands in for the same where it is not ``Popen`` that calls it: :mod:`multiprocessing` does."""
    return KIN.start(_REAL_FORK_EXEC, *arguments)


def launch(call: ForkExec, wiring: Wiring) -> Started:
    """The real call, with an error pipe of our own, so that a failed exec can be noted."""
    # Not under a number that the caller has closed and names all the same.
    fds = Owned()
    reader, writer = fds.high_pair(os.pipe)
    keep = tuple(sorted({*call.fds_to_keep, writer} - {call.errpipe_write}))
    watched = call.rewired(wiring)._replace(fds_to_keep=keep, errpipe_write=writer)
    if call.errpipe_read == -1:
        watched = watched._replace(errpipe_read=reader)
    with _swapped({fd: ours for fd, ours in wiring.outputs.items() if fd > 2 and fd != ours}):
        return watch(watched, reader, fds)


def watch(call: ForkExec, reader: int, fds: Owned) -> Started:
    """The real call, and what the child says through its error pipe, whose ends ``fds`` has and closes."""
    pid = 0
    try:
        try:
            pid = call.start()
        finally:
            fds.close(call.errpipe_write)
        data = b""
        # That it takes a moment is no time that the test waits.
        while part := REAL.read(reader, 50_000):
            data += part
    except BaseException:
        if pid:
            end_at_once(pid)
        raise
    finally:
        fds.close(reader)
    return Started(pid, _error_of(data) if data else None)


@contextlib.contextmanager
def _swapped(replacements: Mapping[int, int]) -> Iterator[None]:
    """For the moment of a spawn, let numbers that a child inherits mean other descriptors.

    Should another thread write to one meanwhile, it goes through the tap to where it was meant to go.
    """
    fds = Owned()
    kept = {fd: fds.duplicate(fd) for fd in replacements}
    try:
        for fd, ours in replacements.items():
            os.dup2(ours, fd, inheritable=os.get_inheritable(fd))
        yield
    finally:
        for fd, original in kept.items():
            os.dup2(original, fd, inheritable=os.get_inheritable(fd))
            fds.close(original)


def extra_outputs(passed: Iterable[int] | None) -> dict[int, int]:
    """Pipes beyond 0, 1 and 2 that the child can write to: a status descriptor, say.

    Args:
        passed: the descriptors that are passed on; ``None`` for all that are inheritable.
    """
    if passed is None:
        passed = [fd for fd in open_descriptors() if fd > 2 and is_passed_on(fd)]
    return {fd: fd for fd in passed if fd > 2 and _is_writable_pipe(fd)}


def open_descriptors() -> list[int]:
    """The numbers of all, as far as the system tells; the listing's own is among them, and closed."""
    try:
        return sorted(int(name) for name in os.listdir("/dev/fd"))
    except OSError:
        return []


def _is_writable_pipe(fd: int) -> bool:
    try:
        return is_pipe(fd) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
    except OSError:
        # Not open, or closed by another thread just now.
        return False


def is_regular_input() -> bool:
    """Whether the parent's own stdin is a file."""
    try:
        return is_regular(0)
    except OSError:
        return False


def is_passed_on(fd: int) -> bool:
    """Whether a child gets a descriptor of the parent that nobody names."""
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False


def spawn_of(call: ForkExec) -> Spawn:
    """Check and decode as the C function does, which is not called on replay.

    Raises:
        TypeError, ValueError, OverflowError: as the C function does.
    """
    keep = call.fds_to_keep
    if any(fd <= before for before, fd in pairwise((-1, *keep))) if len(keep) != 1 else keep[0] < 0:
        raise ValueError("bad value(s) in fds_to_keep")
    for number in (call.process_group, call.umask):
        operator.index(number)
    _check_ids(call.gid, call.groups, call.uid)
    argv = [_word(one) for one in call.args]
    env = None if call.env_list is None else _environment(call.env_list)
    first, *others = argv or [""]
    program = program_of(first, call.executables, None if env is None else env.get("PATH", os.defpath))
    return Spawn(
        program=program,
        args=tuple(others),
        argv0=None if first == program else first,
        cwd=None if call.cwd is None else os.fsdecode(_checked(os.fsencode(call.cwd))),
        env=env,
        new_session=bool(call.start_new_session),
        process_group=call.process_group,
        passed=tuple(fd for fd in call.fds_to_keep if fd > 2 and fd != call.errpipe_write),
    )


def environment_list(env: Mapping[Any, Any] | None) -> list[bytes] | None:
    """An environment as ``fork_exec`` takes it.

    Raises:
        ValueError: a name that can't be one, as :func:`os.execve` says it.
    """
    if env is None:
        return None
    pairs = [(os.fsencode(name), os.fsencode(value)) for name, value in env.items()]
    if any(b"=" in name or not name for name, _ in pairs):
        raise ValueError("illegal environment variable name")
    return [_checked(name + b"=" + value) for name, value in pairs]


def _word(given: Any) -> str:
    if type(given) is str and given.isascii() and "\0" not in given:
        return given
    return os.fsdecode(_checked(os.fsencode(given)))


def _checked(data: bytes) -> bytes:
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return data


def _check_ids(gid: object, groups: object, uid: object) -> None:
    """Refuse what the C function refuses; see ``_Py_Gid_Converter`` in ``Modules/posixmodule.c``."""
    for name, value in (("gid", gid), ("uid", uid)):
        if value is not None:
            _check_id(name, value)
    if groups is None:
        return
    assert isinstance(groups, Sequence)
    for value in groups:
        if not isinstance(value, int):
            raise TypeError("groups must be integers")
        try:
            _check_id("gid", value)
        except OverflowError:
            raise ValueError("invalid group id") from None


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} should be integer, not {type(value).__name__}")
    if value < -1:
        raise OverflowError(f"{name} is less than minimum")
    if value > 2**32 - 1:
        raise OverflowError(f"{name} is greater than maximum")


def _environment(env_list: Iterable[bytes]) -> dict[str, str]:
    pairs = (_checked(item).partition(b"=") for item in env_list)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def _error_of(data: bytes) -> SpawnError:
    name, number, message = data.split(b":", 2)
    text = message.decode("utf-8", "replace")
    if text == "noexec" and not _SAYS_CHDIR:
        text = _CHDIR
    return SpawnError(type=name.decode("ascii", "replace"), errno=errno_name(int(number, 16)), message=text)


def _error_bytes(error: SpawnError) -> bytes:
    message = "noexec" if error.message == _CHDIR and not _SAYS_CHDIR else error.message
    return f"{error.type}:{errno_number(error.errno):X}:{message}".encode()
