"""What pydantic says of a file that :mod:`.reader` did not take: :func:`verdict`. The codec asks for it.

It says where and why the file is no tape, in one typed error; or that it is one after all.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from ..errors import TapeCorrupt, TapeVersionError
from ..later import later
from .judge import ENTRIES, judge_of, released
from .misfit import misfit
from .model import FORMAT_VERSION, OLDEST_VERSION, Entry, Tape
from .place import MEND, Json, corrupt, place_of, value_at
from .pointer import is_pointer, unfetched

_EXAMPLE = 'an object, as {"entries": [{"program": "git", "args": ["status"]}]}'

_CUT_OFF = later(r"|t|tr|tru|f|fa|fal|fals|n|nu|nul|-|\.|[eE][-+]?|u[0-9A-Fa-f]{0,4}")
"""What a file ends with where JSON's parser stumbles over half a word, half a number or half an escape."""

_CONFLICT = later(r"^(?:<{7}|>{7}) ", re.MULTILINE)
"""What git writes around the two sides."""


def verdict(data: bytes, path: Path) -> Tape:
    """The tape that ``data`` holds.

    Args:
        data: all bytes of the file.
        path: the file, for the errors only.

    Raises:
        TapeCorrupt: not JSON, truncated, a wrong type or an unknown field.
        TapeVersionError: written in another version of the format.
    """
    document = _parse(data, path)
    bare = isinstance(document, list)
    if not bare:
        _check_version(document, path)
    try:
        # pydantic reads JSON its own way: what it is given are the bytes.
        if bare:
            judged = Tape(entries=cast(tuple[Entry, ...], released(ENTRIES.validate_json(data, strict=True))))
        else:
            judged = cast(Tape, released(judge_of(Tape).model_validate_json(data, strict=True)))
    except ValidationError as error:
        raise misfit(error, document, path) from None
    _check_descriptors(judged, document, path, () if bare else ("entries",))
    return judged


class _Doubled(dict[str, Json]):
    """An object in which a name stands twice; JSON parsers take the last one and say nothing."""

    name = ""


def _parse(data: bytes, path: Path) -> Json:
    """The document, seen as JSON only.

    Raises:
        TapeCorrupt: it isn't JSON, is neither an object nor a list, or a name stands twice in an object.
    """
    doubled = False

    def keep(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal doubled
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        doubled = True
        marked = _Doubled(pairs)
        names = [name for name, _ in pairs]
        marked.name = next(name for name in names if names.count(name) > 1)
        return marked

    text = _text(data, path)
    try:
        document = json.loads(text, object_pairs_hook=keep)
    except json.JSONDecodeError as error:
        raise _not_json(error, path) from None
    except RecursionError:
        raise corrupt(path, "the lists or objects are nested too deep", _EXAMPLE) from None
    except ValueError:
        # Python converts integers of at most 4300 digits: see sys.set_int_max_str_digits.
        raise corrupt(path, "a number of too many digits", "a number that a tape can have") from None
    if not isinstance(document, dict | list):
        raise corrupt(path, "neither an object nor a list", _EXAMPLE)
    if doubled:
        raise corrupt(
            path, "the field stands twice", "each field once", place_of(_place_of_doubled(document))
        )
    return document


def _text(data: bytes, path: Path) -> str:
    if data.startswith(codecs.BOM_UTF8):
        raise corrupt(path, "a byte order mark", "UTF-8 without one", "line 1, column 1")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        problem = f"not UTF-8: byte 0x{data[error.start]:02x}"
        raise corrupt(path, problem, "UTF-8", f"line {line}, column {column}") from None
    if not text or text.isspace():
        raise corrupt(path, "the file is empty", _EXAMPLE)
    return text


def _not_json(error: json.JSONDecodeError, path: Path) -> TapeCorrupt:
    if is_pointer(error.doc[:64].encode()):
        return unfetched(path, "JSON")
    rest = error.doc[error.pos :].rstrip()
    conflict = _CONFLICT.search(error.doc)
    if conflict is not None:
        line = error.doc.count("\n", 0, conflict.start()) + 1
        return corrupt(
            path, "not JSON: it has the marks of a merge conflict", "JSON", f"line {line}, column 1"
        )
    message = error.msg.removesuffix(" starting at")
    if _CUT_OFF.fullmatch(rest) or message.startswith("Unterminated string"):
        problem = f"the file is truncated: {message}"
    elif error.doc[error.pos] == "\0":
        problem = "not JSON: a NUL byte"
    else:
        problem = f"not JSON: {message}"
    return corrupt(path, problem, "JSON", f"line {error.lineno}, column {error.colno}")


def _place_of_doubled(document: Json) -> tuple[int | str, ...]:
    """Where the first name stands twice; only called when one does."""
    pending: list[tuple[tuple[int | str, ...], Json]] = [((), document)]
    while True:
        place, value = pending.pop()
        if isinstance(value, _Doubled):
            return (*place, value.name)
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        below = [((*place, step), one) for step, one in inner if isinstance(one, dict | list)]
        pending.extend(reversed(below))


def _check_version(document: dict[str, Json], path: Path) -> None:
    """Look at the version before all else: a newer format has fields that this one calls unknown."""
    version = document.get("version", FORMAT_VERSION)
    if type(version) is not int or OLDEST_VERSION <= version <= FORMAT_VERSION:
        return
    newer = version > FORMAT_VERSION
    raise TapeVersionError(
        path,
        "written in a newer version of the format" if newer else "no such version of the format",
        place="version",
        expected=f"version {OLDEST_VERSION} to {FORMAT_VERSION}",
        next_step="upgrade pytest-proctape, or record the test again with --record-tapes" if newer else MEND,
    )


def _check_descriptors(tape: Tape, document: Json, path: Path, above: tuple[str, ...]) -> None:
    for index, entry in enumerate(tape.entries):
        if entry.fds:
            # "3" and "03" are two names and one number.
            steps: tuple[int | str, ...] = (*above, index, "fds")
            if len(entry.fds) != len(value_at(steps, document)):
                raise corrupt(path, "a descriptor stands twice", "each descriptor once", place_of(steps))
