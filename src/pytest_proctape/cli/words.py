"""An entry in words, for ``show`` and ``diff``: its command, its end, its streams, the steps of its timeline.

Fields that are not named here are shown as the JSON that they are on the tape, so that a tape of a
newer model loses nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import TapeError
from ..tape import (
    Anything,
    Base64,
    Content,
    Entry,
    Event,
    Pattern,
    Payload,
    StdinStream,
    Stream,
    decode_argument,
    pattern_text,
)
from ..tape.base import Model
from .screen import counted, duration_text, visible

Decode = Callable[[Stream], Content]

_LONGEST = 1 << 24
"""Bytes of a stream that are looked at line by line. What is longer is told by size and hash."""
_HEAD = 24
EVENT_STREAMS = ("stdin", "stdout", "stderr", "data")


@dataclass(frozen=True, slots=True)
class Shown:
    """A stream as it can be shown.

    Attributes:
        about: one line: how much it is, and of what kind.
        lines: of text, without their line ends and not yet made visible; ``None`` for what is no text.
        unended: the last line has no line end.
        error: why it could not be read.
    """

    about: str
    lines: tuple[str, ...] | None
    unended: bool = False
    error: TapeError | None = None


def word_of(argument: object) -> str:
    """A word of a command line; a pattern stands as the JSON that it is on the tape."""
    if isinstance(argument, str | Base64):
        return decode_argument(argument)
    return compact(argument)


def command_of(entry: Entry) -> str:
    """The command line, as one would type it, safe to print."""
    words: list[object] = [entry.program, *entry.args]
    return " ".join(
        visible(shlex.quote(word_of(one)) if isinstance(one, str | Base64) else word_of(one)) for one in words
    )


def end_of(entry: Entry) -> str:
    """How the child ended, and after how long."""
    after = f" after {duration_text(entry.duration_ms)}" if entry.duration_ms else ""
    limit = entry.timed_out or entry.output_limit
    if limit is not None:
        return f"{visible(limit)}; {_plain_end_of(entry, after)}"
    return _plain_end_of(entry, after)


def _plain_end_of(entry: Entry, after: str) -> str:
    if entry.spawn_error is not None:
        error = entry.spawn_error
        message = f" ({visible(error.message)})" if error.message else ""
        return f"could not be started: {visible(error.errno or error.type)}{message}"
    if entry.running:
        return f"still running{after}"
    if entry.signal is not None:
        return f"ended by {visible(entry.signal)}{', core dumped' if entry.core_dumped else ''}{after}"
    return f"exit code {entry.exit_code or 0}{after}"


def shown(stream: StdinStream | None, decode: Decode) -> Shown:
    """``stream`` as it can be shown; one that can't be read says why."""
    if stream is None:
        return Shown("not captured", None)
    if isinstance(stream, Pattern):
        return Shown(f"what {pattern_text(stream)} stands for", None)
    try:
        content = decode(stream)
        where = f", payload {stream.sha256[:12]}" if isinstance(stream, Payload) else ""
        if content.size > _LONGEST:
            content.read(0, 1)
            return Shown(f"{content.size:,} bytes{where}, too many to show", None)
        raw = content.bytes()
    except TapeError as error:
        return Shown(f"can't be read: {error.problem}", None, error=error)
    if not raw:
        return Shown("nothing", ())
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        more = " ..." if len(raw) > _HEAD else ""
        digest = "" if where else f", SHA-256 {content.sha256[:12]}"
        return Shown(f"{len(raw):,} bytes of binary{where}{digest}: {raw[:_HEAD]!r}{more}", None)
    lines = text.split("\n")
    unended = lines[-1] != ""
    if not unended:
        lines.pop()
    size = counted(len(raw), "byte")
    return Shown(f"{counted(len(lines), 'line')}, {size}{where}", tuple(lines), unended)


def step_of(event: Event, decode: Decode) -> tuple[str, str]:
    """An event as direction and words: ``("<", "stdout 'yes\\n'")``.

    ``>`` is from the parent to the child, ``<`` the way back, ``x`` the child's end, ``~`` a wait.
    """
    for name in EVENT_STREAMS:
        stream = getattr(event, name)
        if stream is not None:
            label = f"fd {event.fd}" if name == "data" else name
            return (">" if name == "stdin" else "<"), f"{label:<6} {_brief(stream, decode)}"
    if event.close is not None:
        return (">" if event.close == "stdin" else "<"), f"closes {event.close}"
    if event.signal is not None:
        return ">", f"signal {visible(event.signal)}"
    if event.stopped is not None:
        return "<", f"stopped by {visible(event.stopped)}"
    if event.continued:
        return "<", "goes on"
    if event.set_terminal is not None:
        return ">", f"sets its terminal: {visible(event.set_terminal)}"
    if event.terminal is not None:
        return "<", f"its terminal: {visible(event.terminal) or 'as before'}"
    if event.ended:
        return "x", "ended, its outputs still held open"
    if event.timeout_ms is not None:
        return "~", f"a wait of {duration_text(event.timeout_ms)} expired"
    return "?", compact(event)


def _brief(stream: Stream, decode: Decode) -> str:
    """A stream in one line."""
    told = shown(stream, decode)
    if told.lines is None:
        return told.about
    text = "\n".join(told.lines) + ("" if told.unended or not told.lines else "\n")
    return repr(text)


def compact(value: object) -> str:
    """``value`` of a model as one line of JSON, safe to print."""
    return visible(json.dumps(plain(value), ensure_ascii=False))


def plain(value: object) -> object:
    """``value`` of a model as JSON has it, without what is not set."""
    if isinstance(value, Model):
        return value.model_dump()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return value


def is_stream(value: object) -> bool:
    """Whether ``value`` of a field is bytes: text by lines, base64 or a payload."""
    if isinstance(value, Base64 | Payload):
        return True
    return isinstance(value, tuple) and bool(value) and all(isinstance(one, str) for one in value)


STREAM_FIELDS = ("stdin", "stdout", "stderr")
SPAWN_FIELDS = ("program", "args", "argv0", "cwd", "env", "inputs", "phase")
END_FIELDS = (
    "exit_code",
    "signal",
    "core_dumped",
    "spawn_error",
    "running",
    "timed_out",
    "output_limit",
    "duration_ms",
)
TOLD_FIELDS = frozenset(
    {
        *STREAM_FIELDS,
        *SPAWN_FIELDS,
        *END_FIELDS,
        "fds",
        "timeline",
        "note",
        "effects",
        "began",
        "stderr_to_stdout",
        "seen_running",
    }
)
"""Fields that ``show`` has words for."""


def untold(entry: Entry) -> dict[str, object]:
    """Fields that are set and have no words of their own."""
    return {
        name: getattr(entry, name)
        for name, default in type(entry).model_fields.items()
        if name not in TOLD_FIELDS and getattr(entry, name) != default
    }


def input_about(entry: Entry, decode: Decode) -> Shown:
    """``stdin``, which may be known to be unknown."""
    if isinstance(entry.stdin, Anything):
        return Shown("anything: nobody looked at it", None)
    return shown(entry.stdin, decode)
