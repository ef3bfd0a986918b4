"""What ``subprocess.run`` was asked for, where that is plain: the words, the streams, the text.

:mod:`.short` asks. What is not known for sure to be plain is nothing here, and goes the general road. The
same calls are made again and again, so what they mean is remembered.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..child import Streams
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
_BY_LOCALE = ""


class Form(NamedTuple):
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
        tuple(fd for fd, one in ((1, stdout), (2, stderr)) if one == _DEVNULL),
        private=stdin == _PIPE,
        together=stderr == _STDOUT,
    )
    for stdin in (None, _PIPE, _DEVNULL)
    for stdout in (None, _PIPE, _DEVNULL)
    for stderr in (None, _PIPE, _DEVNULL, _STDOUT)
    if stderr != _STDOUT or stdout == _PIPE
}
"""By what is asked for as stdin, stdout and stderr."""

_forms: dict[tuple[tuple[str, Any], ...], Form | None] = {}
_spawns: dict[tuple[bool, int, str], Spawn] = {}


def form_of(options: Mapping[str, Any]) -> Form | None:
    """What the options of a call mean; ``None`` where the general road has to look."""
    if "env" in options or "cwd" in options:
        options = {name: value for name, value in options.items() if name not in {"env", "cwd"}}
    if not _PLAIN.issuperset(map(type, options.values())):
        return None
    key = tuple(options.items())
    try:
        return _forms[key]
    except KeyError:
        if len(_forms) >= _LIMIT:
            _forms.clear()
        form = _forms[key] = _form_of(options)
        return form


def _form_of(options: Mapping[str, Any]) -> Form | None:
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


def spawn_of(args: Any, form: Form, options: Mapping[str, Any]) -> Spawn | None:
    """What is asked for; ``None`` where the general road has to look."""
    key = _key(args, form.shell)
    spawn = None if key is None else _spawns.get(key)
    if spawn is None:
        argv = words_of(args, shell=form.shell)
        if argv is None:
            return None
        spawn = Spawn(argv[0], tuple(argv[1:]))
        if key is not None:
            if len(_spawns) >= _LIMIT:
                _spawns.clear()
            _spawns[key] = spawn
    if "cwd" in options or "env" in options:
        return _placed(spawn, options.get("cwd"), options.get("env"))
    return spawn


def _key(args: Any, shell: bool) -> tuple[bool, int, str] | None:
    """Tells commands apart: no word that is kept has a null, and their number tells how many there are."""
    kind = type(args)
    if kind is str:
        return shell, -1, args
    try:
        return (shell, len(args), "\0".join(args)) if kind is list or kind is tuple else None
    except TypeError:
        return None


def words_of(args: Any, *, shell: bool) -> list[str] | None:
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
    if shell:
        return ["/bin/sh", "-c", *words]
    return words or None


def _placed(spawn: Spawn, cwd: Any, env: Any) -> Spawn | None:
    """The same with a working directory and an environment."""
    if cwd is not None:
        cwd = os.fspath(cwd) if isinstance(cwd, os.PathLike) else cwd
        if type(cwd) is not str or not cwd.isascii() or "\0" in cwd:
            return None
    if env is None:
        return Spawn(spawn.program, spawn.args, None, cwd)
    return Spawn(spawn.program, spawn.args, None, cwd, dict(env)) if _is_plain_environment(env) else None


def _is_plain_environment(env: Any) -> bool:
    """Whether an environment needs neither converting nor an error."""
    try:
        names, values = "".join(env), "".join(env.values())
    except (AttributeError, TypeError):
        return False
    texts = names + values
    return type(env) is dict and "=" not in names and "\0" not in texts and texts.isascii()


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
