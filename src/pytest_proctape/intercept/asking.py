"""What ``subprocess.run`` was asked for, where that is plain: the words, the streams, the text.

:mod:`.short` asks. What is not known for sure to be plain is nothing here, and goes the general road. The
same calls are made again and again, so what they mean is remembered.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, TypeVar

from ..child import Streams
from ..frozen import Value
from ..rows import Row
from ..tape import Spawn

OPTIONS = frozenset(
    ["stdin", "stdout", "stderr", "shell", "cwd", "env", "text", "universal_newlines", "encoding", "errors"]
)
"""Those that may be given."""
_PIPE, _STDOUT, _DEVNULL = subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL
_ENCODINGS = frozenset({"utf-8", "utf8", "ascii", "us-ascii", "latin-1", "iso-8859-1"})
"""Those that decode a whole as they decode its pieces."""
_ERRORS = frozenset({"strict", "ignore", "replace", "surrogateescape", "backslashreplace"})
_KINDS = frozenset({int, type(None)})
_PLAIN = frozenset({int, bool, str, type(None)})
_LIMIT = 1024
_T = TypeVar("_T")
_BY_LOCALE = ""


class Form(Value):
    """How a child was asked for, apart from its words and from where it runs.

    Attributes:
        streams: that it gets.
        has_stdin: its stdin is not the parent's own.
        has_pipes: the parent is at the other end of one.
        opens_null: the null device is one of its streams.
        shell: its words are for a shell.
        encoding: of its text; ``None`` for bytes, ``""`` for that of the locale.
        errors: what becomes of what is no text.
    """

    streams: Streams
    has_stdin: bool
    has_pipes: bool
    opens_null: bool
    shell: bool
    encoding: str | None
    errors: str

    def encoding_now(self) -> str | None:
        """The encoding; ``""`` for one that has to be looked at closer."""
        if self.encoding != _BY_LOCALE:
            return self.encoding
        if sys.flags.warn_default_encoding:
            return ""
        encoding: str = subprocess._text_encoding()  # type: ignore[attr-defined]
        return encoding if encoding.lower() in _ENCODINGS else ""


_STREAMS: Mapping[tuple[int | None, int | None, int | None], Streams] = {
    (stdin, stdout, stderr): Streams(
        tuple(fd for fd, one in ((1, stdout), (2, stderr)) if one == _PIPE),
        tuple(
            fd for fd, one in ((1, stdout), (2, stdout if stderr == _STDOUT else stderr)) if one == _DEVNULL
        ),
        private=stdin == _PIPE,
        # The null device is the same for both, as a tape sees it.
        together=stderr == _STDOUT or stdout == stderr == _DEVNULL,
    )
    for stdin in (None, _PIPE, _DEVNULL)
    for stdout in (None, _PIPE, _DEVNULL)
    for stderr in (None, _PIPE, _DEVNULL, _STDOUT)
    if stderr != _STDOUT or stdout is not None
}
"""By what is asked for as stdin, stdout and stderr."""


class Request(Row):
    """A call in other words.

    Attributes:
        form: how the child is asked for.
        spawn: what is asked for.
        argv: its whole command line.
    """

    form: Form
    spawn: Spawn
    argv: tuple[str, ...]


_requests: dict[tuple[object, ...], Request] = {}
"""By the command and the options, without where it is to run."""
_forms: dict[tuple[object, ...], Form] = {}
"""By these options alone: a suite has many commands, and asks for them in few forms."""
_PLACING = ("cwd", "env")
_ONE_STR = {str}


def request_of(
    given: tuple[Any, ...], options: Mapping[str, Any], *, captures: Any = False, sends: Any = None
) -> Request | None:
    """What a call means; ``None`` where the general road has to look.

    What is equal means the same to ``Popen``, be it ``1`` in the place of ``True``.

    Args:
        given: what it was given without a name.
        options: what it was given by name.
        captures: ``capture_output`` of :func:`subprocess.run`.
        sends: its ``input``.
    """
    if len(given) != 1:
        return None
    args = given[0]
    words = tuple(args) if type(args) is list else args
    form_key: tuple[object, ...] = (not captures, sends is None)
    placed, plain = False, options
    if options:
        placed = "env" in options or "cwd" in options
        if placed:
            plain = {name: options[name] for name in options if name not in _PLACING}
        form_key = (*form_key, *plain, *plain.values())
    key = (words, form_key)
    try:
        request = _requests.get(key)
        form = None if request is not None else _forms.get(form_key)
    except TypeError:
        return None
    if request is None:
        if form is None:
            form = form_of(_completed(plain, captures=captures, sends=sends))
            if form is None:
                return None
            _keep(_forms, form_key, form)
        request = _request_of(args, form)
        if request is None:
            return None
        # Words that are not text may change what they say.
        if _ONE_STR.issuperset(map(type, words)):
            _keep(_requests, key, request)
    return _placed(request, options.get("cwd"), options.get("env")) if placed else request


def _keep(known: dict[tuple[object, ...], _T], key: tuple[object, ...], what: _T) -> None:
    """Remember it; from time to time all are forgotten."""
    if len(known) >= _LIMIT:
        known.clear()
    known[key] = what


def _completed(options: Mapping[str, Any], *, captures: Any, sends: Any) -> Mapping[str, Any] | None:
    """The options as ``run`` hands them on to ``Popen``; ``None`` where it refuses them."""
    more = {"stdout": _PIPE, "stderr": _PIPE} if captures else {}
    if sends is not None:
        more["stdin"] = _PIPE
    return None if any(options.get(name) is not None for name in more) else {**options, **more}


def _request_of(args: Any, form: Form) -> Request | None:
    argv = words_of(args, shell=form.shell)
    return None if argv is None else Request(form, Spawn(argv[0], tuple(argv[1:])), tuple(argv))


def form_of(options: Mapping[str, Any] | None) -> Form | None:
    """What plain options mean; ``None`` where the general road has to look."""
    if options is None or not options.keys() <= OPTIONS or not _PLAIN.issuperset(map(type, options.values())):
        return None
    streams = options.get("stdin"), options.get("stdout"), options.get("stderr")
    shell, text = options.get("shell", False), _text(options)
    if not _KINDS.issuperset(map(type, streams)) or streams not in _STREAMS:
        return None
    if text is None or type(shell) is not bool:
        return None
    return Form(
        _STREAMS[streams], streams[0] is not None, _PIPE in streams, _DEVNULL in streams, shell, *text
    )


def _text(options: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """Encoding and errors as in :class:`Form`; ``None`` for what has to be looked at closer."""
    encoding, errors = options.get("encoding"), options.get("errors")
    text, newlines = options.get("text"), options.get("universal_newlines")
    if encoding is None and errors is None and not text and not newlines:
        return None, "strict"
    if text is not None and newlines is not None:
        return None
    if errors is None:
        errors = "strict"
    if encoding is None:
        encoding = _BY_LOCALE
    elif type(encoding) is not str or encoding.lower() not in _ENCODINGS:
        return None
    return (encoding, errors) if errors in _ERRORS else None


def words_of(args: Any, *, shell: bool) -> list[str] | None:
    """What ``Popen._execute_child`` makes of ``args``; ``None`` where that has to look closer."""
    if type(args) is str:
        words = [args]
    elif type(args) in (list, tuple):
        words = list(args)
    else:
        return None
    if not _ONE_STR.issuperset(map(type, words)):
        words = [os.fspath(word) if _is_path(word) else word for word in words]
        if not _ONE_STR.issuperset(map(type, words)):
            return None
    # What can't be an argument is told by the general road.
    whole = "".join(words)
    if not whole.isascii() or "\0" in whole:
        return None
    if shell:
        return ["/bin/sh", "-c", *words]
    return words or None


def _is_path(word: Any) -> bool:
    return type(word) is not str and isinstance(word, os.PathLike)


def announce(request: Request, args: Any, cwd: Any, env: Any, *, opened: bool = False) -> None:
    """Raise the audit events of a ``Popen``, which tell the words as they were given.

    Args:
        request: what is asked for.
        args: the command.
        cwd: of the call.
        env: of the call.
        opened: the null device has been opened for it, where it is asked for, and that has been told.
    """
    form = request.form
    if form.opens_null and not opened:
        sys.audit("open", os.devnull, None, os.O_RDWR | os.O_CLOEXEC)
    words = [args] if type(args) is str else [*args]
    if form.shell:
        words = ["/bin/sh", "-c", *words]
    sys.audit("subprocess.Popen", words[0], words, cwd, env)


def _placed(request: Request, cwd: Any, env: Any) -> Request | None:
    """The same with a working directory and an environment."""
    if cwd is not None:
        cwd = os.fspath(cwd) if isinstance(cwd, os.PathLike) else cwd
        if type(cwd) is not str or not cwd.isascii() or "\0" in cwd:
            return None
    if env is not None and not _is_plain_environment(env):
        return None
    spawn = request.spawn
    placed = Spawn(spawn.program, spawn.args, None, cwd, None if env is None else dict(env))
    return Request(request.form, placed, request.argv)


def _is_plain_environment(env: Any) -> bool:
    """Whether an environment needs neither converting nor an error."""
    try:
        names, values = "".join(env), "".join(env.values())
    except (AttributeError, TypeError):
        return False
    texts = names + values
    # What an empty name is, is up to the version of CPython.
    return type(env) is dict and "" not in env and "=" not in names and "\0" not in texts and texts.isascii()


def encoded(data: Any, encoding: str | None, errors: str) -> bytes | None:
    """What is sent for the ``input`` of a call; ``None`` where the general road has to look."""
    if encoding is None:
        return data if type(data) is bytes else None
    if type(data) is not str:
        return None
    try:
        return data.encode(encoding, errors)
    except UnicodeError:
        return None


def decoded(data: bytes, encoding: str, errors: str) -> str:
    """The text of a stream, with newlines as ``Popen`` gives them."""
    text = data.decode(encoding, errors)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
