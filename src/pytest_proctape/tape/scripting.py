"""An entry as the script that it stands for, and a script as the plainest entry that says the same.

The two forms of an entry (whole streams, or a timeline) become one list of steps. The sessions ask: before a
child plays, and when one was recorded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from .content import Content
from .effect import FileEffect
from .free_steps import InputPattern
from .model import Effect, Entry, Event, StdinStream, Stream
from .patterns import Anything, Glob, Regex
from .script import (
    STDERR,
    STDIN,
    STDOUT,
    AwaitsInput,
    Change,
    Effects,
    End,
    Ended,
    Input,
    InputEnd,
    Output,
    OutputEnd,
    Script,
    Signal,
    Step,
    TerminalSeen,
    TerminalSet,
    Timeout,
    signal_name,
    signal_number,
)
from .times import ms_from_ns, ns_from_ms, ns_of, time_of

_STOPPED, _CONTINUED = 0x7F, 0xFFFF
"""How the kernel says so in a wait status: ``bits/waitstatus.h``."""
_STREAM_NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}
_STREAM_FDS = {name: fd for fd, name in _STREAM_NAMES.items()}

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
        terminal=entry.terminal,
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
        terminal=entry.terminal,
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
    if event.terminal is not None:
        return TerminalSeen(event.terminal, at_ns)
    if event.set_terminal is not None:
        return TerminalSet(event.set_terminal, at_ns)
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
    if script.terminal is not None:
        fields["terminal"] = script.terminal
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


def brief_fields_of(
    outputs: Mapping[int, bytes], end: End, encode: Callable[[bytes], Stream]
) -> dict[str, Any]:
    """:func:`fields_of` a script that is nothing but outputs, in whatever order they came, and an end.

    Args:
        outputs: those that were captured.
        end: of the child.
        encode: keeps a stream.
    """
    fields = _end_fields(end)
    for fd, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
        fields[name] = encode(outputs[fd]) if fd in outputs else None
    return fields


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


_ONLY_IN_TIMELINES = Signal | Change | Ended | Timeout | TerminalSeen | TerminalSet | OutputEnd | Effects


def _needs_timeline(steps: Sequence[Step]) -> bool:
    has_output = has_input = closed = False
    for step in steps:
        if isinstance(step, _ONLY_IN_TIMELINES):
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
    """Whether output came so late that somebody may have noticed, or in pieces that somebody has seen."""
    pause_ns = script.pause_ns
    if pause_ns is None:
        return False
    return any(isinstance(step, Output) and step.at_ns > pause_ns for step in script.steps) or any(
        isinstance(one, Output) and isinstance(other, Output) and one.fd == other.fd
        for one, other in pairwise(script.steps)
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
        case Input() | InputEnd() | Output() | OutputEnd():
            fields.update(_stream_fields(step, encode))
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
        case TerminalSeen():
            fields["terminal"] = step.words
        case TerminalSet():
            fields["set_terminal"] = step.words
        case Effects() if encode_file is not None:
            fields["effects"] = tuple(encode_file(file, began_ns) for file in step.files)
    return Event(**fields)


def _stream_fields(
    step: Input | InputEnd | Output | OutputEnd, encode: Callable[[Content], Stream]
) -> dict[str, Any]:
    match step:
        case Input():
            return {"stdin": encode(step.data)}
        case InputEnd():
            return {"close": "stdin"}
        case OutputEnd():
            return {"close": _STREAM_NAMES.get(step.fd, "stdout")}
    if step.fd in (STDOUT, STDERR):
        return {_STREAM_NAMES[step.fd]: encode(step.data)}
    return {"fd": step.fd, "data": encode(step.data)}


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
