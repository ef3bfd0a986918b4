"""The steps of one child, in order: what an :class:`~.model.Entry` means when it is played.

The two forms of an entry (whole streams, or a timeline) become one list of steps here, and the steps
of a recorded child become the plainest entry that says the same. The child room knows only steps.
"""

from __future__ import annotations

import errno as errno_module
import os
import signal as signal_module
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from ..frozen import Value
from .content import Content
from .effect import FileEffect
from .free_steps import AnyInput, AnyInputEnd, Hang, InputPattern
from .model import Effect, Entry, Event, SpawnError, StdinStream, Stream
from .patterns import Anything, Glob, Regex
from .times import ms_from_ns, ns_from_ms, ns_of, time_of

STDIN, STDOUT, STDERR = 0, 1, 2

PAUSE_NS = 20_000_000
"""A silence of more than this, in nanoseconds, is kept where timing matters."""

_STOPPED, _CONTINUED = 0x7F, 0xFFFF
"""How the kernel says so in a wait status: ``bits/waitstatus.h``."""
_STREAM_NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}
_STREAM_FDS = {name: fd for fd, name in _STREAM_NAMES.items()}


class OpenInput(Protocol):
    """Input with something in it that differs from run to run, or that nobody is to know."""

    def met(self, got: bytes, *, ended: bool) -> int | None:
        """How many bytes of ``got`` are it, once all of it is there.

        Args:
            got: what the parent has sent since the step before.
            ended: it sends no more.

        Raises:
            ValueError: this is something else, whatever follows.
        """


class Input(Value):
    """The parent has to send exactly this before what follows can happen.

    Attributes:
        data: what it sent in the recording.
        open: what it may send, where the tape does not know every byte.
    """

    data: Content
    at_ns: int = 0
    open: OpenInput | None = None


class InputEnd(Value):
    """The parent has to close the child's stdin."""

    at_ns: int = 0


class Output(Value):
    """The child writes to the descriptor that is ``fd`` on its side."""

    fd: int
    data: Content
    at_ns: int = 0


class OutputEnd(Value):
    """The child closes ``fd`` while it runs on."""

    fd: int
    at_ns: int = 0


class Signal(Value):
    """The parent has to send this signal."""

    number: int
    at_ns: int = 0


class Change(Value):
    """The child stops or goes on, and a parent that waits for such things is told.

    Attributes:
        status: as :func:`os.waitpid` gives it.
    """

    status: int
    at_ns: int = 0


class Ended(Value):
    """The child ends, while somebody else still holds its outputs: they end with an :class:`OutputEnd`."""

    at_ns: int = 0


class Timeout(Value):
    """A timed wait of the parent, ``timeout_ns`` long, ends before what follows happens."""

    timeout_ns: int
    at_ns: int = 0


class Effects(Value):
    """The child has done this to the watched directories by now."""

    files: tuple[FileEffect, ...]
    at_ns: int = 0


Step = (
    Input
    | InputEnd
    | Output
    | OutputEnd
    | Signal
    | Change
    | Ended
    | Timeout
    | AnyInput
    | AnyInputEnd
    | InputPattern
    | Hang
    | Effects
)
AwaitsInput = Input | InputEnd | AnyInput | AnyInputEnd | InputPattern
"""The steps that something on stdin brings about."""


class End(Value):
    """How a child ended.

    Attributes:
        status: as :func:`os.waitpid` gives it; ``None`` if it was still running or never started.
        error: why it could not be started.
        duration_ns: from its start to its end, nanoseconds.
    """

    status: int | None
    error: SpawnError | None = None
    duration_ns: int = 0

    @property
    def exit_code(self) -> int | None:
        """As ``Popen.returncode``: negative for a signal."""
        return None if self.status is None else os.waitstatus_to_exitcode(self.status)


class Script(Value):
    """All that a child does.

    Attributes:
        captured: descriptors of the child whose output is known, be it empty.
        merged: stderr went where stdout went.
        has_input: stdin is known; where it is not, what the parent sends is not looked at.
        pause_ns: a silence of more than this matters, as the parent waits by the clock; ``None`` where none
            does.
        seen_running: the parent's first poll found the child running.
        began_ns: when it was started, nanoseconds of the epoch by the clock of the files; 0 if unknown.
    """

    steps: tuple[Step, ...]
    end: End
    captured: frozenset[int] = frozenset({STDOUT, STDERR})
    merged: bool = False
    has_input: bool = True
    pause_ns: int | None = None
    seen_running: bool = False
    began_ns: int = 0

    def stream(self, fd: int) -> bytes | None:
        """All that went through ``fd``; ``None`` where that is not known."""
        if fd == STDIN:
            parts = [step.data.bytes() for step in self.steps if isinstance(step, Input)]
            known = bool(parts) or any(isinstance(step, InputEnd) for step in self.steps)
            return b"".join(parts) if known else None
        if fd not in self.captured or (fd == STDERR and self.merged):
            return None
        return b"".join(
            step.data.bytes() for step in self.steps if isinstance(step, Output) and step.fd == fd
        )


def signal_number(name: str) -> int:
    """``15`` for ``"SIGTERM"``; real-time signals are ``"SIGRTMIN+1"`` or ``"SIG35"``."""
    known = getattr(signal_module, name, None)
    if isinstance(known, signal_module.Signals):
        return int(known)
    if name.startswith("SIGRTMIN+"):
        return int(signal_module.SIGRTMIN) + int(name[9:])
    return int(name[3:])


def signal_name(number: int) -> str:
    """``"SIGTERM"`` for ``15``."""
    try:
        return signal_module.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def errno_name(number: int) -> str:
    """``"ENOENT"`` for ``2``; ``""`` for 0."""
    return errno_module.errorcode.get(number, f"E{number}") if number else ""


def errno_number(name: str) -> int:
    """``2`` for ``"ENOENT"``."""
    if not name:
        return 0
    known = getattr(errno_module, name, None)
    return known if isinstance(known, int) else int(name[1:])


FileDecoder = Callable[[Effect, int | None], FileEffect]
"""What an effect of the tape means here; with it goes the entry's ``began`` in nanoseconds of the epoch."""


def script_of(
    entry: Entry,
    decode: Callable[[Stream], Content],
    *,
    strict_input: bool,
    decode_file: FileDecoder | None = None,
) -> Script:
    """The steps that ``entry`` stands for.

    Args:
        entry: from a tape that has been checked by the codec.
        decode: turns a stream of the tape into bytes of this machine.
        strict_input: whether an entry without ``stdin`` means that nothing may be sent. Tapes that
            were recorded mean that; a hand-written entry that is silent about stdin does not.
        decode_file: does it for an effect on a file; without it there are no such steps.
    """
    if entry.timeline is None and entry.stdin is None and not (entry.effects or entry.fds):
        return _plain_script(entry, decode, strict_input)
    steps: list[Step] = []
    captured = {STDOUT, STDERR}
    began_ns = None if entry.began is None else ns_of(entry.began)
    if entry.timeline is not None:
        for event in entry.timeline:
            if event.effects is None:
                steps.append(_step_of(event, decode))
            elif decode_file is not None:
                steps.append(_effects(event.effects, event.at_ms, began_ns, decode_file))
        captured.update(step.fd for step in steps if isinstance(step, Output))
        captured.difference_update(_discarded(entry))
    else:
        if entry.stdin is not None and not isinstance(entry.stdin, Anything):
            steps.extend(_input_of(entry.stdin, decode, 0, to_end=True))
        outputs = {STDOUT: entry.stdout, STDERR: entry.stderr, **(entry.fds or {})}
        captured = {fd for fd, stream in outputs.items() if stream is not None}
        steps.extend(Output(fd, decode(stream)) for fd, stream in outputs.items() if stream)
        if entry.stdin is not None and not isinstance(entry.stdin, Anything):
            # A parent that writes and closes in one go can't tell whether output came before the close or
            # after it, and neither can the recording. The end waits for it in any case.
            steps.append(InputEnd())
    if entry.effects and decode_file is not None:
        # Whoever sees the end sees them.
        end = next((i for i, step in enumerate(steps) if isinstance(step, Ended)), len(steps))
        steps.insert(end, _effects(entry.effects, entry.duration_ms, began_ns, decode_file))
    has_input = any(isinstance(step, AwaitsInput) for step in steps)
    has_input = has_input or (strict_input and not isinstance(entry.stdin, Anything))
    return Script(
        tuple(steps),
        _end_of(entry),
        frozenset(captured),
        entry.stderr_to_stdout,
        has_input,
        seen_running=entry.seen_running,
        began_ns=began_ns or 0,
    )


_CAPTURED = {
    (out, err): frozenset(fd for fd, known in ((STDOUT, out), (STDERR, err)) if known)
    for out in (False, True)
    for err in (False, True)
}


def _plain_script(entry: Entry, decode: Callable[[Stream], Content], strict_input: bool) -> Script:
    """Most entries are output and an end."""
    out, err = entry.stdout, entry.stderr
    steps: tuple[Step, ...] = ()
    if out:
        steps = (Output(STDOUT, decode(out)),)
    if err:
        steps += (Output(STDERR, decode(err)),)
    return Script(
        steps,
        _end_of(entry),
        _CAPTURED[out is not None, err is not None],
        entry.stderr_to_stdout,
        strict_input,
        seen_running=entry.seen_running,
        began_ns=0 if entry.began is None else ns_of(entry.began),
    )


def _input_of(
    stdin: StdinStream, decode: Callable[[Stream], Content], at_ns: int, *, to_end: bool
) -> list[Step]:
    if isinstance(stdin, Anything | Regex | Glob):
        return [InputPattern(stdin, to_end, at_ns)]
    data = decode(stdin)
    return [Input(data, at_ns)] if data.size or not to_end else []


def _effects(
    effects: Iterable[Effect], at_ms: float | None, began_ns: int | None, decode_file: FileDecoder
) -> Effects:
    return Effects(tuple(decode_file(effect, began_ns) for effect in effects), ns_from_ms(at_ms or 0.0))


def _discarded(entry: Entry) -> set[int]:
    unset = {STDOUT: entry.stdout, STDERR: entry.stderr}
    return {fd for fd, stream in unset.items() if stream is None}


def _step_of(event: Event, decode: Callable[[Stream], Content]) -> Step:
    at_ns = ns_from_ms(event.at_ms or 0.0)
    if event.stdin is not None:
        return _input_of(event.stdin, decode, at_ns, to_end=False)[0]
    if event.stdout is not None:
        return Output(STDOUT, decode(event.stdout), at_ns)
    if event.stderr is not None:
        return Output(STDERR, decode(event.stderr), at_ns)
    if event.data is not None and event.fd is not None:
        return Output(event.fd, decode(event.data), at_ns)
    if event.close is not None:
        fd = _STREAM_FDS[event.close]
        return InputEnd(at_ns) if fd == STDIN else OutputEnd(fd, at_ns)
    if event.signal is not None:
        return Signal(signal_number(event.signal), at_ns)
    if event.stopped is not None:
        return Change(signal_number(event.stopped) << 8 | _STOPPED, at_ns)
    if event.ended:
        return Ended(at_ns)
    if event.continued:
        return Change(_CONTINUED, at_ns)
    return Timeout(ns_from_ms(event.timeout_ms or 0.0), at_ns)


@lru_cache(1024)
def _exited(exit_code: int, duration_ms: float) -> End:
    return End(exit_code << 8, None, ns_from_ms(duration_ms))


def _end_of(entry: Entry) -> End:
    if entry.exit_code is not None:
        return _exited(entry.exit_code, entry.duration_ms)
    duration_ns = ns_from_ms(entry.duration_ms)
    if entry.spawn_error is not None:
        return End(None, entry.spawn_error, duration_ns)
    if entry.running:
        return End(None, None, duration_ns)
    if entry.signal is not None:
        return End(signal_number(entry.signal) | (0x80 if entry.core_dumped else 0), None, duration_ns)
    return End(0, None, duration_ns)


FileEncoder = Callable[[FileEffect, int], Effect]
"""The form of an effect on a tape; with it goes the script's ``began_ns``."""


def fields_of(
    script: Script, encode: Callable[[Content], Stream], encode_file: FileEncoder | None = None
) -> dict[str, Any]:
    """The fields of the plainest :class:`Entry` that means ``script``, without the spawn's own.

    Whole streams say it all unless the parent sent something after the child's first output, or left
    the input open: then, and only then, there is a timeline.

    Args:
        script: what the child did.
        encode: keeps a stream.
        encode_file: keeps an effect on a file; without it they are left out.
    """
    fields: dict[str, Any] = _end_fields(script.end)
    steps = script.steps
    kinds = {*map(type, steps)}
    if Effects in kinds:
        steps, more = _parted(script, encode_file)
        fields.update(more)
    # What has its default is left out: few entries have more than an output and an end.
    if script.merged:
        fields["stderr_to_stdout"] = True
    if script.seen_running:
        fields["seen_running"] = True
    for fd, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
        if fd not in script.captured and not (fd == STDERR and script.merged):
            fields[name] = None
    if not script.has_input:
        fields["stdin"] = Anything(any=True)
    if _needs_timeline(steps) or _pauses(script):
        fields["timeline"] = tuple(_event_of(step, encode, encode_file, script.began_ns) for step in steps)
        return fields
    if InputEnd in kinds:
        fields["stdin"] = encode(_joined(script.steps, STDIN))
    return fields | _whole_outputs(script, encode)


def _whole_outputs(script: Script, encode: Callable[[Content], Stream]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    extra: dict[int, Stream] = {}
    for fd in sorted(script.captured):
        data = encode(_joined(script.steps, fd))
        if fd in _STREAM_NAMES:
            fields[_STREAM_NAMES[fd]] = data
        elif data:
            extra[fd] = data
    if extra:
        fields["fds"] = extra
    return fields


def _parted(script: Script, encode_file: FileEncoder | None) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """The steps without the effects at the end, and the fields for these."""
    if encode_file is None:
        return tuple(step for step in script.steps if not isinstance(step, Effects)), {}
    steps = script.steps
    fields: dict[str, Any] = {"began": time_of(script.began_ns)}
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        if isinstance(step, Effects):
            fields["effects"] = tuple(encode_file(file, script.began_ns) for file in step.files)
            return (*steps[:index], *steps[index + 1 :]), fields
        if not isinstance(step, Output | OutputEnd | Ended):
            break
    return steps, fields


def _needs_timeline(steps: Sequence[Step]) -> bool:
    has_output = has_input = closed = False
    for step in steps:
        if isinstance(step, Signal | Change | Ended | Timeout | OutputEnd | Effects):
            return True
        if isinstance(step, Output) and step.fd == STDIN:
            return True
        if isinstance(step, Input):
            has_input = True
            if has_output:
                return True
        has_output = has_output or isinstance(step, Output)
        closed = closed or isinstance(step, InputEnd)
    return has_input and not closed


def _pauses(script: Script) -> bool:
    """Whether output came so late that somebody may have noticed."""
    pause_ns = script.pause_ns
    return pause_ns is not None and any(
        isinstance(step, Output) and step.at_ns > pause_ns for step in script.steps
    )


def _joined(steps: Iterable[Step], fd: int) -> Content:
    parts = [
        step.data
        for step in steps
        if (isinstance(step, Input) and fd == STDIN) or (isinstance(step, Output) and step.fd == fd)
    ]
    return parts[0] if len(parts) == 1 else Content.of(b"".join(part.bytes() for part in parts))


def _event_of(
    step: Step, encode: Callable[[Content], Stream], encode_file: FileEncoder | None, began_ns: int
) -> Event:
    fields: dict[str, Any] = {"at_ms": ms_from_ns(step.at_ns)}
    match step:
        case Input():
            fields["stdin"] = encode(step.data)
        case InputEnd():
            fields["close"] = "stdin"
        case Output():
            if step.fd in (STDOUT, STDERR):
                fields[_STREAM_NAMES[step.fd]] = encode(step.data)
            else:
                fields.update(fd=step.fd, data=encode(step.data))
        case OutputEnd():
            fields["close"] = _STREAM_NAMES.get(step.fd, "stdout")
        case Signal():
            fields["signal"] = signal_name(step.number)
        case Change() if os.WIFSTOPPED(step.status):
            fields["stopped"] = signal_name(os.WSTOPSIG(step.status))
        case Change():
            fields["continued"] = True
        case Ended():
            fields["ended"] = True
        case Timeout():
            fields["timeout_ms"] = ms_from_ns(step.timeout_ns)
        case Effects() if encode_file is not None:
            fields["effects"] = tuple(encode_file(file, began_ns) for file in step.files)
    return Event(**fields)


def _end_fields(end: End) -> dict[str, Any]:
    fields: dict[str, Any] = {"duration_ms": ms_from_ns(end.duration_ns)}
    if end.error is not None:
        fields["spawn_error"] = end.error
    elif end.status is None:
        fields["running"] = True
    elif os.WIFSIGNALED(end.status):
        fields["signal"] = signal_name(os.WTERMSIG(end.status))
        fields["core_dumped"] = os.WCOREDUMP(end.status)
    else:
        fields["exit_code"] = os.WEXITSTATUS(end.status)
    return fields
