"""The short road of ``subprocess.run`` and ``call``: a replayed child whose streams nobody sees gets none.

``run`` makes a ``Popen``, hands it the input, takes all of the output and gives nothing of it away. Between
its calls no code of the test runs, so ``Popen``, pipes, files, selector and error pipe could not be told from
none. This module stands in for the two functions. Whatever it does not know for sure goes to the real one,
and so the general road, the one of :mod:`.spawning`, from the beginning: an option, a type, an entry with
more than output and an end, a function that somebody has replaced, another CPython.

``PROCTAPE_SHORT_ROAD=0`` in the environment turns it off. See ``docs/decisions/0021``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial, wraps
from types import FrameType, FunctionType
from typing import Any, cast

from ..child import TABLE, VirtualChild
from ..clock import CLOCK
from ..errors import ProctapeError
from . import door, hearing, reaping, ways
from .asking import Request, announce, decoded, encoded, request_of
from .handlers import Hearer

OPEN = os.environ.get("PROCTAPE_SHORT_ROAD") not in ("0", "none")

_REAL_RUN: Callable[..., Any] = subprocess.run
_REAL_CALL: Callable[..., int] = subprocess.call

_MIN_TIMEOUT_S, _MAX_TIMEOUT_S = 0.1, 1e8
"""What is shorter may expire before CPython has made its pipes."""


@wraps(_REAL_RUN)
def run(
    *popenargs: Any,
    input: Any = None,  # noqa: A002 - its name there
    capture_output: Any = False,
    timeout: Any = None,
    check: Any = False,
    **kwargs: Any,
) -> Any:
    """Stands in for :func:`subprocess.run`."""
    __tracebackhide__ = True
    request = request_of(popenargs, kwargs, captures=capture_output, sends=input)
    said = None if request is None else _said(request, popenargs, input, timeout, kwargs, sys._getframe())
    if request is None or said is None:
        return _REAL_RUN(
            *popenargs, input=input, capture_output=capture_output, timeout=timeout, check=check, **kwargs
        )
    code, stdout, stderr = said
    form = request.form
    if form.encoding is not None and (encoding := form.encoding_now()) is not None:
        stdout = None if stdout is None else decoded(stdout, encoding, form.errors)
        stderr = None if stderr is None else decoded(stderr, encoding, form.errors)
    if check and code:
        raise subprocess.CalledProcessError(code, popenargs[0], output=stdout, stderr=stderr)
    return subprocess.CompletedProcess(popenargs[0], code, stdout, stderr)


@wraps(_REAL_CALL)
def call(*popenargs: Any, timeout: Any = None, **kwargs: Any) -> int:
    """Stands in for :func:`subprocess.call`, which only waits."""
    __tracebackhide__ = True
    request = request_of(popenargs, kwargs)
    if request is not None and not request.form.has_pipes:
        said = _said(request, popenargs, None, timeout, kwargs, sys._getframe())
        if said is not None:
            return said[0]
    return _REAL_CALL(*popenargs, timeout=timeout, **kwargs)


def _said(
    request: Request,
    given: tuple[Any, ...],
    data: Any,
    timeout: Any,
    options: Mapping[str, Any],
    here: FrameType,
) -> tuple[int, Any, Any] | None:
    """Exit code and outputs; ``None`` where the short road can't be taken, and nothing has happened."""
    __tracebackhide__ = True
    handler = door.on_short_road()
    if handler is None or CLOCK.is_looked_at or not ways.are_intact():
        return None
    form, spawn, argv = request
    # No frame is behind a function that atexit calls.
    caller = here.f_back or here
    sent = None
    limit_ns = None if timeout is None else _limit_ns(timeout)
    encoding = None if form.encoding is None else form.encoding_now()
    if limit_ns == 0 or encoding == "":
        return None
    if form.has_stdin:
        sent = b"" if data is None else encoded(data, encoding, form.errors)
        if sent is None:
            return None
    if handler.answering(argv) is not handler:
        return None
    if hasattr(handler, "record"):
        return hearing.said(request, given[0], sent, timeout, options, cast(Hearer, handler), caller)

    tell = partial(announce, request, given[0], options.get("cwd"), options.get("env"))
    said = handler.replay_in_memory(spawn, form.streams, sent, limit_ns, tell, caller)
    if said is None:
        return None
    if subprocess._active:  # type: ignore[attr-defined]
        subprocess._cleanup()  # type: ignore[attr-defined]
    pid, code, stdout, stderr = said
    return _reaped(pid) if code is None else code, stdout, stderr


def _limit_ns(timeout: Any) -> int:
    """``timeout`` in nanoseconds, and 0 for one that the general road has to look at."""
    if type(timeout) not in (int, float) or not _MIN_TIMEOUT_S <= timeout <= _MAX_TIMEOUT_S:
        return 0
    return int(timeout * 1e9)


def _reaped(pid: int) -> int:
    """What ``Popen.wait`` does for a child that has played."""
    try:
        return reaping.exit_code(pid)
    except ProctapeError:
        child = TABLE.get(pid)
        if isinstance(child, VirtualChild):
            TABLE.reap(child)
        raise


def _is_known() -> bool:
    return (
        ways.are_known()
        and isinstance(_REAL_RUN, FunctionType)
        and isinstance(_REAL_CALL, FunctionType)
        and {"Popen", "communicate", "poll"} <= {*_REAL_RUN.__code__.co_names}
    )


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for the two functions; none where one of them is another than CPython's."""
    return [(subprocess, "run", run), (subprocess, "call", call)] if OPEN and _is_known() else []
