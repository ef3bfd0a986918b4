"""The tape as data: frozen models, one to one with the JSON on disk.

Nothing here touches a file; :mod:`.codec` turns bytes into these and back, :mod:`.store` keeps them. The
names in the annotations of the fields mean more to :mod:`.judge`, which has pydantic check what they promise.

A stream on a tape is one of

* ``"text"`` or ``["line\\n", "line\\n"]``: UTF-8, joined as it is, so the final newline is part of it,
* ``{"base64": "..."}`` (or a list of base64 lines): bytes that are not UTF-8,
* ``{"sha256": "<64 hex>", "size": 123}``: a payload file in the store,
* ``null``: nothing was captured (the stream went to /dev/null, or stdin was not a pipe or file).

A word of a command line is text or base64; on a tape that was written or edited by hand, a pattern of
:mod:`.patterns` can stand in its place, and in the place of stdin.
"""

from __future__ import annotations

import base64 as base64_module
from typing import Literal

from .base import Model
from .patterns import AnyArgs, Anything, Glob, Regex

FORMAT_VERSION = 2
"""Of the tapes that are written. Version 1 had fewer fields, and is read as it is."""
OLDEST_VERSION = 1

Milliseconds = float
"""Durations and offsets on a tape are in milliseconds with at most six decimals: whole nanoseconds."""
ExitCode = int
"""0 to 255."""
Bytes = int
"""A size, 0 or more."""
SparseSize = int
"""The size of a file with holes, at most a terabyte."""
Descriptor = int
"""Of a child, in an event: 0 or more."""
ExtraDescriptor = int
"""Of a child, beside its three streams: 3 or more."""
Pid = int
"""Of a process of the recording: 2 or more."""
Hash = str
"""A SHA-256 in lower case."""
Checksum = int
"""A CRC-32."""


class Base64(Model):
    """Bytes that are not UTF-8. White space between the digits is not looked at."""

    base64: Text

    def _check(self) -> None:
        self.decoded()

    def decoded(self) -> bytes:
        """The bytes."""
        return unbase64(self.base64)


def unbase64(text: str | tuple[str, ...]) -> bytes:
    """The bytes.

    Raises:
        ValueError: it is no base64.
    """
    digits = "".join("".join(text).split())
    try:
        return base64_module.b64decode(digits, validate=True)
    except ValueError as error:
        raise ValueError(f"not base64: {error}") from error


class Payload(Model):
    """Bytes kept in a file of their own, named by their hash.

    Attributes:
        crc32: of the same bytes, for large ones: it tells of damage as well, and is quicker to look at.
    """

    sha256: Hash
    size: Bytes
    crc32: Checksum | None = None


Lines = tuple[str, ...]
Text = str | Lines
Stream = Text | Base64 | Payload
Argument = str | Base64
Word = str | Base64 | Anything | Regex | Glob
Arg = Word | AnyArgs
StdinStream = Stream | Anything | Regex | Glob
Time = str | int
Phase = Literal["setup", "call", "teardown"]
StreamName = Literal["stdin", "stdout", "stderr"]


class SpawnError(Model):
    """The child could not be started; CPython builds the exception from this.

    Attributes:
        type: name of the built-in exception the child reported, nearly always ``"OSError"``.
        errno: symbolic, as in ``"ENOENT"``; ``""`` where the error has none.
        message: what the child wrote behind it; ``"noexec:chdir"`` where ``cwd`` was at fault.
    """

    type: str = "OSError"
    errno: str = ""
    message: str = ""


class Effect(Model):
    """What a child did to one name in the watched directories.

    At most one of ``file``, ``link``, ``same_as`` and ``kind`` is set. With none of them the thing itself
    stayed as it was, and its mode or its modification time changed.

    Attributes:
        path: absolute, nearly always behind a placeholder.
        file: the bytes of a regular file.
        link: where a symbolic link points to, as it stands in the link.
        same_as: another name of the same file (a hard link); the path that it has before this child, where
            that goes away.
        kind: what else is there now, or ``"gone"``.
        size: of a file with holes, in bytes.
        parts: where ``file`` lies in a file with holes: offset and length of each part of it.
        mode: permissions, octal; set where they are not 644 for a file, 755 for a directory.
        at_ms: the modification time, since the entry's ``began``.
        mtime: the modification time of a thing that the child gave another one than the clock's: ISO 8601,
            UTC, or nanoseconds of the epoch where no calendar reaches.
        was: what was there before: ``"file"``, ``"link"``, ``"directory"``, ``"fifo"`` or ``"socket"``, for
            the first two with the beginning of the SHA-256 of what they held, if that was looked at, or
            ``"taped"`` if that is what an earlier effect of this tape says; ``None`` for nothing.
        in_place: the file that was there was written anew, and not replaced by another one.
        placeholders: they hold in ``file``.
        pid: ``<pid>`` in ``file`` is the number of the child's process.
    """

    path: Argument
    file: Stream | None = None
    link: Argument | None = None
    same_as: Argument | None = None
    kind: Literal["directory", "fifo", "socket", "gone"] | None = None
    size: SparseSize | None = None
    parts: tuple[tuple[int, int], ...] | None = None
    mode: str | None = None
    at_ms: Milliseconds | None = None
    mtime: Time | None = None
    was: str | None = None
    in_place: bool = False
    placeholders: bool = False
    pid: bool = False


class Event(Model):
    """One step of a child's timeline. But for ``at_ms``, ``fd`` and ``size``, exactly one field is set.

    Attributes:
        at_ms: when, since the child was started.
        stdin: the child received this; a pattern stands for one line, or for what is left at the end.
        stdout, stderr: the child wrote this.
        data, fd: the child wrote this to the inherited descriptor of this number, or, where that is 0, into
            the file, socket or terminal that is its stdin.
        close: the parent closed its end of stdin, or the child its end of an output.
        signal: the parent sent this, as in ``"SIGTERM"``.
        stopped, continued: a wait of the parent that asked for it was told so; ``stopped`` by which signal.
        ended: the child ended here; what it started itself may still hold its outputs open.
        timeout_ms: a timed wait of the parent, this long, ended without the child.
        terminal: the test saw that the child had changed the settings of its terminal, in the words of stty:
            ``"-echo"``; ``""`` where it looked before that, and saw them unchanged.
        set_terminal: the test changed them, or the size: ``"rows 30 columns 100"``.
        effects: the child did this to the watched directories.
        stream, size: so many bytes more of the entry's stream of this name: see :attr:`Entry.streams`.
    """

    at_ms: Milliseconds | None = None
    stdin: StdinStream | None = None
    stdout: Stream | None = None
    stderr: Stream | None = None
    fd: Descriptor | None = None
    data: Stream | None = None
    close: StreamName | None = None
    signal: str | None = None
    stopped: str | None = None
    continued: Literal[True] | None = None
    ended: Literal[True] | None = None
    timeout_ms: Milliseconds | None = None
    terminal: str | None = None
    set_terminal: str | None = None
    effects: tuple[Effect, ...] | None = None
    stream: str | None = None
    size: Bytes | None = None


Args = tuple[Arg, ...]
Timeline = tuple[Event, ...]
Streams = dict[str, Payload]


class Entry(Model):
    """One recorded spawn. Only ``program`` is required.

    Attributes:
        program: what was executed, as the caller named it, or a pattern.
        args: the arguments behind the program; patterns among them, also one for any number of them.
        argv0: the child's ``argv[0]`` where it is not ``program``.
        cwd: the working directory, or a pattern; ``None`` matches any.
        env: the variables that are kept and compared, ``null`` for one that is
            unset; ``None`` compares nothing.
        inputs: files that the command line names, as it names them, or that lie where the command works,
            and the hashes of what they held, as far as that is the test's or the project's: see
            :mod:`~..session.inputs`.
        phase: the part of the test that made the spawn.
        stdin: what the child received before its input was closed, or a pattern for all of it; ``None``
            when it had no pipe or file.
        stdout, stderr: what it wrote; ``None`` when that was discarded.
        stderr_to_stdout: both were one stream, kept in ``stdout``.
        fds: what it wrote to further inherited descriptors, by their number in the child.
        timeline: stdin and outputs in order, where order or timing matters; then the fields above are unset,
            but for a ``stdin`` of anything, where what was sent is not looked at.
        streams: what the events say that only count bytes, all of it by stream: ``"stdin"``, ``"stdout"``,
            ``"stderr"``, or the number of the descriptor. Only the file of a tape has it, for a large stream.
        exit_code, signal, spawn_error, running: how it ended; at most one. None of them is exit code 0.
        seen_running: the parent's first poll found it running, and nothing else on the tape says so.
        terminal: the size of the test's own terminal that was one of its streams, ``"rows 24 columns 80"``;
            without it, nothing is known of the settings of one.
        timed_out, output_limit: the recording ended the child for a limit of its own, and which, in words;
            how it ended then is said as for any other.
        core_dumped: set beside ``signal`` where the kernel said so.
        duration_ms: from start to end.
        began: when it was started, ISO 8601, UTC, by the clock of the files; set where effects count from it.
        effects: what it had done to the watched directories by its end.
        note: for the reader.
    """

    program: Word
    args: Args = ()
    argv0: Argument | None = None
    cwd: Word | None = None
    env: dict[str, str | None] | None = None
    inputs: dict[str, Hash] | None = None
    phase: Phase = "call"
    stdin: StdinStream | None = None
    stdout: Stream | None = ""
    stderr: Stream | None = ""
    stderr_to_stdout: bool = False
    fds: dict[ExtraDescriptor, Stream] | None = None
    timeline: Timeline | None = None
    streams: Streams | None = None
    exit_code: ExitCode | None = None
    signal: str | None = None
    core_dumped: bool = False
    spawn_error: SpawnError | None = None
    timed_out: str | None = None
    output_limit: str | None = None
    running: bool = False
    seen_running: bool = False
    terminal: str | None = None
    duration_ms: Milliseconds = 0.0
    began: str | None = None
    effects: tuple[Effect, ...] | None = None
    note: str | None = None


class Recorded(Model):
    """When and with what a tape was made.

    Attributes:
        at: ISO 8601, UTC.
    """

    at: str
    python: str
    platform: str
    proctape: str


class SentSignal(Model):
    """A signal to a process that the test had not started itself, and what came of it.

    Attributes:
        pid: of the process in the recording, or of the group.
        group: it is a group.
        signal: its name; ``None`` for the question whether the process is there.
        error: name of the error; ``None`` for none.
    """

    pid: Pid
    group: bool = False
    signal: str | None = None
    error: str | None = None


Signals = tuple[SentSignal, ...]
Entries = tuple[Entry, ...]


class Tape(Model):
    """One file.

    Attributes:
        version: of the format; see :data:`FORMAT_VERSION`.
        test: node id of the owner, ``""`` on a hand-written tape.
        recorded: ``None`` on a hand-written tape.
        names: what captured names were in the recording, ``{"port:1": "34123"}``, where entries have
            ``<port:1>``.
        signals: those to processes that no entry is about, in order.
        tools: where the recording found the programs that it looked for, ``null`` for one that was not there.
        entries: in the order of their spawns.
    """

    version: int = FORMAT_VERSION
    test: str = ""
    recorded: Recorded | None = None
    names: dict[str, str] | None = None
    signals: Signals | None = None
    tools: dict[str, Argument | None] | None = None
    entries: Entries = ()
