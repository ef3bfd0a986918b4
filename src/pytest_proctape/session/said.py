"""What a test says that a command does, in the place of what was recorded."""

from __future__ import annotations

import errno
import signal as signals
from collections.abc import Iterator, Sequence

from ..child import loosened
from ..errors import UsageError
from ..frozen import Value
from ..tape import STDERR, STDOUT, Content, End, Script, SpawnError, errno_name, free_steps, script

_SILENT = Script((), End(0), has_input=False)
_WAYS_TO_END = script.Timeout | script.Signal | script.Change | script.Ended | script.OutputEnd
_SIGNALS = {one.name: int(one) for one in signals.Signals}
_ERRNOS = {name: number for number, name in errno.errorcode.items()}


class Said(Value):
    """What the test says that the command does; ``None`` leaves a thing as it was recorded.

    Attributes:
        stdin: what it must be sent; only for an added answer.
        stdout, stderr: what it writes.
        cut_stdout, cut_stderr: bytes after which its output ends.
        status: how it ends, as from :func:`os.waitpid`.
        error: it can't be started.
        hangs: it does not end before the test sends it a signal.
    """

    stdin: bytes | None = None
    stdout: bytes | None = None
    stderr: bytes | None = None
    cut_stdout: int | None = None
    cut_stderr: int | None = None
    status: int | None = None
    error: SpawnError | None = None
    hangs: bool = False

    def applied(self, recorded: Script | None) -> Script:
        """What the child does.

        Args:
            recorded: what was recorded, if anything was.
        """
        if self.error is not None:
            return Script((), End(None, self.error))
        old = _SILENT if recorded is None else loosened(recorded)
        steps: Sequence[script.Step] = old.steps
        if self.stdin is not None:
            sent = [script.Input(Content.of(self.stdin))] if self.stdin else []
            steps = [*sent, script.InputEnd(), *steps]
        for fd, data in ((STDOUT, self.stdout), (STDERR, self.stderr)):
            if data is not None:
                steps = _with_output(steps, fd, data)
        for fd, limit in ((STDOUT, self.cut_stdout), (STDERR, self.cut_stderr)):
            if limit is not None:
                steps = list(_cut(steps, fd, limit))
        end = old.end
        if self.hangs or self.status is not None or end.error is not None:
            # How the recorded one came to its end is not how this one does.
            kept = [one for one in steps if not isinstance(one, _WAYS_TO_END)]
            # One that the parent had to end took as long as the parent's patience, and this one does not.
            waited = self.hangs or len(kept) < len(steps)
            steps, end = kept, End(self.status or 0, None, 0 if waited else end.duration_ns)
        if self.hangs:
            steps = [*steps, free_steps.Hang()]
        return old.but(
            steps=tuple(steps),
            end=end,
            captured=old.captured | {STDOUT, STDERR},
            merged=old.merged and self.stderr is None,
            has_input=self.stdin is not None,
            seen_running=False,
        )


def said_of(
    exit_code: int | None = None,
    signal: str | int | None = None,
    spawn_error: str | int | None = None,
    *,
    hangs: bool = False,
    stdout: str | bytes | None = None,
    stderr: str | bytes | None = None,
    stdin: str | bytes | None = None,
    cut_stdout: int | None = None,
    cut_stderr: int | None = None,
    **_others: object,
) -> Said:
    """The arguments of ``tape.add`` and ``tape.override``, checked at run time, whatever their types are.

    Raises:
        UsageError: two ends, or a value that can't be.
    """
    ends = {"exit_code": exit_code, "signal": signal, "hangs": hangs or None, "spawn_error": spawn_error}
    given = [name for name, value in ends.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"a command ends in one way, not by {' and '.join(given)}")
    status = None if exit_code is None else _exit_status(exit_code)
    return Said(
        stdin=_bytes("stdin", stdin),
        stdout=_bytes("stdout", stdout),
        stderr=_bytes("stderr", stderr),
        cut_stdout=check_count("cut_stdout", cut_stdout, 0),
        cut_stderr=check_count("cut_stderr", cut_stderr, 0),
        status=status if signal is None else _number("signal", signal, _SIGNALS),
        error=None if spawn_error is None else _error(spawn_error),
        hangs=hangs,
    )


def check_count(name: str, value: int | None, least: int) -> int | None:
    """``value``, which must be a whole number.

    Raises:
        UsageError: it isn't, or is less than ``least``.
    """
    given: object = value
    if given is not None and not (isinstance(given, int) and given >= least):
        raise UsageError(f"{name}={value!r} can't be; it is a whole number from {least} on")
    return value


def _error(spawn_error: str | int) -> SpawnError:
    return SpawnError(errno=errno_name(_number("spawn_error", spawn_error, _ERRNOS)))


def _bytes(name: str, value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise UsageError(f"{name} is text or bytes, not {value!r}")
    return value.encode("utf-8", "surrogateescape")


def _exit_status(exit_code: object) -> int:
    if not isinstance(exit_code, int) or not 0 <= exit_code <= 255:
        hint = f"; say signal={-exit_code}" if isinstance(exit_code, int) and -65 < exit_code < 0 else ""
        raise UsageError(f"exit_code={exit_code!r} can't be; it is from 0 to 255{hint}")
    return exit_code << 8


def _number(what: str, value: str | int, known: dict[str, int]) -> int:
    number = known.get(value) if isinstance(value, str) else value
    if number is None or not 0 < number < 4096:
        raise UsageError(
            f"{what}={value!r} is not known; it is a name, as {next(iter(known))!r}, or a number"
        )
    return number


def _with_output(steps: Sequence[script.Step], fd: int, data: bytes) -> list[script.Step]:
    """``data`` in the place of all that was written to ``fd``, where that began."""
    mine = [isinstance(step, script.Output) and step.fd == fd for step in steps]
    at = mine.index(True) if True in mine else _end_of_inputs(steps)
    new: list[script.Step] = (
        [script.Output(fd, Content.of(data), steps[at].at_ns if at < len(steps) else 0)] if data else []
    )
    before = [step for step, one in zip(steps[:at], mine[:at], strict=True) if not one]
    behind = [step for step, one in zip(steps[at:], mine[at:], strict=True) if not one]
    return [*before, *new, *behind]


def _end_of_inputs(steps: Sequence[script.Step]) -> int:
    """Where output can stand that was not recorded: behind the last of the other output."""
    outputs = [index for index, step in enumerate(steps) if isinstance(step, script.Output)]
    return outputs[-1] + 1 if outputs else 0


def _cut(steps: Sequence[script.Step], fd: int, limit: int) -> Iterator[script.Step]:
    for step in steps:
        if not isinstance(step, script.Output) or step.fd != fd:
            yield step
        elif limit > 0:
            kept = step.data if step.data.size <= limit else Content.of(step.data.read(0, limit))
            limit -= kept.size
            yield step.but(data=kept)
