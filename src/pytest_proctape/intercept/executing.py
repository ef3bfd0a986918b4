"""``os.exec*`` in a copy of the test's process, which asks the process what is to become of it.

Every function here stands in for the standard library's own of the same name and has its signature. In
the test's own process they are the real ones; :mod:`.guard` looks after those. :mod:`.forking` answers.

The copy may have closed every descriptor and changed whatever it likes, so it calls by an address, on a
new socket.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from ..child import is_open, moved, status_told
from ..frozen import Value
from ..genuine import close, signal, socket
from ..tape import errno_name, errno_number
from . import door, parcels, reports
from .own_terminal import controlled, controlling, left
from .spawning import environment_list, extra_outputs, open_descriptors

_REAL_EXECV = os.execv
REAL_EXECVE = os.execve
_REAL_EXECVPE: Callable[..., None] = os._execvpe  # type: ignore[attr-defined]

_TERMINALS_OWN = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGPIPE")
"""Signals that a copy which only keeps its pid does not care for."""


class Origin(Value):
    """What a copy knows of where it comes from.

    Attributes:
        address: where to call; of a socket.
        number: its own.
        pid: its own. A copy of a copy has another one.
        env, cwd, group: the parent's, as they were.
    """

    address: str
    number: int
    pid: int
    env: Mapping[str, str]
    cwd: str
    group: int


def folder() -> str:
    """The working directory; ``""`` if there is none any more."""
    try:
        return os.getcwd()
    except OSError:
        return ""


_origin: Origin | None = None
_asked = False
"""The parent has answered, and the real call is being made."""


def be_copy(origin: Origin) -> None:
    """This process is a copy that may ask."""
    global _origin, _asked
    _origin, _asked = origin, False
    handler = door.current()
    if handler is not None and hasattr(handler, "record"):
        # On replay there is one; this one goes away with the process.
        sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """A copy of the real function that was made before any tape was active leads past the stand-ins."""
    if event == "os.exec" and not _asked:
        _tell([arguments[0], *arguments[1][1:]])


def execv(path: Any, argv: Any, /) -> None:
    """Stands in for :func:`os.execv`."""
    _exec("os.execv", path, argv, None, False, lambda: _REAL_EXECV(path, argv))


def execve(path: Any, argv: Any, env: Any) -> None:
    """Stands in for :func:`os.execve`."""
    _exec("os.execve", path, argv, env, False, lambda: REAL_EXECVE(path, argv, env))


def _execvpe(file: Any, args: Any, env: Any = None) -> None:
    """Stands in for ``os._execvpe``, in which every call that searches the PATH ends. See ``Lib/os.py``."""
    searched = not os.path.dirname(file)
    road = "os.execvp" if env is None else "os.execvpe"
    _exec(road, file, args, env, searched, lambda: _REAL_EXECVPE(file, args, env))


def _exec(road: str, path: Any, argv: Any, env: Any, searched: bool, real: Callable[[], None]) -> None:
    handler = door.current()
    if handler is None or not door.is_forked() or _asked or getattr(handler, "mode", "") == "live":
        return real()
    request = _request(road, path, argv, env, searched)
    if request is None:
        return real()
    told = _told(request)
    if told is None:
        # Not a direct copy, or nobody is there any more; on replay the guard hears of the real call.
        if not door.is_replaying():
            _tell([path, *argv[1:]])
        with _answered(hears=door.is_replaying()):
            return real()
    named = request["executables"][-1] if searched else path
    with told[0] as line:
        _follow(told[1], told[2], line, None if env is None else named, real)
    return None


def _told(request: parcels.Request) -> tuple[socket.socket, parcels.Answer, list[int]] | None:
    """What the parent says, and the line that it says it on; ``None`` if there is nobody to say anything."""
    line = _called()
    if line is not None:
        with contextlib.suppress(OSError):
            parcels.send(line, request, request["numbers"])
            answer, fds = parcels.receive(line)
            if answer is not None:
                return line, cast(parcels.Answer, answer), fds
        line.close()
    return None


def _follow(
    answer: parcels.Answer,
    fds: list[int],
    line: socket.socket,
    filename: Any,
    real: Callable[[], None],
) -> None:
    """Do as the parent says."""
    match answer["word"]:
        case "run":
            _run(dict(zip(answer["numbers"], fds, strict=True)), line, real)
        case "live":
            with _answered(), door.letting_through():
                real()
        case "play":
            _play_dead(line)
        case "fail":
            number = errno_number(answer["errno"])
            # Without an environment the real one names no file; one that was searched for is named in bytes.
            raise OSError(number, os.strerror(number), *([] if filename is None else [filename]))
        case _:
            _leave(answer.get("text", ""))


def _request(road: str, path: Any, argv: Any, env: Any, searched: bool) -> parcels.Request | None:
    """What is asked for; ``None`` for a call that fails before it comes to any exec."""
    origin = _origin
    if origin is None:
        origin = Origin("", 0, 0, {}, "", 0)
    try:
        if not isinstance(argv, tuple | list) or not argv or not argv[0]:
            return None
        name = os.fsencode(_name_of(path))
        folders = os.get_exec_path(env) if searched else []
        executables = [os.path.join(os.fsencode(folder), name) for folder in folders] or [name]
        if env is None and dict(os.environ) != origin.env:
            env_list = environment_list(os.environ)
        else:
            env_list = environment_list(env)
        words = [os.fsencode(one) for one in argv]
        if any(b"\0" in one for one in (*words, name)):
            return None
    except (TypeError, ValueError, AttributeError):
        return None
    cwd = folder()
    leads = os.getsid(0) == os.getpid()
    group = os.getpgrp()
    same = leads or group == origin.group
    numbers = [fd for fd in (0, 1, 2) if is_open(fd) and os.get_inheritable(fd)]
    return {
        "fork": origin.number,
        "pid": os.getpid(),
        "road": road,
        "argv": words,
        "executables": executables,
        "env": env_list,
        "cwd": None if cwd in (origin.cwd, "") else os.fsencode(cwd),
        "new_session": leads,
        "process_group": -1 if same else 0 if group == os.getpid() else group,
        "numbers": [*numbers, *extra_outputs(None)],
    }


def _name_of(program: Any) -> Any:
    """What is executed by a descriptor, by its name; anything else is one."""
    if not isinstance(program, int):
        return program
    try:
        return os.readlink(f"/dev/fd/{program}")
    except OSError:
        return f"/dev/fd/{program}"


def _called() -> socket.socket | None:
    """A line to the parent; ``None`` if there is nobody whom this process could call."""
    if _origin is None or os.getpid() != _origin.pid:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(_origin.address)
        except OSError:
            return None
        # Out of the way of what the program is to get, which may be any of the lowest numbers.
        return socket.socket(fileno=moved(line.detach()))


# -- while recording ---------------------------------------------------------------------------


def _run(given: Mapping[int, int], line: socket.socket, real: Callable[[], None]) -> None:
    """The real call, on the descriptors that lead past the parent; it is told of a failure."""
    kept = {fd: (moved(os.dup(fd)), os.get_inheritable(fd)) for fd in given if is_open(fd)}
    terminal = controlling(kept[fd][0] for fd in kept)
    for fd, ours in given.items():
        os.dup2(ours, fd)
        close(ours)
    if terminal is not None:
        controlled(terminal, given)
    try:
        with _answered():
            real()
    except OSError as error:
        if terminal is not None:
            # Or it would be hung up on when ours is closed.
            left(next((fd for fd in given if os.isatty(fd)), None))
        for fd in given:
            if fd in kept:
                os.dup2(kept[fd][0], fd, inheritable=kept[fd][1])
                close(kept[fd][0])
            else:
                close(fd)
        if terminal is not None:
            controlled(None, given)
        parcels.send(line, {"word": "failed", "errno": errno_name(error.errno or 0)})
        raise


@contextmanager
def _answered(*, hears: bool = False) -> Iterator[None]:
    global _asked
    _asked = not hears
    try:
        yield
    finally:
        _asked = False


def _tell(command: list[Any]) -> None:
    """Nothing that is started here would be on the tape of a recording, so its test has to be told."""
    handler = door.current()
    if handler is None or not door.is_forked() or not hasattr(handler, "record"):
        return
    if getattr(handler, "mode", "") != "live" and not door.is_live(command):
        reports.untaped("os.exec")


# -- on replay ---------------------------------------------------------------------------------


def _play_dead(line: socket.socket) -> NoReturn:
    """Keep the pid, and nothing else, until the parent says how this process is to end."""
    try:
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        for name in _TERMINALS_OWN:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        left(controlling((0, 1, 2)))
        for fd in open_descriptors():
            if fd != line.fileno():
                with contextlib.suppress(OSError):
                    close(fd)
        # The pipes of the test have one side less from here on.
        parcels.send(line, {"word": "played"})
        line.settimeout(None)
        _end(status_told(line))
    finally:
        os._exit(127)


def _end(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        signal.raise_signal(number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _leave(text: str) -> NoReturn:
    """This is a copy of the test's process, and nobody up its stack expects to go on in it."""
    with contextlib.suppress(OSError):
        os.write(2, f"\npytest-proctape: {text}\n".encode())
    os._exit(127)


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for these roads."""
    return [(os, "execv", execv), (os, "execve", execve), (os, "_execvpe", _execvpe)]
