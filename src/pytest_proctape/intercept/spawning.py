"""The roads by which a child is started, each led to :func:`.door.spawn`.

Every function here stands in for the standard library's own of the same name and has its signature.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ..child import TABLE, Started, Wiring, add_ended, is_open, is_regular
from ..tape import Spawn, SpawnError, errno_name, errno_number, program_of
from . import door, pacing

_REAL_FORK_EXEC: Callable[..., int] = subprocess._fork_exec  # type: ignore[attr-defined]


# -- subprocess --------------------------------------------------------------------------------


def fork_exec(
    args: Sequence[Any],
    executables: tuple[bytes, ...],
    close_fds: bool,
    fds_to_keep: tuple[int, ...],
    cwd: Any,
    env_list: list[bytes] | None,
    p2cread: int,
    p2cwrite: int,
    c2pread: int,
    c2pwrite: int,
    errread: int,
    errwrite: int,
    errpipe_read: int,
    errpipe_write: int,
    restore_signals: bool,
    start_new_session: bool,
    process_group: int,
    *rest: Any,
) -> int:
    """Stands in for ``_posixsubprocess.fork_exec``, by which ``Popen._execute_child`` starts a child.

    The child's word that it could not exec comes through a pipe, which the caller reads when this
    function has returned. See ``Modules/_posixsubprocess.c`` and ``Lib/subprocess.py`` in CPython.
    """

    def call(wiring: Wiring, keep: tuple[int, ...], error_read: int, error_write: int) -> int:
        return _REAL_FORK_EXEC(
            args,
            executables,
            close_fds,
            keep,
            cwd,
            env_list,
            -1 if wiring.inputs.get(0, -1) == 0 and p2cread == -1 else wiring.inputs.get(0, -1),
            p2cwrite,
            c2pread,
            _unless_inherited(wiring, 1, c2pwrite),
            errread,
            _unless_inherited(wiring, 2, errwrite),
            error_read,
            error_write,
            restore_signals,
            start_new_session,
            process_group,
            *rest,
        )

    if door.current() is None:
        return call(_wiring(p2cread, c2pwrite, errwrite), fds_to_keep, errpipe_read, errpipe_write)

    def launch(wiring: Wiring) -> Started:
        return _launch_watched(wiring, fds_to_keep, errpipe_write, call)

    def live() -> int:
        return call(_wiring(p2cread, c2pwrite, errwrite), fds_to_keep, errpipe_read, errpipe_write)

    if any(fd <= before for before, fd in pairwise((-1, *fds_to_keep))):
        raise ValueError("bad value(s) in fds_to_keep")
    _check_ids(*rest[:3])
    wiring = _wiring(p2cread, c2pwrite, errwrite, c2pread=c2pread, errread=errread)
    spawn = _spawn_of(args, executables, cwd, env_list, start_new_session, process_group)
    loop = pacing.asking_loop()
    if loop is not None:
        spawn = replace(spawn, road="asyncio", now_ns=pacing.now_of(loop))
    started = door.spawn(spawn, wiring, launch, live)
    if loop is not None:
        pacing.attach(loop, started.pid)
    if started.error is not None:
        os.write(errpipe_write, _error_bytes(started.error))
    return started.pid


def _unless_inherited(wiring: Wiring, fd: int, asked: int) -> int:
    """The child's ``fd``; inherited ones are -1 unless something of ours stands in for them."""
    actual = wiring.outputs.get(fd, asked)
    return asked if actual == fd else actual


def _wiring(p2cread: int, c2pwrite: int, errwrite: int, *, c2pread: int = -1, errread: int = -1) -> Wiring:
    private = set()
    if c2pread != -1:
        private.add(c2pwrite)
    if errread != -1:
        private.add(errwrite)
    if p2cread == -1 and is_open(0) and is_regular(0):
        # Parent and child share the position in a file, so it matters how far the child reads.
        p2cread = 0
    outputs = {1: c2pwrite, 2: errwrite}
    for fd in (1, 2):
        if outputs[fd] == -1:
            outputs[fd] = fd
            # What is closed, or closes on exec, is not there in the child.
            if not is_open(fd) or not os.get_inheritable(fd):
                del outputs[fd]
    return Wiring({} if p2cread == -1 else {0: p2cread}, outputs, frozenset(private))


def _spawn_of(
    args: Sequence[Any],
    executables: tuple[bytes, ...],
    cwd: Any,
    env_list: list[bytes] | None,
    new_session: bool,
    process_group: int,
) -> Spawn:
    """Check and decode as the C function does, which is not called on replay."""
    argv = [_checked(os.fsencode(one)) for one in args]
    env = None if env_list is None else _environment(env_list)
    first, *others = [os.fsdecode(one) for one in argv] or [""]
    program = program_of(first, executables, None if env is None else env.get("PATH", os.defpath))
    return Spawn(
        program=program,
        args=tuple(others),
        argv0=None if first == program else first,
        cwd=None if cwd is None else os.fsdecode(_checked(os.fsencode(cwd))),
        env=env,
        new_session=bool(new_session),
        process_group=process_group,
    )


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


def _launch_watched(
    wiring: Wiring,
    fds_to_keep: tuple[int, ...],
    errpipe_write: int,
    call: Callable[[Wiring, tuple[int, ...], int, int], int],
) -> Started:
    """The real call, with an error pipe of our own, so that a failed exec can be noted."""
    reader, writer = os.pipe()
    try:
        keep = tuple(sorted({*fds_to_keep, writer} - {errpipe_write}))
        try:
            pid = call(wiring, keep, reader, writer)
        finally:
            os.close(writer)
        data = b""
        while part := os.read(reader, 50_000):
            data += part
    finally:
        os.close(reader)
    return Started(pid, _error_of(data) if data else None)


def _error_of(data: bytes) -> SpawnError:
    name, number, message = data.split(b":", 2)
    return SpawnError(
        type=name.decode("ascii", "replace"),
        errno=errno_name(int(number, 16)),
        message=message.decode("utf-8", "replace"),
    )


def _error_bytes(error: SpawnError) -> bytes:
    return f"{error.type}:{errno_number(error.errno):X}:{error.message}".encode()


# -- os.spawn* and os.system -------------------------------------------------------------------

_REAL_SPAWNVEF: Callable[..., int] = os._spawnvef  # type: ignore[attr-defined]
_REAL_SYSTEM = os.system
_EXEC_FAILED = 127 << 8
"""What a forked child that could not exec ends with: ``os._spawnvef``, and the shell."""


def spawnvef(mode: int, file: Any, args: Any, env: Mapping[Any, Any] | None, func: Callable[..., Any]) -> int:
    """Stands in for ``os._spawnvef``, which every ``os.spawn*`` ends in. See ``Lib/os.py``."""
    if door.current() is None:
        return _REAL_SPAWNVEF(mode, file, args, env, func)
    if not isinstance(args, tuple | list):
        raise TypeError("argv must be a tuple or a list")
    if not args or not args[0]:
        raise ValueError("argv first element cannot be empty")
    name = os.fsencode(file)
    searched = func in (os.execvp, os.execvpe) and not os.path.dirname(name)
    folders = os.get_exec_path(env) if searched else []
    executables = (
        tuple(os.path.join(os.fsencode(folder), name) for folder in folders) if searched else (name,)
    )
    pid = _fork_exec_plainly("os.spawn", args, executables, env)
    if mode == os.P_NOWAIT:
        return pid
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def system(command: Any) -> int:
    """Stands in for :func:`os.system`."""
    if door.current() is None:
        return _REAL_SYSTEM(command)
    pid = _fork_exec_plainly("os.system", ["sh", "-c", os.fsencode(command)], (b"/bin/sh",), None)
    return os.waitpid(pid, 0)[1]


def _fork_exec_plainly(
    road: str, args: Sequence[Any], executables: tuple[bytes, ...], env: Mapping[Any, Any] | None
) -> int:
    """Start a child that inherits everything; one that can't exec ends with 127 instead of an error."""
    env_list = None if env is None else [os.fsencode(k) + b"=" + os.fsencode(v) for k, v in env.items()]

    def call(wiring: Wiring, keep: tuple[int, ...], error_read: int, error_write: int) -> int:
        streams = (
            *(wiring.inputs.get(0, -1), -1, -1),
            *(_unless_inherited(wiring, 1, -1), -1),
            _unless_inherited(wiring, 2, -1),
        )
        flags = (False, False, -1, None, None, None, -1, None, True)
        return _REAL_FORK_EXEC(
            args, executables, False, keep, None, env_list, *streams, error_read, error_write, *flags
        )

    def launch(wiring: Wiring) -> Started:
        return _launch_watched(wiring, (), -1, call)

    wiring = _wiring(-1, -1, -1)
    spawn = replace(_spawn_of(args, executables, None, env_list, False, -1), road=road)
    started = door.spawn(spawn, wiring, launch, lambda: launch(wiring).pid)
    if started.error is not None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(started.pid, 0)
        return add_ended(_EXEC_FAILED)
    return started.pid


# -- os.posix_spawn ----------------------------------------------------------------------------


def _posix_spawn_standing_in_for(real: Callable[..., int], *, searches: bool) -> Callable[..., int]:
    def stand_in(
        path: Any,
        argv: Sequence[Any],
        env: Mapping[Any, Any] | None,
        /,
        *,
        file_actions: Iterable[tuple[Any, ...]] | None = (),
        **attributes: Any,
    ) -> int:
        actions = [tuple(action) for action in file_actions or ()]
        if door.current() is None:
            return real(path, argv, env, file_actions=actions, **attributes)

        def launch(wiring: Wiring) -> Started:
            try:
                return Started(real(path, argv, env, file_actions=_rewired(actions, wiring), **attributes))
            except OSError as error:
                return Started(0, SpawnError(errno=errno_name(error.errno or 0)))

        name = os.fsencode(path)
        folders = os.get_exec_path(env) if searches and not os.path.dirname(name) else []
        executables = tuple(os.path.join(os.fsencode(folder), name) for folder in folders) or (name,)
        env_list = None if env is None else [os.fsencode(k) + b"=" + os.fsencode(v) for k, v in env.items()]
        group = attributes.get("setpgroup", -1)
        spawn = _spawn_of(argv, executables, None, env_list, attributes.get("setsid", False), group)
        with _opened(actions) as wiring:
            started = door.spawn(
                replace(spawn, road=f"os.{real.__name__}"),
                wiring,
                launch,
                lambda: real(path, argv, env, file_actions=actions, **attributes),
            )
        if started.error is not None:
            TABLE.remove(started.pid)
            number = errno_number(started.error.errno)
            raise OSError(number, os.strerror(number), path)
        return started.pid

    stand_in.__name__ = real.__name__
    stand_in.__doc__ = f"Stands in for :func:`os.{real.__name__}`."
    return stand_in


@contextlib.contextmanager
def _opened(actions: list[tuple[Any, ...]]) -> Iterator[Wiring]:
    """The wiring that the file actions amount to; files that the child would open are opened here."""
    table: dict[int, int] = {fd: fd for fd in (0, 1, 2) if os.get_inheritable(fd)}
    opened: list[int] = []
    try:
        for kind, *rest in actions:
            if kind == os.POSIX_SPAWN_OPEN:
                fd, path, flags, mode = rest
                opened.append(os.open(path, flags, mode))
                table[fd] = opened[-1]
            elif kind == os.POSIX_SPAWN_DUP2:
                table[rest[1]] = table.get(rest[0], rest[0])
            elif kind == os.POSIX_SPAWN_CLOSE:
                table.pop(rest[0], None)
            else:
                table = {fd: parents for fd, parents in table.items() if fd < rest[0]}
        inputs = {0: table[0]} if table.get(0, 0) != 0 else {}
        yield Wiring(inputs, {fd: table[fd] for fd in (1, 2) if fd in table})
    finally:
        for fd in opened:
            os.close(fd)


def _rewired(actions: list[tuple[Any, ...]], wiring: Wiring) -> list[tuple[Any, ...]]:
    """The caller's file actions, and then ours; what closes a range of descriptors comes last."""
    closefrom = getattr(os, "POSIX_SPAWN_CLOSEFROM", None)
    ours = [(os.POSIX_SPAWN_DUP2, source, fd) for fd, source in {**wiring.inputs, **wiring.outputs}.items()]
    first = [action for action in actions if action[0] != closefrom]
    last = [action for action in actions if action[0] == closefrom]
    return [*first, *(action for action in ours if action[1] != action[2]), *last]


posix_spawn = _posix_spawn_standing_in_for(os.posix_spawn, searches=False)
posix_spawnp = _posix_spawn_standing_in_for(os.posix_spawnp, searches=True)


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for the roads other than ``subprocess``."""
    return [
        (os, "_spawnvef", spawnvef),
        (os, "system", system),
        (os, "posix_spawn", posix_spawn),
        (os, "posix_spawnp", posix_spawnp),
    ]
