"""What must hold in an entry beyond the types of its fields. The codec asks on reading and on writing.

Plain functions and not validators of the models: a validator would cost every plain entry as much as
all of its parsing, and most entries can be let through by one look at which fields are set.
"""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterable, Iterator, Mapping

from ..later import later
from .effect_checks import TIME_EXPECTED, effect_problems, is_time
from .model import Entry, Event, Payload, SentSignal, SpawnError
from .patterns import Anything
from .problem import Problem

_HARMLESS = frozenset(
    [
        "program",
        "args",
        "argv0",
        "cwd",
        "env",
        "inputs",
        "phase",
        "stdin",
        "stdout",
        "stderr",
        "exit_code",
        "duration_ms",
        "note",
    ]
)
"""No value of these fields is at odds with a value of another one of them."""

_ACTIONS = (
    "stdin",
    "stdout",
    "stderr",
    "data",
    "close",
    "signal",
    "stopped",
    "continued",
    "ended",
    "timeout_ms",
    "terminal",
    "set_terminal",
    "effects",
    "stream",
)
_SIGNAL_EXPECTED = 'a signal of this platform, as in "SIGTERM", "SIGRTMIN+1" or "SIG35"'
_ERRNO_EXPECTED = 'an error number of this platform, as in "ENOENT" or "E2"; "" for none'
_SETTINGS_EXPECTED = 'settings of a terminal in the words of stty, as in "-echo min 1 rows 24 columns 80"'
_SIZE_EXPECTED = 'the size of a terminal, as in "rows 24 columns 80"'
_STREAM_EXPECTED = "stdin, stdout or stderr, or 0, or 3 or more: the number of a descriptor"
_STREAM = later(r"(?:stdin|stdout|stderr|0|[3-9]|[1-9][0-9]{1,9})\Z", re.ASCII)
_REAL_TIME = later(r"SIGRTMIN\+([0-9]{1,2})\Z", re.ASCII)
_NUMBERED_SIGNAL = later(r"SIG([1-9][0-9]{0,2})\Z", re.ASCII)
_NUMBERED_ERROR = later(r"E([1-9][0-9]{0,4})\Z", re.ASCII)


def problems(entry: Entry) -> Iterable[Problem]:
    """Everything that is wrong with ``entry``, in the order of its fields."""
    return () if vars(entry).keys() <= _HARMLESS else _problems(entry)


def signal_problems(signals: Iterable[SentSignal]) -> Iterator[Problem]:
    """The same for the signals of a tape."""
    for index, sent in enumerate(signals):
        if sent.signal is not None and not is_signal(sent.signal):
            yield Problem(f"signals[{index}].signal", f"unknown signal {sent.signal!r}", _SIGNAL_EXPECTED)
        if sent.error is not None and not is_errno(sent.error):
            yield Problem(f"signals[{index}].error", f"unknown error {sent.error!r}", _ERRNO_EXPECTED)


def _problems(entry: Entry) -> Iterator[Problem]:
    if entry.stderr_to_stdout and entry.stderr:
        yield Problem("stderr", "text beside stderr_to_stdout", "everything in stdout, in the order it came")
    if entry.timeline is not None:
        yield from _timeline_problems(entry)
        yield from _count_problems(entry.streams or {}, entry.timeline)
        for index, event in enumerate(entry.timeline):
            yield from _event_problems(event, f"timeline[{index}]")
            yield from effect_problems(event.effects or (), f"timeline[{index}].effects")
    elif entry.streams:
        yield Problem("streams", "streams without a timeline", "stdout and the like, or a timeline")
    yield from effect_problems(entry.effects or (), "effects")
    yield from _terminal_problems("terminal", entry.terminal, size_only=True)
    if entry.began is not None and not is_time(entry.began):
        yield Problem("began", f"no time: {entry.began!r}", TIME_EXPECTED)
    yield from _end_problems(entry)


def is_signal(name: str) -> bool:
    """Whether ``name`` is a signal of this platform. See signal(7)."""
    if name in signal.Signals.__members__:
        return True
    if real_time := _REAL_TIME.match(name):
        first, last = getattr(signal, "SIGRTMIN", None), getattr(signal, "SIGRTMAX", 0)
        return first is not None and first + int(real_time[1]) <= last
    numbered = _NUMBERED_SIGNAL.match(name)
    return numbered is not None and int(numbered[1]) < signal.NSIG


def is_errno(name: str) -> bool:
    """Whether ``name`` is an error number of this platform. See errno(3)."""
    if _NUMBERED_ERROR.match(name):
        return True
    return name.startswith("E") and isinstance(getattr(errno, name, None), int)


def _is_input(event: Event) -> bool:
    return bool(event.stdin) or event.stream == "stdin"


def _timeline_problems(entry: Entry) -> Iterator[Problem]:
    is_unknown = isinstance(entry.stdin, Anything) and not any(map(_is_input, entry.timeline or ()))
    for name in ("stdout", "stderr", "fds") if is_unknown else ("stdin", "stdout", "stderr", "fds"):
        if getattr(entry, name):
            yield Problem(
                name, f"{name} beside a timeline", f"{name} as events of the timeline, in their order"
            )


def _count_problems(streams: Mapping[str, Payload], timeline: Iterable[Event]) -> Iterator[Problem]:
    """Of events that take their bytes from elsewhere: together they take all of them."""
    left = {name: payload.size for name, payload in streams.items()}
    for name in left:
        if not _STREAM.match(name):
            yield Problem(f"streams.{name}", f"no stream: {name!r}", _STREAM_EXPECTED)
    for index, event in enumerate(timeline):
        if event.stream is None:
            continue
        if event.stream not in left:
            found = f"the entry has no stream {event.stream!r}"
            yield Problem(f"timeline[{index}].stream", found, "one that is in streams")
            return
        left[event.stream] -= event.size or 0
    for name, size in left.items():
        if size:
            taken = f"the events take {streams[name].size - size} bytes"
            yield Problem(f"streams.{name}", taken, f"all {streams[name].size}")


def _event_problems(event: Event, place: str) -> Iterator[Problem]:
    actions = [name for name in _ACTIONS if getattr(event, name) is not None]
    if len(actions) != 1:
        found = " and ".join(actions) if actions else "no action"
        yield Problem(place, f"an event with {found}", f"exactly one of {', '.join(_ACTIONS)}")
    if event.data is not None and event.fd is None:
        yield Problem(place, "data without fd", "fd, the number of the descriptor in the child")
    if event.fd is not None and event.data is None:
        yield Problem(place, "fd without data", "data, what the child wrote to that descriptor")
    if (event.stream is None) != (event.size is None):
        yield Problem(place, "only one of stream and size", "both: how many bytes more of which stream")
    if event.fd in (1, 2):
        yield Problem(f"{place}.fd", f"the number {event.fd}", "0, or 3 or more")
    for name, value in (("signal", event.signal), ("stopped", event.stopped)):
        if value is not None and not is_signal(value):
            yield Problem(f"{place}.{name}", f"unknown signal {value!r}", _SIGNAL_EXPECTED)
    for name, words in (("terminal", event.terminal), ("set_terminal", event.set_terminal)):
        yield from _terminal_problems(f"{place}.{name}", words, size_only=False)


def _terminal_problems(place: str, words: str | None, *, size_only: bool) -> Iterator[Problem]:
    if not words:
        return
    # Few tapes have any, and the names of the settings are the system's.
    from . import tty

    try:
        tty.check(words, size_only=size_only)
    except ValueError as error:
        yield Problem(place, str(error), _SIZE_EXPECTED if size_only else _SETTINGS_EXPECTED)


def _end_problems(entry: Entry) -> Iterator[Problem]:
    ends = [name for name in ("exit_code", "signal", "spawn_error") if getattr(entry, name) is not None]
    if entry.running:
        ends.append("running")
    if len(ends) > 1:
        expected = "at most one of exit_code, signal, spawn_error and running"
        yield Problem(ends[1], f"two ends: {' and '.join(ends)}", expected)
    if entry.signal is not None and not is_signal(entry.signal):
        yield Problem("signal", f"unknown signal {entry.signal!r}", _SIGNAL_EXPECTED)
    if entry.core_dumped and entry.signal is None:
        yield Problem("core_dumped", "core_dumped without a signal", "signal, what killed the child")
    if entry.spawn_error is not None:
        yield from _spawn_error_problems(entry.spawn_error)


def _spawn_error_problems(error: SpawnError) -> Iterator[Problem]:
    # The child reports "type:errno:message" through a pipe, see Popen._execute_child in Lib/subprocess.py.
    if not (error.type.isascii() and error.type.isidentifier()):
        yield Problem(
            "spawn_error.type",
            f"{error.type!r} is no name of an exception",
            'a built-in exception, as in "OSError"',
        )
    if error.errno and not is_errno(error.errno):
        yield Problem("spawn_error.errno", f"unknown error number {error.errno!r}", _ERRNO_EXPECTED)
