"""What the user asked for: command line, marker and ini, checked and brought into one order.

The command line wins over the marker, the nearer marker over the one further out, the marker over the
ini file, and the ini file over the default. Every setting is a line of :data:`KEYS`; the plugin declares
the ini keys from it and the marker's arguments are checked against it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, TypeVar, get_args

from .errors import UsageError
from .limits import (
    MAX_CHILDREN,
    MAX_OUTPUT,
    TimeLimit,
    parse_bytes,
    parse_ceiling,
    parse_count,
    parse_time_limit,
)

Mode = Literal["replay", "record", "missing", "new", "live", "verify"]
MODES: tuple[Mode, ...] = get_args(Mode)
RECORD_CHOICES = ("all", "missing", "new")
"""What may stand behind ``--record-tapes=``."""
_SYNONYMS: Mapping[str, Mode] = {"all": "record"}

IniType = Literal["string", "bool", "linelist"]
_T = TypeVar("_T", bound=str)


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one test, or for the run where nothing is marked.

    Attributes:
        mode: what happens to the test's spawns.
        auto: every test is taped.
        dir: directory of the tapes, relative to the root directory.
        spawn_timeout: for how long a child may run while it is recorded.
        test_timeout: for how long the children of one test may run while they are recorded.
        max_output: bytes that a child may write to one output while it is recorded.
        max_children: how many may run at once.
        volatile: patterns of what differs in every run; ``--verify-tapes`` does not look at it.
        kill_leaked: what still runs when its test ends is ended.
    """

    mode: Mode = "replay"
    auto: bool = False
    dir: str = "tapes"
    spawn_timeout: TimeLimit | None = None
    test_timeout: TimeLimit | None = None
    max_output: int = MAX_OUTPUT
    max_children: int = MAX_CHILDREN
    kill_leaked: bool = False
    volatile: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    Attributes:
        name: the attribute of :class:`Settings`; the marker's argument; behind ``tapes_``, the ini key.
        kind: how pytest reads the ini key.
        parse: what was written, and where, to the value; raises :class:`~.errors.UsageError`.
        help: one line for ``pytest --help`` and ``pytest --markers``.
        ini: it can stand in the ini file.
        marker: it can stand in the marker.
    """

    name: str
    kind: IniType
    parse: Callable[[Any, str], object]
    help: str
    ini: bool = True
    marker: bool = True

    @property
    def ini_name(self) -> str:
        """As it is written in the ini file."""
        return f"tapes_{self.name}"


# -- parsers -----------------------------------------------------------------------------------


def parse_mode(value: object, source: str) -> Mode:
    """A mode by its name.

    Args:
        value: ``replay``, ``record`` (or ``all``), ``missing``, ``new`` or ``live``.
        source: where it was written, for the message.

    Raises:
        UsageError: there is no such mode.
    """
    return choice(_SYNONYMS.get(value, value) if isinstance(value, str) else value, source, MODES, "mode")


def choice(value: object, source: str, known: Sequence[_T], what: str) -> _T:
    """``value``, which must be one of ``known``.

    Raises:
        UsageError: it isn't.
    """
    for one in known:
        if value == one:
            return one
    listed = ", ".join(known)
    if not isinstance(value, str):
        raise UsageError(f"{source} is one of {listed}, not {value!r}")
    raise UsageError(f"{source}: no such {what}: {value!r}{nearest(value, known)}; the {what}s are {listed}")


def parse_flag(value: object, source: str) -> bool:
    """True or false.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{source} is True or False, not {value!r}")
    return value


def parse_text(value: object, source: str) -> str:
    """A string.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, str):
        raise UsageError(f"{source} is a string, not {value!r}")
    return value


def parse_regexes(value: object, source: str) -> tuple[str, ...]:
    """Regular expressions.

    Raises:
        UsageError: it is no list of them.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{source} is a list of regular expressions, not {value!r}")
    for one in value:
        try:
            re.compile(one)
        except re.error as error:
            raise UsageError(f"{source}: {one!r} is no regular expression: {error}") from None
    return tuple(value)


KEYS: Final = (
    Key("mode", "string", parse_mode, f"mode of taped tests, one of {', '.join(MODES)}"),
    Key("auto", "bool", parse_flag, "every test is taped, without marker or fixture", marker=False),
    Key("dir", "string", parse_text, "directory of the tapes, relative to the root directory", marker=False),
    Key("spawn_timeout", "string", parse_time_limit, "seconds that a command may run while recording"),
    Key("test_timeout", "string", parse_ceiling, "seconds that a test's commands may run while recording"),
    Key("max_output", "string", parse_bytes, "bytes that a command may write, as in 64M"),
    Key("max_children", "string", parse_count, "commands of a test that may run at once while recording"),
    Key("kill_leaked", "bool", parse_flag, "end commands that still run when their test ends"),
    Key("volatile", "linelist", parse_regexes, "what --verify-tapes must not compare", marker=False),
)
assert [key.name for key in KEYS] == [field.name for field in fields(Settings)]

_BY_ARGUMENT: Final = {key.name: key for key in KEYS if key.marker}


# -- sources -----------------------------------------------------------------------------------


def command_line_mode(record: Iterable[str], replay: bool, live: bool, verify: bool = False) -> Mode | None:
    """The mode that the flags ask for.

    Raises:
        UsageError: two of them contradict each other.
    """
    given: dict[str, Mode] = {}
    for which in record:
        flag = "--record-tapes" if which == "all" else f"--record-tapes={which}"
        given[flag] = parse_mode(which, "--record-tapes")
    if replay:
        given["--replay-tapes"] = "replay"
    if live:
        given["--live-tapes"] = "live"
    if verify:
        given["--verify-tapes"] = "verify"
    if len(given) > 1:
        raise UsageError(
            f"{' and '.join(given)} can't be had at once: "
            "a test is either recorded, replayed, live or verified"
        )
    return next(iter(given.values()), None)


def from_ini(written: Mapping[str, object], file: object) -> Settings:
    """The settings of the ini file.

    Args:
        written: by ini key what pytest read; ``None`` and ``""`` say nothing.
        file: its path, for the message.

    Raises:
        UsageError: a value is not understood.
    """
    values: dict[str, Any] = {
        key.name: key.parse(value, f"{key.ini_name} in {file}")
        for key in KEYS
        if (value := written.get(key.ini_name)) not in (None, "")
    }
    return replace(Settings(), **values)


def check_marker(args: tuple[Any, ...], kwargs: Mapping[str, Any], source: str) -> dict[str, object]:
    """What ``@pytest.mark.tape(...)`` asks for, by name of the setting; ``None`` says nothing.

    Raises:
        UsageError: an argument is not known, or its value is not understood.
    """
    if args:
        raise UsageError(f"{source}: @pytest.mark.tape takes no positional arguments; say tape(mode=...)")
    asked = {}
    for name, value in kwargs.items():
        key = _BY_ARGUMENT.get(name)
        if key is None:
            raise UsageError(
                f"{source}: @pytest.mark.tape has no argument {name!r}{nearest(name, _BY_ARGUMENT)}"
                f"; it has {', '.join(_BY_ARGUMENT)}"
            )
        if value is not None:
            asked[name] = key.parse(value, f"{source}: @pytest.mark.tape({name}=...)")
    return asked


def for_test(run: Settings, markers: Iterable[Mapping[str, object]], mode: Mode | None) -> Settings:
    """The settings of one test.

    Args:
        run: those of the ini file.
        markers: what its markers ask for, the nearest first; see :func:`check_marker`.
        mode: what the command line asks for.
    """
    asked: dict[str, Any] = {} if mode is None else {"mode": mode}
    for marker in markers:
        asked = {**marker, **asked}
    return replace(run, **asked) if asked else run


def marker_help() -> str:
    """What ``pytest --markers`` tells of the marker."""
    arguments = ", ".join(f"{name}=None" for name in _BY_ARGUMENT)
    told = "; ".join(f"{key.name}: {key.help}" for key in _BY_ARGUMENT.values())
    return (
        f"tape({arguments}): the processes that this test starts are recorded on a tape of its own and "
        f"replayed from it. {told}. The command line overrules the marker, and the marker the ini file."
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the name that was meant, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
