"""What the user asked for: command line, marker and ini, checked and brought into one order.

The command line wins over the marker, the marker over the ini file, and with none of them a taped test
is replayed: that is safe on a laptop and in CI.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .errors import UsageError

Mode = Literal["replay", "record", "missing", "new", "live"]
MODES: tuple[Mode, ...] = get_args(Mode)
RECORD_CHOICES = ("all", "missing", "new")
"""What may stand behind ``--record-tapes=``."""
_SYNONYMS: Mapping[str, Mode] = {"all": "record"}
_MARKER_ARGUMENTS = ("mode",)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the run.

    Attributes:
        mode: from the command line, or ``None``.
        ini_mode: from the ini file, or ``None``.
        auto: every test is taped.
        directory: of the tapes, relative to the root directory.
    """

    mode: Mode | None
    ini_mode: Mode | None
    auto: bool
    directory: str


def parse_mode(value: str, source: str) -> Mode:
    """A mode by its name.

    Args:
        value: ``replay``, ``record`` (or ``all``), ``missing``, ``new`` or ``live``.
        source: where it was written, for the message.

    Raises:
        UsageError: there is no such mode.
    """
    mode = _SYNONYMS.get(value, value)
    for known in MODES:
        if mode == known:
            return known
    raise UsageError(
        f"{source}: no such mode: {value!r}{_nearest(value, MODES)}; the modes are {', '.join(MODES)}"
    )


def command_line_mode(record: Iterable[str], replay: bool, live: bool) -> Mode | None:
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
    if len(given) > 1:
        raise UsageError(
            f"{' and '.join(given)} can't be had at once: a test is either recorded, replayed or live"
        )
    return next(iter(given.values()), None)


def marker_mode(args: tuple[Any, ...], kwargs: Mapping[str, Any], source: str) -> Mode | None:
    """The mode that ``@pytest.mark.tape(...)`` asks for.

    Raises:
        UsageError: an argument is not known, or its value is not understood.
    """
    if args:
        raise UsageError(f"{source}: @pytest.mark.tape takes no positional arguments; say tape(mode=...)")
    for name in kwargs:
        if name not in _MARKER_ARGUMENTS:
            raise UsageError(
                f"{source}: @pytest.mark.tape has no argument {name!r}{_nearest(name, _MARKER_ARGUMENTS)}"
                f"; it has {', '.join(_MARKER_ARGUMENTS)}"
            )
    value = kwargs.get("mode")
    if value is None:
        return None
    if not isinstance(value, str):
        raise UsageError(f"{source}: @pytest.mark.tape(mode=...) is one of {', '.join(MODES)}, not {value!r}")
    return parse_mode(value, f"{source}: @pytest.mark.tape")


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
