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
from functools import partial
from operator import itemgetter
from types import FrameType
from typing import Any

from ..child import TABLE, Said, VirtualChild
from ..clock import CLOCK
from . import door
from .asking import OPTIONS, Form, decoded, encoded, form_of, spawn_of

OPEN = os.environ.get("PROCTAPE_SHORT_ROAD") != "0"
_VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
"""Their ``Lib/subprocess.py`` has been read for this: what ``run`` does between the two calls, and after."""

_Popen = subprocess.Popen
_REAL_INIT: Callable[..., None] = _Popen.__init__
_REAL_COMMUNICATE: Callable[..., Any] = _Popen.communicate
_RUN = subprocess.run.__code__
_CALL = subprocess.call.__code__
_CALLERS = (_RUN, _CALL)

_SAID = "_proctape_said"
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
        # Views: what is replaced later shows in them.
        self._places = vars(_Popen), vars(subprocess), vars(os)
        self._real = self._now()
        self._open = io.open

    def _now(self) -> tuple[Any, ...]:
        popen, module, system = self._places
        return self._popen(popen), self._module(module), self._os(system)

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
        and options.keys() <= OPTIONS
        and _start(self, args[0], options, frame)
    ):
        return
    _REAL_INIT(self, *args, **options)


def _start(popen: Any, args: Any, options: Mapping[str, Any], frame: FrameType) -> bool:
    """Take the short road, or leave everything as it was."""
    handler = door.replayer()
    if handler is None or CLOCK.is_looked_at or _ways is None or not _ways.are_intact():
        return False
    # The other caller only waits.
    takes, told = frame.f_code is _RUN, frame.f_locals
    form = form_of(options)
    limit_ns = _limit_ns(told["timeout"])
    if form is None or limit_ns == 0 or (form.has_pipes and not takes):
        return False
    encoding = form.encoding_now()
    sent: bytes | None = b"" if form.has_stdin else None
    if takes and told["input"] is not None:
        sent = encoded(told["input"], encoding, form.errors) if form.streams.private else None
        if sent is None:
            return False
    spawn = None if encoding == "" else spawn_of(args, form, options)
    if spawn is None or handler.answering(argv := [spawn.program, *spawn.args]) is not handler:
        return False
    announce = partial(_announce, argv, form, options)
    said = handler.replay_in_memory(spawn, form.streams, sent, limit_ns, announce, frame)
    if said is None:
        return False
    _fill(popen, args, options, encoding, said)
    if takes:
        setattr(popen, _SAID, (said, encoding, form.errors))
    return True


def _announce(argv: list[str], form: Form, options: Mapping[str, Any]) -> None:
    """Raise the audit events that the general road raises."""
    if form.opens_null:
        sys.audit("open", os.devnull, None, os.O_RDWR | os.O_CLOEXEC)
    sys.audit("subprocess.Popen", argv[0], argv, options.get("cwd"), options.get("env"))


def _limit_ns(timeout: Any) -> int | None:
    """``timeout`` in nanoseconds, and 0 for one that the general road has to look at."""
    if timeout is None:
        return None
    if type(timeout) not in (int, float) or not _MIN_TIMEOUT_S <= timeout <= _MAX_TIMEOUT_S:
        return 0
    return int(timeout * 1e9)


def _fill(popen: Any, args: Any, options: Mapping[str, Any], encoding: str | None, said: Said) -> None:
    """The attributes that ``Popen.__init__`` sets, in its order."""
    if subprocess._active:  # type: ignore[attr-defined]
        subprocess._cleanup()  # type: ignore[attr-defined]
    given = options.get
    errors = given("errors")
    popen._waitpid_lock = threading.Lock()
    popen._input = None
    popen._communication_started = False
    popen.args = args
    popen.stdin = None
    popen.stdout = None
    popen.stderr = None
    popen.pid = said.pid
    popen.returncode = said.exit_code
    popen.encoding = encoding
    popen.errors = errors
    popen.pipesize = -1
    popen.text_mode = given("encoding") or errors or given("text") or given("universal_newlines")
    popen._sigint_wait_secs = 0.25
    popen._closed_child_pipe_fds = True
    popen._child_created = True


def communicate(self: Any, input: Any = None, timeout: float | None = None) -> Any:  # noqa: A002 - its name there
    """Stands in for ``Popen.communicate``."""
    # A class of the test's own may have something to say on names that it does not know.
    kept = getattr(self, _SAID, None) if type(self) is _Popen else None
    if kept is None:
        return _REAL_COMMUNICATE(self, input, timeout)
    delattr(self, _SAID)
    said, encoding, errors = kept
    self._communication_started = True
    if self.returncode is None and not _reap(self):
        self.wait()
    stdout, stderr = said.stdout, said.stderr
    if encoding is None:
        return stdout, stderr
    return (
        None if stdout is None else decoded(stdout, encoding, errors),
        None if stderr is None else decoded(stderr, encoding, errors),
    )


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
