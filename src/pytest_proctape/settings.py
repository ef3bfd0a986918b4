"""What the user asked for: command line, marker and ini, checked and brought into one order.

The command line wins over the marker, the nearer marker over the one further out, the marker over the
fixture ``tape_config``, that over the ini file, and the ini file over the default. Every setting is a line of
the table in :mod:`.keys`, from which the plugin declares the ini keys, a parser and a field here; what
:class:`~.tape_config.TapeConfig` may hold is checked against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from . import keys
from .errors import UsageError
from .frozen import Frozen
from .keys import DIRECTORY, INI_PREFIX, MATCH_ON, IniType, Mode, Order, OrphansAction
from .limits import (
    MAX_CHILDREN,
    MAX_OUTPUT,
    Limits,
    TimeLimit,
    parse_bytes,
    parse_ceiling,
    parse_count,
    parse_size,
    parse_time_limit,
)
from .parsing import (
    nearest,
    parse_effects,
    parse_flag,
    parse_lines,
    parse_match_on,
    parse_mode,
    parse_order,
    parse_orphans,
    parse_patterns,
    parse_regexes,
    parse_text,
    parse_words,
)


class Settings(Frozen):
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
        live: patterns of commands that are never taped; see :mod:`.live`.
        orphans: what is done about tapes that no test owns.
        order: ``"strict"``: spawns come in the order of the tape; ``"any"``: in whatever order.
        match_on: what of a spawn is held against the tape, some of :data:`MATCH_ON`.
        clock: time stands where the recording began, and moves by what the test waits for.
        places: lines of placeholders of the user's own.
        redact: patterns of what is secret, a line each.
        env: names and globs of the environment variables that are kept and compared.
        keep_unscanned: output that is too large to be searched for secrets is kept as it is.
        effects: files that commands make are recorded; or the places besides the test's own temporary
            directories where they are.
        effects_ignore: patterns of what is left out.
        effects_limit: bytes that a tape may keep of them.
        effects_text: patterns of files in whose text placeholders hold.
        payload_threshold: bytes above which a stream is kept in a file of its own.
        wasi: directory of the modules that run in the place of programs, relative to the root directory;
            ``""`` for none.
    """

    mode: Mode = "replay"
    auto: bool = False
    dir: str = DIRECTORY
    spawn_timeout: TimeLimit | None = None
    test_timeout: TimeLimit | None = None
    max_output: int = MAX_OUTPUT
    max_children: int = MAX_CHILDREN
    kill_leaked: bool = False
    volatile: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    orphans: OrphansAction = "report"
    order: Order = "strict"
    match_on: tuple[str, ...] = MATCH_ON
    clock: bool = False
    places: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    keep_unscanned: bool = False
    effects: bool | tuple[str, ...] = False
    effects_ignore: tuple[str, ...] = ("__pycache__", ".pytest_cache")
    effects_limit: int = 64 << 20
    effects_text: tuple[str, ...] = ()
    payload_threshold: int = 1 << 16
    wasi: str = ""

    @property
    def limits(self) -> Limits:
        """How far a recording may go."""
        return Limits(self.spawn_timeout, self.test_timeout, self.max_output, self.max_children)


class Key(Frozen):
    """One setting.

    Attributes:
        name: the attribute of :class:`Settings`; the marker's argument; behind ``tapes_``, the ini key.
        kind: how pytest reads the ini key.
        parse: what was written, and where, to the value; raises :class:`~.errors.UsageError`.
        help: one line for ``pytest --help`` and ``pytest --markers``.
        marker: it can stand in the marker.
    """

    name: str
    kind: IniType
    parse: Callable[[Any, str], object]
    help: str
    marker: bool

    @property
    def ini_name(self) -> str:
        """As it is written in the ini file."""
        return INI_PREFIX + self.name


_PARSERS: Final[Mapping[str, Callable[[Any, str], object]]] = {
    "mode": parse_mode,
    "auto": parse_flag,
    "dir": parse_text,
    "spawn_timeout": parse_time_limit,
    "test_timeout": parse_ceiling,
    "max_output": parse_bytes,
    "max_children": parse_count,
    "kill_leaked": parse_flag,
    "volatile": parse_regexes,
    "live": parse_words,
    "orphans": parse_orphans,
    "order": parse_order,
    "match_on": parse_match_on,
    "clock": parse_flag,
    "places": parse_lines,
    "redact": parse_lines,
    "env": parse_lines,
    "keep_unscanned": parse_flag,
    "effects": parse_effects,
    "effects_ignore": parse_patterns,
    "effects_limit": parse_size,
    "effects_text": parse_patterns,
    "payload_threshold": parse_size,
    "wasi": parse_text,
}

KEYS: Final = tuple(Key(name, kind, _PARSERS[name], told, marker) for name, kind, told, marker in keys.KEYS)
assert [key.name for key in KEYS] == list(_PARSERS) == list(Settings.__annotations__)

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
        if (value := written.get(key.ini_name)) not in (None, "", [])
    }
    return Settings(**values)


def check_marker(args: tuple[Any, ...], kwargs: Mapping[str, Any], source: str) -> dict[str, object]:
    """What ``@pytest.mark.tape(...)`` asks for, by name of the setting; ``None`` says nothing.

    Raises:
        UsageError: an argument is not known, or its value is not understood.
    """
    if args:
        raise UsageError(f"{source}: @pytest.mark.tape takes no positional arguments; say tape(mode=...)")
    return check_asked(kwargs, f"{source}: @pytest.mark.tape")


def check_asked(
    asked: object, source: str, *, shape: str = "{}({}=...)", what: str = "argument"
) -> dict[str, object]:
    """What a :class:`~.tape_config.TapeConfig` asks for, by name of the setting; ``None`` says nothing.

    Args:
        asked: the mapping, as it was given.
        source: who gave it, for the message.
        shape: how one of its values is named, from the source and the value's name.
        what: it is called.

    Raises:
        UsageError: it is no mapping, a name is not known, or a value is not understood.
    """
    if not isinstance(asked, Mapping):
        raise UsageError(f"{source} is a dict of settings, not {asked!r}")
    checked = {}
    for name, value in asked.items():
        key = _BY_ARGUMENT.get(name) if isinstance(name, str) else None
        if key is None:
            raise UsageError(
                f"{source} has no {what} {name!r}{nearest(str(name), _BY_ARGUMENT)}"
                f"; it has {', '.join(_BY_ARGUMENT)}"
            )
        if value is not None:
            checked[key.name] = key.parse(value, shape.format(source, name))
    return checked


def for_test(run: Settings, markers: Iterable[Mapping[str, object]], mode: Mode | None) -> Settings:
    """The settings of one test.

    Args:
        run: those of the ini file.
        markers: what its markers ask for, the nearest first, and then ``tape_config``; see
            :func:`check_asked`.
        mode: what the command line asks for.
    """
    asked: dict[str, Any] = {} if mode is None else {"mode": mode}
    for marker in markers:
        asked = {**marker, **asked}
    return run.but(**asked) if asked else run
