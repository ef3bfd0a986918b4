"""Random small programs over the public functions that start a child, as data that can be read and cut down.

:mod:`.playing` plays one. All that a program sees is up to nobody's luck: its commands say what they say and
end, or they last until somebody ends them.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        kind: the function that is called, by its name in :data:`tests.fuzz.playing.KINDS`.
        command: what is run, by its name in :data:`COMMANDS`.
        options: what is given by name, by the names of :data:`VALUES`.
        uses: what is done with what it gave, in turn.
        around: what holds meanwhile.
    """

    kind: str
    command: str
    options: dict[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    around: str = ""


Program = tuple[Step, ...]

ENDING = (
    "true", "false", "echo", "both", "lines", "cat", "count", "bytes", "much", "nothing read", "killed",
    "tuple", "str", "path word", "env", "pwd",
)  # fmt: skip
"""Commands that end by themselves."""
LASTING = ("nap",)
"""Commands that don't."""
WRONG = (
    "missing", "no path", "directory", "not executable", "not a program", "nul", "number", "none", "empty",
    "empty str", "bytes word", "accented", "surrogate", "iterator", "plain object",
)  # fmt: skip
"""Commands at which something is wrong, or seldom."""

VALUES: dict[str, tuple[str, ...]] = {
    "stdin": ("PIPE", "DEVNULL", "file", "pipe", "closed file", "fd", "-9", "'x'", "None"),
    "stdout": ("PIPE", "PIPE", "PIPE", "DEVNULL", "file", "pipe", "fd", "STDOUT", "-9", "'x'", "None"),
    "stderr": ("PIPE", "PIPE", "STDOUT", "DEVNULL", "file", "pipe", "fd", "1.5", "None"),
    "text": ("True", "True", "False", "1", "None"),
    "universal_newlines": ("True", "False"),
    # CPython loses its pipes where there is no such encoding.
    "encoding": ("'utf-8'", "'latin-1'", "'ascii'", "'utf-16'"),
    "errors": ("'strict'", "'replace'", "'ignore'", "'surrogateescape'"),
    "bufsize": ("0", "1", "-1", "10", "'x'", "None", "-5"),
    "pipesize": ("-1", "4096", "100000"),
    "cwd": ("folder", "Path", "bytes folder", "'/no/such'", "file path", "nul", "3.5", "''", "None"),
    "env": ("{}", "PATH", "A", "equals", "no name", "nul value", "number", "bytes", "list", "None"),
    "shell": ("True", "True", "False", "1", "None"),
    "executable": ("'/bin/echo'", "'/no/such'", "Path('/bin/echo')", "'echo'", "None", "5"),
    "start_new_session": ("True", "False"),
    "process_group": ("0", "None", "-1", "'x'"),
    "umask": ("0o22", "-1", "'x'"),
    "close_fds": ("True", "False"),
    "pass_fds": ("()", "(1,)", "(-1,)", "('x',)", "(fd,)"),
    "restore_signals": ("False", "True"),
    "preexec_fn": ("None", "nothing", "5"),
    "creationflags": ("0", "1"),
    "startupinfo": ("None", "5"),
    "extra_groups": ("None", "'x'"),
    "user": ("None", "'no such user'", "-7"),
    "nonsense": ("1",),
}  # fmt: skip
"""What each option may be, the likelier the more often."""
COMMON = (
    "stdin", "stdout", "stdout", "stderr", "stderr", "text", "text", "encoding", "errors", "bufsize", "cwd",
    "env", "shell",
)  # fmt: skip
OF_RUN = {
    "input": ("b'abc'", "'abc'", "b''", "''", "bytearray", "memoryview", "'\\xe4\\n'", "big", "5", "lines"),
    "capture_output": ("True", "True", "True", "False", "1"),
    "check": ("True", "True", "False", "1"),
    "timeout": ("60", "60.0", "None", "True"),
}
SHORT = ("0", "-1", "0.02", "0.02", "'x'")
"""Limits, for commands that last."""
OPTIONS_OF = {
    "run": ("input", "capture_output", "check", "timeout"),
    "call": ("timeout",),
    "check_call": ("timeout",),
    "check_output": ("input", "timeout"),
}
POPEN_USES = (
    "communicate", "communicate", "communicate input", "communicate again", "communicate timeout", "wait",
    "wait timeout", "read out", "read err", "readline", "read some", "iterate", "write", "write text",
    "close in", "close out", "close err", "fileno", "poll after", "kill after", "repr", "raise", "with",
    "raise in with", "detach", "flush", "raw read", "select", "again in",
    "nested", "communicate in thread", "dup", "read in text", "wait in thread",
)  # fmt: skip
NAP_USES = ("poll", "signal 0", "wait soon", "communicate soon", "repr", "bad signal", "fileno")
DEADLY = ("kill", "terminate", "signal", "os.kill", "with kill")
AROUND = (
    "popen subclass", "run in thread", "log communicate", "log wait", "log poll", "log kill", "log __exit__",
    "log __init__", "log run", "log os.pipe", "log Popen", "sigchld", "sigchld ignored", "in except",
    "chdir", "PATH", "no stdin", "encoding patched", "frozen", "frozen", "refused by an audit hook",
    "in a generator", "in a context", "traced", "umask",
)  # fmt: skip
ASYNC_USES = (
    "communicate",
    "communicate input",
    "wait",
    "read out",
    "lines out",
    "read both",
    "nothing",
    "feed",
)


READING = frozenset({"cat", "count"})
"""Commands that take what is written to them. Whether others have ended by then is chance."""
_WRITES = frozenset({"write", "write text", "flush", "feed"})
_SEEN_BY_POSIX_SPAWN = frozenset({("env", "no name"), ("env", "list"), ("umask", "'x'")})
"""What is wrong with these is told in other words by `os.posix_spawn`, which newer CPythons use for some
programs where no tape is active.
"""
_CLOSES = frozenset({"close out", "close err", "raise in with", "with", "detach"})
_BYTES = frozenset({"b'abc'", "b''", "bytearray", "memoryview", "big"})


def program(chance: random.Random) -> Program:
    """One of up to three calls."""
    wanted, found = chance.choice((1, 1, 2, 3)), list[Step]()
    while len(found) < wanted:
        step = _step(chance)
        if is_fair(step):
            found.append(step)
    return tuple(found)


def is_fair(step: Step) -> bool:
    """What it sees is up to nobody's luck, and it comes to an end."""
    if step.options.get("input") in ("''", "b''") and _is_text(step) != (step.options["input"] == "''"):
        # By some roads nobody looks at the type.
        return False
    if step.command in LASTING:
        return _ends(step)
    if step.around.startswith("sigchld") and step.kind in ("exec", "shell", "dropped"):
        # Whether it is gone before the loop asks for a descriptor of it, or before anybody looks.
        return False
    if (
        step.kind in ("exec", "shell")
        and "communicate input" in step.uses
        and step.options.get("stdin") != "PIPE"
    ):
        return False
    if sys.version_info >= (3, 13) and _SEEN_BY_POSIX_SPAWN & {*step.options.items()}:
        return False
    if sys.version_info >= (3, 13) and step.around == "sigchld ignored" and step.command in WRONG:
        # There is no child of those that are started by `posix_spawn`.
        return False
    if step.command == "much" and "lines out" in step.uses:
        # A line that is too long: what is left of it depends on how it came.
        return False
    if step.command not in ("true", "false") and _breaks(step.uses):
        return False
    if step.command not in READING and (_WRITES & {*step.uses} or step.kind == "os.popen write"):
        return False
    # It is killed in the middle of what it does.
    return step.kind not in ("run", "check_output") or _is_taken(step)


def _breaks(uses: Sequence[str]) -> bool:
    """Whether an output is closed that the child may still write to."""
    for use in uses:
        if use.startswith("communicate"):
            return False
        if use in _CLOSES:
            return True
    return False


def _ends(step: Step) -> bool:
    if step.options.get("executable", "None") != "None":
        return False
    if step.options.get("shell", "None") not in ("False", "None"):
        return False
    if step.kind == "Popen":
        return step.uses[-1:] != () and step.uses[-1] in DEADLY
    return step.options.get("timeout") in SHORT or not _is_taken(step)


def _is_text(step: Step) -> bool:
    options = step.options
    given = {options.get("text"), options.get("universal_newlines")}
    return bool({"encoding", "errors"} & options.keys() or {"True", "1"} & given)


def _is_taken(step: Step) -> bool:
    """Whether the type of an input is that of the stream."""
    options = step.options
    given, encoding = options.get("input"), options.get("encoding")
    if given is None:
        return True
    is_text = _is_text(step)
    if is_text and encoding in ("'ascii'", "'utf-16'"):
        return given in ("'abc'", "''", "lines")
    return given not in ("5", *_BYTES) if is_text else given in _BYTES


_MAKERS: list[tuple[int, Callable[[random.Random], Step]]] = []


def _maker(weight: int) -> Callable[[Callable[[random.Random], Step]], Callable[[random.Random], Step]]:
    def add(make: Callable[[random.Random], Step]) -> Callable[[random.Random], Step]:
        _MAKERS.append((weight, make))
        return make

    return add


def _step(chance: random.Random) -> Step:
    weights = [weight for weight, _ in _MAKERS]
    step = chance.choices(_MAKERS, weights)[0][1](chance)
    return replace(step, around=chance.choice(AROUND)) if chance.random() < 0.3 else step


def _command(chance: random.Random) -> str:
    return chance.choice(WRONG if chance.random() < 0.12 else ENDING)


def _options(chance: random.Random, more: Sequence[str] = ()) -> dict[str, str]:
    all_values = VALUES | OF_RUN
    names = [chance.choice(COMMON) for _ in range(chance.choice((0, 1, 2, 2, 3)))]
    if chance.random() < 0.15:
        names.append(chance.choice(list(VALUES)))
    names += [name for name in more if chance.random() < 0.4]
    return {name: chance.choice(all_values[name]) for name in names}


@_maker(10)
def _running(chance: random.Random) -> Step:
    kind = chance.choice(("run", "run", "run", "call", "check_call", "check_output"))
    step = Step(kind, _command(chance), _options(chance, OPTIONS_OF[kind]))
    return step if is_fair(step) else replace(step, command="nap")


@_maker(1)
def _running_out_of_time(chance: random.Random) -> Step:
    kind = chance.choice(("run", "call", "check_call", "check_output"))
    options = {"timeout": chance.choice(SHORT)}
    if kind == "run" and chance.random() < 0.5:
        options["capture_output"] = "True"
    if chance.random() < 0.3:
        options["text"] = "True"
    # Whether a limit that is short is over before the first byte is written is chance.
    if options["timeout"] != "0.02" and chance.random() < 0.3 and kind in ("run", "check_output"):
        options["input"] = "'abc'" if "text" in options else "b'abc'"
    return Step(kind, "nap", options)


@_maker(8)
def _popen(chance: random.Random) -> Step:
    uses = tuple(chance.choice(POPEN_USES) for _ in range(chance.choice((0, 1, 1, 2, 3, 4))))
    return Step("Popen", _command(chance), _options(chance), uses)


@_maker(2)
def _popen_that_lasts(chance: random.Random) -> Step:
    options = {name: "PIPE" for name in ("stdin", "stdout", "stderr") if chance.random() < 0.4}
    if chance.random() < 0.3:
        options["text"] = "True"
    uses = tuple(chance.choice(NAP_USES) for _ in range(chance.choice((1, 2, 3))))
    return Step("Popen", "nap", options, (*uses, chance.choice(DEADLY)))


@_maker(1)
def _dropped(chance: random.Random) -> Step:
    return Step("dropped", chance.choice(("true", "false")), _options(chance))


@_maker(2)
def _plain(chance: random.Random) -> Step:
    kind = chance.choice(("getoutput", "getstatusoutput", "os.system", "os.popen", "os.popen write"))
    options = {}
    if kind.startswith("get") and chance.random() < 0.4:
        name = chance.choice(("encoding", "errors"))
        options[name] = chance.choice(VALUES[name])
    return Step(kind, chance.choice(ENDING), options)


@_maker(1)
def _posix(chance: random.Random) -> Step:
    kind = chance.choice(("posix_spawn", "posix_spawnp", "spawnvp"))
    return Step(kind, chance.choice((*ENDING, "missing", "empty")))


@_maker(3)
def _asyncio(chance: random.Random) -> Step:
    kind = chance.choice(("exec", "exec", "shell"))
    options = {
        name: chance.choice(("PIPE", "PIPE", "DEVNULL", "STDOUT" if name == "stderr" else "PIPE"))
        for name in ("stdin", "stdout", "stderr")
        if chance.random() < 0.6
    }
    if chance.random() < 0.3:
        name = chance.choice(("text", "bufsize", "cwd", "env", "shell", "executable", "start_new_session"))
        options[name] = chance.choice(VALUES[name])
    uses = tuple(chance.choice(ASYNC_USES) for _ in range(chance.choice((1, 1, 2))))
    return Step(kind, _command(chance), options, uses)


def smaller(one: Program) -> Iterator[Program]:
    """What is left of a program without one of its parts."""
    for at in range(len(one)):
        if len(one) > 1:
            yield (*one[:at], *one[at + 1 :])
    for at, step in enumerate(one):
        parts = [replace(step, around="")] if step.around else []
        for name in step.options:
            left = {other: value for other, value in step.options.items() if other != name}
            parts.append(replace(step, options=left))
        parts += [
            replace(step, uses=(*step.uses[:use], *step.uses[use + 1 :])) for use in range(len(step.uses))
        ]
        if step.command not in ("true", "nap"):
            parts.append(replace(step, command="true"))
        for part in filter(is_fair, parts):
            yield (*one[:at], part, *one[at + 1 :])
