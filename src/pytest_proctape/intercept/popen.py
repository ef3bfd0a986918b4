"""What a ``Popen`` need not do on replay, where the child says a little into its pipes and ends.

Most of ``Popen._execute_child`` is for an exec that may fail: a pipe for the error, the list of all the files
that the program may be, the environment in bytes. Where the tape says that the child ends before anybody
could look at it, none of that is made. The pipes that the caller keeps are CPython's own, under the numbers
that they would have, and what the child says is written into them. Whatever is not plain goes to CPython's
function, and comes back through :mod:`.spawning`.

``communicate`` reads such a child's pipes one after the other: all is in them, so nobody has to select.
``PROCTAPE_SHORT_ROAD=none`` in the environment turns this off, and the short road with it. See
``docs/decisions/0027``.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from functools import lru_cache, partial
from types import FunctionType
from typing import Any

from ..child import FORKS, TABLE, EndedChild, Streams
from ..clock import CLOCK
from ..genuine import close
from . import door, loops, reaping, ways
from .asking import announce, request_of
from .known import POPEN, part

OPEN = os.environ.get("PROCTAPE_SHORT_ROAD") != "none"
_REAL_EXECUTE: Any = part(POPEN, "_execute_child")
_REAL_READ = os.read
_REAL_SELECTOR: Any = part(subprocess, "_PopenSelector")
_PARAMETERS = """
self args executable preexec_fn close_fds pass_fds cwd env startupinfo creationflags shell
p2cread p2cwrite c2pread c2pwrite errread errwrite restore_signals gid gids uid umask
start_new_session process_group
"""
_NO_FD = -2
_PLAIN = (True, None, None, None, -1, False, -1)
"""From ``restore_signals`` on: what says nothing."""
_READERS = (io.BufferedReader, io.TextIOWrapper)
_PIECE = 1 << 15


def execute_child(
    self: Any,
    args: Any,
    executable: Any,
    preexec_fn: Any,
    close_fds: Any,
    pass_fds: Any,
    cwd: Any,
    env: Any,
    startupinfo: Any,
    creationflags: Any,
    shell: Any,
    p2cread: int,
    p2cwrite: int,
    c2pread: int,
    c2pwrite: int,
    errread: int,
    errwrite: int,
    *rest: Any,
) -> None:
    """Stands in for ``Popen._execute_child``."""
    __tracebackhide__ = True
    pid = None
    null = getattr(self, "_devnull", _NO_FD)
    sends = p2cwrite != -1
    if (
        executable is None
        and preexec_fn is None
        and close_fds is True
        and not pass_fds
        and rest == _PLAIN
        and (sends or p2cread == -1 or p2cread == null)
    ):
        together = c2pwrite == errwrite != -1
        streams = _streams(c2pread != -1, errread != -1, c2pwrite == null, errwrite == null, together, sends)
        sent = None if sends or p2cread == -1 else b""
        pid = _started(self, args, cwd, env, shell, streams, sent, (p2cread, c2pwrite, errwrite))
    handles = p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite
    if pid is None:
        beside = (preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell)
        _REAL_EXECUTE(self, args, executable, *beside, *handles, *rest)
        return
    self.pid = pid
    self._child_created = True
    if null != _NO_FD:
        self._close_pipe_fds(*handles)
        return
    # The child's ends, as it closes them.
    if sends:
        close(p2cread)
    if c2pread != -1:
        close(c2pwrite)
    if errread != -1:
        close(errwrite)
    self._closed_child_pipe_fds = True


def _started(
    self: Any,
    args: Any,
    cwd: Any,
    env: Any,
    shell: Any,
    streams: Streams,
    sent: bytes | None,
    handed: tuple[int, int, int],
) -> int | None:
    """The pid of a child that has ended, or that a loop waits for.

    ``None`` where CPython has to ask, and nothing has happened.
    """
    handler = door.on_short_road()
    if handler is None or hasattr(handler, "record") or CLOCK.is_looked_at or not ways.to_start():
        return None
    asking = loops.asking_loop()
    if asking is None and streams.private:
        # What it says may be an answer.
        return None
    options: dict[str, Any] = {} if cwd is None else {"cwd": cwd}
    if env is not None:
        options["env"] = env
    if shell:
        options["shell"] = True
    request = request_of((args,), options)
    if request is None or handler.answering(request.argv) is not handler:
        return None
    tell, caller = partial(announce, request, args, cwd, env), sys._getframe(2)
    if asking is not None:
        from . import looped

        return looped.start(asking, handler, request.spawn, streams, sent, handed, tell, self, caller)
    return handler.replay_at_once(request.spawn, streams, sent, handed[1:], tell, caller)


@lru_cache
def _streams(out: bool, err: bool, no_out: bool, no_err: bool, together: bool, sends: bool) -> Streams:
    piped = tuple(fd for fd, is_so in ((1, out), (2, out if together else err)) if is_so)
    discarded = tuple(fd for fd, is_so in ((1, no_out), (2, no_err)) if is_so)
    return Streams(piped, discarded, private=sends, together=together)


def read_out(popen: Any, child: object) -> tuple[Any, Any] | None:
    """What ``Popen._communicate`` gives where all is in the pipes; ``None`` where CPython has to look."""
    if not isinstance(child, EndedChild) or popen.stdin is not None or popen._communication_started:
        return None
    out, err = popen.stdout, popen.stderr
    if type(out) not in _READERS or type(err) not in _READERS or out.closed or err.closed:
        return None
    if os.read is not _REAL_READ or vars(subprocess)["_PopenSelector"] is not _REAL_SELECTOR:
        return None
    stdout, stderr = _rest(out), _rest(err)
    # As it leaves them for who asks a second time.
    popen._fileobj2output = {out: [stdout], err: [stderr]}
    popen.wait()
    if popen.text_mode:
        decoded = popen._translate_newlines
        return decoded(stdout, out.encoding, out.errors), decoded(stderr, err.encoding, err.errors)
    return stdout, stderr


def _rest(stream: Any) -> bytes:
    """What is left in a pipe, read past the stream's own buffer as CPython does; then it is closed."""
    fd = stream.fileno()
    data = piece = os.read(fd, _PIECE)
    while piece:
        piece = os.read(fd, _PIECE)
        data += piece
    stream.close()
    return data


def reaped(popen: Any, child: object) -> int | None:
    """What ``Popen._wait`` gives for a child that has ended; ``None`` where CPython has to look."""
    if not isinstance(child, EndedChild) or os.waitpid is not reaping.waitpid or FORKS:
        return None
    with popen._waitpid_lock:
        if popen.returncode is None:
            popen.returncode = TABLE.collect(child)
    code: int = popen.returncode
    return code


def replacements() -> list[tuple[Any, str, Any]]:
    """``(where, name, what)``; nothing where somebody else has replaced it, or in another CPython."""
    code = _REAL_EXECUTE.__code__ if isinstance(_REAL_EXECUTE, FunctionType) else None
    if not OPEN or not ways.are_known() or code is None:
        return []
    if [*code.co_varnames[: code.co_argcount]] != _PARAMETERS.split():
        return []
    if vars(POPEN)["_execute_child"] is not _REAL_EXECUTE:
        return []
    return [(POPEN, "_execute_child", execute_child)]
