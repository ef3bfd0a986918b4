"""``os.posix_spawn`` and ``os.posix_spawnp``."""

from __future__ import annotations

import contextlib
import errno
import operator
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..child import KIN, TABLE, Started, Wiring, is_open
from ..genuine import close
from ..tape import SpawnError, errno_name, errno_number
from . import door, guard
from .clocked import notice
from .spawning import ForkExec, environment_list, extra_outputs, spawn_of


def _standing_in_for(real: Callable[..., int], *, searches: bool) -> Callable[..., int]:
    def stand_in(
        path: Any,
        argv: Sequence[Any],
        env: Mapping[Any, Any] | None,
        /,
        *,
        file_actions: Iterable[tuple[Any, ...]] | None = (),
        **attributes: Any,
    ) -> int:
        if door.current() is None:
            door.count_outside()
            return KIN.start(real, path, argv, env, file_actions=file_actions, **attributes)
        _check_argv(real.__name__, argv)
        actions = _checked_actions(file_actions, attributes)
        _check_scheduler(real.__name__, attributes)
        name = os.fsencode(path)
        folders = os.get_exec_path(env) if searches and not os.path.dirname(name) else []
        executables = tuple(os.path.join(os.fsencode(folder), name) for folder in folders) or (name,)
        call = ForkExec.inheriting(
            argv,
            executables,
            environment_list(env),
            new_session=attributes.get("setsid", False),
            process_group=_process_group(attributes),
        )
        with _opened(actions, path) as (opened, wiring):

            def launch(wiring: Wiring) -> Started:
                rewired = _rewired(opened, wiring)
                try:
                    return Started(KIN.start(real, path, argv, env, file_actions=rewired, **attributes))
                except OSError as error:
                    return Started(0, SpawnError(errno=errno_name(error.errno or 0)))

            notice()
            if door.is_replaying() and not door.is_live([path, *argv[1:]]):
                guard.announce("os.posix_spawn", path, argv, env)
            started = door.spawn(
                spawn_of(call).but(road=f"os.{real.__name__}"),
                wiring,
                launch,
                lambda: KIN.start(real, path, argv, env, file_actions=actions, **attributes),
            )
        if started.error is not None:
            TABLE.remove(started.pid)
            number = errno_number(started.error.errno)
            raise OSError(number, os.strerror(number), path)
        return started.pid

    stand_in.__name__ = real.__name__
    stand_in.__doc__ = f"Stands in for :func:`os.{real.__name__}`."
    return stand_in


# Under this name nobody puts another in its place.
_IN_C = getattr(sys.modules.get("posix"), "posix_spawn", None)
_NONE_IS_NOTHING = "setpgroup=None" in (getattr(_IN_C, "__text_signature__", None) or "")
"""Whether ``setpgroup`` and ``scheduler`` may be ``None``: from 3.14 on, and in the latest of 3.13."""

_LEFT_OUT = object()
_OPERANDS = {"open": 4, "close": 1, "dup2": 2, "closefrom": 1}
_KINDS = {
    getattr(os, f"POSIX_SPAWN_{name.upper()}"): (name, count)
    for name, count in _OPERANDS.items()
    if hasattr(os, f"POSIX_SPAWN_{name.upper()}")
}


def _check_argv(name: str, argv: object) -> None:
    if not isinstance(argv, tuple | list):
        raise TypeError(f"{name}: argv must be a tuple or list")
    if not argv:
        raise ValueError(f"{name}: argv must not be empty")


def _checked_actions(
    file_actions: Iterable[Any] | None, attributes: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The file actions, if everything is what the C function takes, which is not called on replay.

    See ``py_posix_spawn`` and ``parse_file_actions`` in CPython's ``Modules/posixmodule.c``.

    Raises:
        TypeError: an argument has the wrong type, or a file action the wrong form.
        ValueError: a signal number is out of range, or a path has a NUL.
        OSError: a file action has a descriptor that can't be.
    """
    actions = [] if file_actions is None else [_checked_action(action) for action in file_actions]
    if attributes.get("setpgroup") is not None:
        operator.index(attributes["setpgroup"])
    if sys.version_info < (3, 12):
        for name in ("resetids", "setsid"):
            operator.index(attributes.get(name, 0))
    for name in ("setsigmask", "setsigdef"):
        for number in attributes.get(name, ()):
            if not 0 < operator.index(number) < signal.NSIG:
                raise ValueError(f"signal number {number} out of range [1; {signal.NSIG - 1}]")
    return actions


def _process_group(attributes: Mapping[str, Any]) -> Any:
    group = attributes.get("setpgroup", -1)
    return -1 if group is None and _NONE_IS_NOTHING else group


def _check_scheduler(name: str, attributes: Mapping[str, Any]) -> None:
    """The same for ``scheduler``: ``parse_posix_spawn_flags`` there.

    Raises:
        TypeError, SystemError: it is not a policy, or ``None``, and a ``sched_param``.
        OverflowError: the policy is too large.
    """
    given = attributes.get("scheduler", _LEFT_OUT)
    if given is _LEFT_OUT or (given is None and _NONE_IS_NOTHING):
        return
    if not isinstance(given, tuple):
        if _NONE_IS_NOTHING:
            raise TypeError(f"{name}: scheduler must be a tuple or None")
        raise SystemError("new style getargs format but argument is not a tuple")
    if len(given) != 2:
        raise TypeError("A scheduler tuple must have two elements")
    policy, priority = given
    if policy is not None and not -(1 << 31) <= operator.index(policy) < 1 << 31:
        raise OverflowError("Python int too large to convert to C int")
    if not isinstance(priority, os.sched_param):
        raise TypeError("must have a sched_param object")


def _checked_action(action: Any) -> tuple[Any, ...]:
    if not isinstance(action, tuple) or not action:
        raise TypeError("Each file_actions element must be a non-empty tuple")
    kind, *operands = action
    name, count = _KINDS.get(operator.index(kind), ("", 0))
    if not name:
        raise TypeError("Unknown file_actions identifier")
    if len(operands) != count:
        raise TypeError(f"A {name} file_action tuple must have {count + 1} elements")
    numbers = operands if count < 4 else [operands[0], *operands[2:]]
    for number in numbers:
        operator.index(number)
    if count == 4 and b"\0" in os.fsencode(operands[1]):
        raise ValueError("embedded null byte")
    fds = operands if name == "dup2" else operands[:1]
    if not all(_can_be(fd) for fd in fds):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return action


def _can_be(fd: int) -> bool:
    """Whether the limit for descriptors allows one with this number.

    One that it does not is refused while the actions are put together, and that error names no program:
    ``__spawn_valid_fd`` in the GNU C library.
    """
    most = os.sysconf("SC_OPEN_MAX")
    return fd >= 0 and (most < 0 or fd < most)


@contextlib.contextmanager
def _opened(actions: list[tuple[Any, ...]], program: Any) -> Iterator[tuple[list[tuple[Any, ...]], Wiring]]:
    """The file actions with every file opened here and not in the child, and the wiring they amount to.

    Raises:
        OSError: a file can't be opened; the real call names the program in that error, and so does this.
    """
    table = {fd: fd for fd in (0, 1, 2) if is_open(fd) and os.get_inheritable(fd)} | extra_outputs(None)
    with contextlib.ExitStack() as stack:
        changed = []
        for kind, *rest in actions:
            action = (kind, *rest)
            if kind == os.POSIX_SPAWN_OPEN:
                try:
                    opened = os.open(*rest[1:])
                except OSError as error:
                    raise OSError(error.errno, os.strerror(error.errno or 0), program) from None
                stack.callback(close, opened)
                table[rest[0]] = opened
                action = (os.POSIX_SPAWN_DUP2, opened, rest[0])
            elif kind == os.POSIX_SPAWN_DUP2:
                table[rest[1]] = table.get(rest[0], rest[0])
            elif kind == os.POSIX_SPAWN_CLOSE:
                table.pop(rest[0], None)
            else:
                table = {fd: parents for fd, parents in table.items() if fd < rest[0]}
            changed.append(action)
        inputs = {0: table[0]} if table.get(0, 0) != 0 else {}
        pipes = {fd: given for fd, given in table.items() if fd > 2 and extra_outputs([given])}
        yield changed, Wiring(inputs, {fd: table[fd] for fd in (1, 2) if fd in table} | pipes)


def _rewired(actions: list[tuple[Any, ...]], wiring: Wiring) -> list[tuple[Any, ...]]:
    """The caller's file actions, and then ours; what closes a range of descriptors comes last."""
    closefrom = getattr(os, "POSIX_SPAWN_CLOSEFROM", None)
    ours = [(os.POSIX_SPAWN_DUP2, source, fd) for fd, source in {**wiring.inputs, **wiring.outputs}.items()]
    first = [action for action in actions if action[0] != closefrom]
    last = [action for action in actions if action[0] == closefrom]
    return [*first, *(action for action in ours if action[1] != action[2]), *last]


posix_spawn = _standing_in_for(os.posix_spawn, searches=False)
posix_spawnp = _standing_in_for(os.posix_spawnp, searches=True)


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for these roads."""
    return [(os, "posix_spawn", posix_spawn), (os, "posix_spawnp", posix_spawnp)]
