"""The short road of ``subprocess.run``: a replayed child whose streams nobody sees gets no descriptors.

``run`` makes a ``Popen``, hands it the input, takes all of the output and gives nothing of it away. Between
its two calls no code of the test runs, so pipes, files, selector and error pipe could not be told from none.
This module stands in for these two calls, ``Popen.__init__`` and ``Popen.communicate``. Whatever it does not
know for sure goes the general road, the one of :mod:`.spawning`, from the beginning: an option, a type, an
entry with more than output and an end, a function that somebody has replaced, another CPython.

``PROCTAPE_SHORT_ROAD=0`` in the environment turns it off. See ``docs/decisions/0021``.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from operator import itemgetter
from types import FrameType
from typing import Any

from ..child import TABLE, Memory, MemoryOutlet, Outlet, VirtualChild
from ..clock import CLOCK
from ..tape import Spawn
from . import door

OPEN = os.environ.get("PROCTAPE_SHORT_ROAD") != "0"
_VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
"""Their ``Lib/subprocess.py`` has been read for this: what ``run`` does between the two calls, and after."""

_Popen = subprocess.Popen
_REAL_INIT: Callable[..., None] = _Popen.__init__
_REAL_COMMUNICATE: Callable[..., Any] = _Popen.communicate
_PIPE, _STDOUT, _DEVNULL = subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL
_RUN = subprocess.run.__code__
_CALL = subprocess.call.__code__
_CALLERS = (_RUN, _CALL)

_MEMORY = "_proctape_memory"
_OPTIONS = frozenset(
    ["stdin", "stdout", "stderr", "shell", "cwd", "env", "text", "universal_newlines", "encoding", "errors"]
)
_ENCODINGS = frozenset({"utf-8", "utf8", "ascii", "us-ascii", "latin-1", "iso-8859-1"})
"""Those that decode a whole as they decode its pieces."""
_ERRORS = frozenset({"strict", "ignore", "replace", "surrogateescape", "backslashreplace"})
_KINDS = frozenset({int, type(None)})
_SHAPES: Mapping[tuple[int | None, int | None, int | None], tuple[int, ...]] = {
    (stdin, stdout, stderr): tuple(fd for fd, one in ((1, stdout), (2, stderr)) if one == _DEVNULL)
    for stdin in (None, _PIPE, _DEVNULL)
    for stdout in (None, _PIPE, _DEVNULL)
    for stderr in (None, _PIPE, _DEVNULL, _STDOUT)
    if stderr != _STDOUT or stdout == _PIPE
}
"""What may be asked for, as stdin, stdout and stderr, and which outputs are discarded then."""
_MIN_TIMEOUT_S, _MAX_TIMEOUT_S = 0.1, 1e8
"""What is shorter may expire before CPython has made its pipes."""
_POPEN_TEXT = """
_execute_child _get_handles _communicate _internal_poll _wait wait poll send_signal __enter__ __exit__
"""
_POPEN_NAMES = _POPEN_TEXT.split()
_MODULE_NAMES = [
    "_fork_exec",
    "_PopenSelector",
    "_text_encoding",
    "_time",
    "io",
    "os",
    "selectors",
    "threading",
]
_OS_NAMES = ["pipe", "read", "close", "waitpid", "fsencode"]
"""What the general road calls; if a test puts something in the place of one, it wants to see the call."""


class _Ways:
    """What those names mean as long as nobody but this package has replaced one."""

    def __init__(self) -> None:
        self._popen = itemgetter(*_POPEN_NAMES)
        self._module = itemgetter(*_MODULE_NAMES)
        self._os = itemgetter(*_OS_NAMES)
        self._real = self._now()
        self._open = io.open

    def _now(self) -> tuple[Any, ...]:
        return self._popen(vars(_Popen)), self._module(vars(subprocess)), self._os(vars(os))

    def are_intact(self) -> bool:
        """Whether a call would come where it usually comes."""
        return self._now() == self._real and io.open is self._open


_ways: _Ways | None = None
"""As they were when the stand-ins had been put in place."""


def init(self: Any, /, *args: Any, **options: Any) -> None:
    """Stands in for ``Popen.__init__``."""
    frame = sys._getframe(1)
    if (
        frame.f_code in _CALLERS
        and len(args) == 1
        and type(self) is _Popen
        and options.keys() <= _OPTIONS
        and _start(self, args[0], options, frame)
    ):
        return
    _REAL_INIT(self, *args, **options)


def _start(popen: Any, args: Any, options: Mapping[str, Any], frame: FrameType) -> bool:
    """Take the short road, or leave everything as it was."""
    handler = door.replayer()
    if handler is None or CLOCK.in_use or CLOCK.timeline.holds or _ways is None or not _ways.are_intact():
        return False
    argv = _argv(args, options.get("shell", False))
    text = _text(options)
    if argv is None or text is None or handler.answering(argv) is not handler:
        return False
    memory = _memory(options, frame, text)
    spawn = None if memory is None else _spawn(argv, options)
    if memory is None or spawn is None:
        return False
    pid = handler.replay_in_memory(spawn, memory, partial(_announce, argv, options))
    if pid is None:
        return False
    _fill(popen, args, options, text[0])
    popen.pid = pid
    popen.returncode = memory.exit_code
    popen._child_created = True
    if frame.f_code is _RUN:
        popen.__dict__[_MEMORY] = memory, text
    return True


def _announce(argv: list[str], options: Mapping[str, Any]) -> None:
    """Raise the audit events that the general road raises."""
    if _DEVNULL in (options.get("stdin"), options.get("stdout"), options.get("stderr")):
        sys.audit("open", os.devnull, None, os.O_RDWR | os.O_CLOEXEC)
    sys.audit("subprocess.Popen", argv[0], argv, options.get("cwd"), options.get("env"))


def _argv(args: Any, shell: Any) -> list[str] | None:
    """What ``Popen._execute_child`` makes of ``args``; ``None`` where that has to look closer."""
    if type(args) is str:
        words = [args]
    elif type(args) in (list, tuple):
        words = list(args)
    else:
        return None
    for index, word in enumerate(words):
        if type(word) is not str and isinstance(word, os.PathLike):
            words[index] = word = os.fspath(word)
        # What can't be an argument is told by the general road.
        if type(word) is not str or not word.isascii() or "\0" in word:
            return None
    if shell is True:
        return ["/bin/sh", "-c", *words]
    return words if words and shell is False else None


def _text(options: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """Encoding (``None`` for bytes) and errors; ``None`` for what has to be looked at closer."""
    encoding, errors = options.get("encoding"), options.get("errors")
    text, newlines = options.get("text"), options.get("universal_newlines")
    if encoding is None and errors is None and not text and not newlines:
        return None, "strict"
    if text is not None and newlines is not None:
        return None
    if encoding is None:
        if sys.flags.warn_default_encoding:
            return None
        encoding = subprocess._text_encoding()  # type: ignore[attr-defined]
    if errors is None:
        errors = "strict"
    if type(encoding) is not str or encoding.lower() not in _ENCODINGS or errors not in _ERRORS:
        return None
    return encoding, errors


def _memory(options: Mapping[str, Any], frame: FrameType, text: tuple[str | None, str]) -> Memory | None:
    """The streams that are asked for, if they are such that nobody else can see them."""
    stdin, stdout, stderr = streams = options.get("stdin"), options.get("stdout"), options.get("stderr")
    if not _KINDS.issuperset(map(type, streams)) or streams not in _SHAPES:
        return None
    told = frame.f_locals
    limit_ns = _limit_ns(told["timeout"])
    sent: bytes | None = None if stdin is None else b""
    if frame.f_code is _CALL:
        if _PIPE in streams:
            return None
    elif told["input"] is not None:
        sent = _encoded(told["input"], text)
        if sent is None or stdin != _PIPE:
            return None
    if limit_ns == 0:
        return None
    outlets: dict[int, Outlet] = {}
    if stdout == _PIPE:
        outlets[1] = MemoryOutlet()
    if stderr == _PIPE:
        outlets[2] = MemoryOutlet()
    elif stderr == _STDOUT:
        outlets[2] = outlets[1]
    return Memory(
        sent,
        outlets,
        _SHAPES[streams],
        private=stdin == _PIPE,
        together=stderr == _STDOUT,
        limit_ns=limit_ns,
    )


def _limit_ns(timeout: Any) -> int | None:
    """``timeout`` in nanoseconds, and 0 for one that the general road has to look at."""
    if timeout is None:
        return None
    if type(timeout) not in (int, float) or not _MIN_TIMEOUT_S <= timeout <= _MAX_TIMEOUT_S:
        return 0
    return int(timeout * 1e9)


def _encoded(data: Any, text: tuple[str | None, str]) -> bytes | None:
    encoding, errors = text
    if encoding is None:
        return data if type(data) is bytes else None
    if type(data) is not str:
        return None
    try:
        return data.encode(encoding, errors)
    except UnicodeError:
        return None


def _spawn(argv: list[str], options: Mapping[str, Any]) -> Spawn | None:
    cwd, env = options.get("cwd"), options.get("env")
    if cwd is not None:
        cwd = os.fspath(cwd) if isinstance(cwd, os.PathLike) else cwd
        if type(cwd) is not str or not cwd.isascii() or "\0" in cwd:
            return None
    if env is None:
        return _plain_spawn(tuple(argv), cwd)
    if not _is_plain_environment(env):
        return None
    return Spawn(argv[0], tuple(argv[1:]), None, cwd, dict(env))


@lru_cache(1024)
def _plain_spawn(argv: tuple[str, ...], cwd: str | None) -> Spawn:
    return Spawn(argv[0], argv[1:], None, cwd)


def _is_plain_environment(env: Any) -> bool:
    """Whether an environment needs neither converting nor an error."""
    try:
        names, values = "".join(env), "".join(env.values())
    except (AttributeError, TypeError):
        return False
    texts = names + values
    return type(env) is dict and "=" not in names and "\0" not in texts and texts.isascii()


def _fill(popen: Any, args: Any, options: Mapping[str, Any], encoding: str | None) -> None:
    """The attributes that ``Popen.__init__`` sets, in its order."""
    if subprocess._active:  # type: ignore[attr-defined]
        subprocess._cleanup()  # type: ignore[attr-defined]
    given = options.get
    errors = given("errors")
    popen.__dict__.update(
        _waitpid_lock=threading.Lock(),
        _input=None,
        _communication_started=False,
        args=args,
        stdin=None,
        stdout=None,
        stderr=None,
        pid=None,
        returncode=None,
        encoding=encoding,
        errors=errors,
        pipesize=-1,
        text_mode=given("encoding") or errors or given("text") or given("universal_newlines"),
        _sigint_wait_secs=0.25,
        _closed_child_pipe_fds=True,
    )


def communicate(self: Any, input: Any = None, timeout: float | None = None) -> Any:  # noqa: A002 - its name there
    """Stands in for ``Popen.communicate``."""
    kept = self.__dict__.pop(_MEMORY, None)
    if kept is None:
        return _REAL_COMMUNICATE(self, input, timeout)
    memory, (encoding, errors) = kept
    self._communication_started = True
    if self.returncode is None and not _reap(self):
        self.wait()
    outlets = memory.outlets
    found = [outlets[1].bytes() if 1 in outlets else None, None]
    if 2 in outlets and not memory.together:
        found[1] = outlets[2].bytes()
    if encoding is None:
        return tuple(found)
    return tuple(None if data is None else _decoded(data, encoding, errors) for data in found)


def _decoded(data: bytes, encoding: str, errors: str) -> str:
    return data.decode(encoding, errors).replace("\r\n", "\n").replace("\r", "\n")


def _reap(popen: Any) -> bool:
    """What ``Popen.wait`` does, where there is nothing to it."""
    child = TABLE.get(popen.pid)
    if (
        not isinstance(child, VirtualChild)
        or child.status is None
        or child.error is not None
        or TABLE.keeps_no_status()
    ):
        return False
    TABLE.reap(child)
    popen.returncode = os.waitstatus_to_exitcode(child.status)
    return True


def _is_known() -> bool:
    return sys.version_info[:2] in _VERSIONS and {"Popen", "communicate", "poll"} <= {*_RUN.co_names}


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)`` for the two calls; nothing where the road is closed."""
    global _ways
    _ways = None
    if not OPEN or not _is_known():
        return []
    return [(_Popen, "__init__", init), (_Popen, "communicate", communicate)]


def open_road() -> None:
    """All stand-ins are in place."""
    global _ways
    _ways = _Ways()
