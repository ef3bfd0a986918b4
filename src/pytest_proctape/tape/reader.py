"""Reads a tape that is right in every respect: :func:`read`. The codec calls it for each tape.

pydantic is as long in being imported as a hundred replayed tests are in running, and a replay needs one
answer of it only: that there is nothing to say against a tape. So the tables below say what may stand in a
field, by the type that JSON gives it. Whatever they do not let through is refused without a word, and
:mod:`.verdict` says what pydantic finds; a test holds that pydantic takes all that is taken here, and makes
the same tape of it.

The objects of JSON become the models as they are: nothing is copied but the lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeVar

from .base import REQUIRED, Model
from .model import (
    FORMAT_VERSION,
    OLDEST_VERSION,
    Base64,
    Effect,
    Entry,
    Event,
    Payload,
    Recorded,
    SentSignal,
    SpawnError,
    Tape,
)
from .patterns import AnyArgs, Anything, Glob, Regex

# Any: a value as the JSON module gives it.
_Json = Any
_Object = dict[str, _Json]
_Forms = Mapping[type, Callable[[_Json], object] | None]
"""By the type of a value, what makes of it what a model has; ``None`` where it is that already."""
_Fields = Mapping[str, _Forms]
_T = TypeVar("_T", bound=Model)

_DIGITS = frozenset("0123456789abcdef")


class _Refused(Exception):
    """Nothing is said about where and why: the judge finds that out."""


def read(data: bytes) -> Tape | None:
    """The tape, or the bare list of entries, that ``data`` holds; ``None`` if it is not plainly one."""
    if b"\\ud" in data or b"\\uD" in data:
        # An escape with which half a character can be written, which is no text: pydantic looks at each.
        return None
    try:
        document = _parse(data.decode("utf-8"))
        if type(document) is list:
            document = {"entries": document}
        return _tape(document) if type(document) is dict else None
    # ValueError: no JSON, a number of too many digits, a pattern that is none. LookupError: a field or a type
    # that no table has. TypeError: a line that is no text. OverflowError: a number that no float can be.
    except (_Refused, ValueError, TypeError, LookupError, RecursionError, OverflowError):
        return None


def _object(pairs: list[tuple[str, _Json]]) -> _Object:
    """A JSON object; parsers take the last of two equal names and say nothing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused
    return found


_parse = json.JSONDecoder(object_pairs_hook=_object).decode


def _reader_of(model: type[_T], fields: _Fields) -> Callable[[_Object], _T]:
    """What turns an object of JSON into ``model``."""
    required = tuple(name for name, default in model.model_fields.items() if default is REQUIRED)
    assert fields.keys() == model.model_fields.keys()

    def made(found: _Object) -> _T:
        for name, value in found.items():
            form = fields[name][type(value)]
            if form is not None:
                found[name] = form(value)
        for name in required:
            if name not in found:
                raise _Refused
        one = model.__new__(model)
        object.__setattr__(one, "__dict__", found)
        return one

    return made


def _tuple_of(form: Callable[[_Json], object]) -> Callable[[list[_Json]], tuple[object, ...]]:
    """Of objects of one kind."""

    def made(found: list[_Json]) -> tuple[object, ...]:
        if not {*map(type, found)} <= _ONLY_OBJECTS:
            raise _Refused
        return tuple(map(form, found))

    return made


_ONLY_OBJECTS = {dict}
_ONLY_TEXT = {str}
_ONLY_NUMBERS = {int}


def _lines(found: list[_Json]) -> tuple[str, ...]:
    "".join(found)  # a TypeError for whatever is no text, at no cost a line
    return tuple(found)


def _within(least: int, most: int | None = None) -> Callable[[int], int]:
    def checked(number: int) -> int:
        if number < least or (most is not None and number > most):
            raise _Refused
        return number

    return checked


def _one_of(*known: object) -> Callable[[_Json], _Json]:
    def checked(value: _Json) -> _Json:
        if value not in known:
            raise _Refused
        return value

    return checked


def _milliseconds(value: float) -> float:
    number = float(value)
    if number < 0 or not isfinite(number):
        raise _Refused
    return number


def _hash(value: str) -> str:
    if len(value) != 64 or not _DIGITS.issuperset(value):
        raise _Refused
    return value


def _true(value: bool) -> bool:
    if not value:
        raise _Refused
    return value


_NULL: _Forms = {type(None): None}
_TEXT: _Forms = {str: None}
_TRUTH: _Forms = {bool: None}
_TRUE: _Forms = {bool: _true}
_SIZE: _Forms = {int: _within(0)}
_TIME: _Forms = {float: _milliseconds, int: _milliseconds}


# --- what is an object in the place of text ---------------------------------------------------------


def _checked_base64(value: _Json) -> object:
    return Base64(base64=_lines(value) if type(value) is list else _text(value))


def _text(value: _Json) -> str:
    if type(value) is not str:
        raise _Refused
    return value


_payload = _reader_of(
    Payload, {"sha256": {str: _hash}, "size": _SIZE, "crc32": {**_NULL, int: _within(0, (1 << 32) - 1)}}
)
_anything = _reader_of(Anything, {"any": _TRUE})
_any_args = _reader_of(AnyArgs, {"any_args": _TRUE})
_BYTES: Mapping[str, Callable[[_Json], object]] = {"base64": _checked_base64}
_PATTERNS: Mapping[str, Callable[[_Json], object]] = {
    "any": lambda value: _anything({"any": value}),
    "regex": lambda value: Regex(regex=_text(value)),
    "glob": lambda value: Glob(glob=_text(value)),
}
_ANY_ARGS: Mapping[str, Callable[[_Json], object]] = {
    "any_args": lambda value: _any_args({"any_args": value})
}


def _one_named(*known: Mapping[str, Callable[[_Json], object]]) -> Callable[[_Object], object]:
    """For an object of one name, which says what it is."""
    forms = {name: form for some in known for name, form in some.items()}

    def made(found: _Object) -> object:
        ((name, value),) = found.items()
        return forms[name](value)

    return made


def _payload_or(other: Callable[[_Object], object]) -> Callable[[_Object], object]:
    return lambda found: _payload(found) if len(found) > 1 else other(found)


_argument = _one_named(_BYTES)
_word = _one_named(_BYTES, _PATTERNS)
_arg_object = _one_named(_BYTES, _PATTERNS, _ANY_ARGS)
_stream = _payload_or(_argument)

_ARGUMENT: _Forms = {str: None, dict: _argument}
_WORD: _Forms = {str: None, dict: _word}
_ARG: _Forms = {str: None, dict: _arg_object}
_STREAM: _Forms = {str: None, list: _lines, dict: _stream}
_STDIN: _Forms = {str: None, list: _lines, dict: _payload_or(_word)}


def _made(value: _Json, forms: _Forms) -> object:
    form = forms[type(value)]
    return value if form is None else form(value)


def _args(found: list[_Json]) -> tuple[object, ...]:
    for one in found:
        if type(one) is not str:
            return tuple(_made(one, _ARG) for one in found)
    return tuple(found)


def _texts(found: _Object) -> _Object:
    if not {*map(type, found.values())} <= _ONLY_TEXT:
        raise _Refused
    return found


def _tools(found: _Object) -> dict[str, object]:
    return {name: None if place is None else _made(place, _ARGUMENT) for name, place in found.items()}


def _variables(found: _Object) -> _Object:
    if not {*map(type, found.values())} <= {str, type(None)}:
        raise _Refused
    return found


def _hashes(found: _Object) -> dict[str, object]:
    return {name: _hash(_text(value)) for name, value in found.items()}


def _descriptors(found: _Object) -> dict[int, object]:
    return {_descriptor(name): _made(stream, _STREAM) for name, stream in found.items()}


def _descriptor(name: str) -> int:
    number = int(name)
    # int() takes more than JSON's numbers, and "3" and "03" are two names of one.
    if number < 3 or str(number) != name:
        raise _Refused
    return number


def _streams(found: _Object) -> dict[str, object]:
    if not {*map(type, found.values())} <= _ONLY_OBJECTS:
        raise _Refused
    return {name: _payload(stream) for name, stream in found.items()}


def _parts(found: list[_Json]) -> tuple[object, ...]:
    for one in found:
        if type(one) is not list or len(one) != 2 or {*map(type, one)} != _ONLY_NUMBERS:
            raise _Refused
    return tuple(map(tuple, found))


# --- the fields of each model -----------------------------------------------------------------------

_spawn_error = _reader_of(SpawnError, {"type": _TEXT, "errno": _TEXT, "message": _TEXT})
_effect = _reader_of(
    Effect,
    {
        "path": _ARGUMENT,
        "file": {**_NULL, **_STREAM},
        "link": {**_NULL, **_ARGUMENT},
        "same_as": {**_NULL, **_ARGUMENT},
        "kind": {**_NULL, str: _one_of("directory", "fifo", "socket", "gone")},
        "size": {**_NULL, int: _within(0, 1 << 40)},
        "parts": {**_NULL, list: _parts},
        "mode": {**_NULL, **_TEXT},
        "at_ms": {**_NULL, **_TIME},
        "mtime": {**_NULL, str: None, int: None},
        "was": {**_NULL, **_TEXT},
        "in_place": _TRUTH,
        "placeholders": _TRUTH,
        "pid": _TRUTH,
    },
)
_EFFECTS: _Forms = {**_NULL, list: _tuple_of(_effect)}
_event = _reader_of(
    Event,
    {
        "at_ms": {**_NULL, **_TIME},
        "stdin": {**_NULL, **_STDIN},
        "stdout": {**_NULL, **_STREAM},
        "stderr": {**_NULL, **_STREAM},
        "fd": {**_NULL, **_SIZE},
        "data": {**_NULL, **_STREAM},
        "close": {**_NULL, str: _one_of("stdin", "stdout", "stderr")},
        "signal": {**_NULL, **_TEXT},
        "stopped": {**_NULL, **_TEXT},
        "continued": {**_NULL, **_TRUE},
        "ended": {**_NULL, **_TRUE},
        "timeout_ms": {**_NULL, **_TIME},
        "terminal": {**_NULL, **_TEXT},
        "set_terminal": {**_NULL, **_TEXT},
        "effects": _EFFECTS,
        "stream": {**_NULL, **_TEXT},
        "size": {**_NULL, **_SIZE},
    },
)
_entry = _reader_of(
    Entry,
    {
        "program": _WORD,
        "args": {list: _args},
        "argv0": {**_NULL, **_ARGUMENT},
        "cwd": {**_NULL, **_WORD},
        "env": {**_NULL, dict: _variables},
        "inputs": {**_NULL, dict: _hashes},
        "phase": {str: _one_of("setup", "call", "teardown")},
        "stdin": {**_NULL, **_STDIN},
        "stdout": {**_NULL, **_STREAM},
        "stderr": {**_NULL, **_STREAM},
        "stderr_to_stdout": _TRUTH,
        "fds": {**_NULL, dict: _descriptors},
        "timeline": {**_NULL, list: _tuple_of(_event)},
        "streams": {**_NULL, dict: _streams},
        "exit_code": {**_NULL, int: _within(0, 255)},
        "signal": {**_NULL, **_TEXT},
        "core_dumped": _TRUTH,
        "spawn_error": {**_NULL, dict: _spawn_error},
        "timed_out": {**_NULL, **_TEXT},
        "output_limit": {**_NULL, **_TEXT},
        "running": _TRUTH,
        "seen_running": _TRUTH,
        "terminal": {**_NULL, **_TEXT},
        "duration_ms": _TIME,
        "began": {**_NULL, **_TEXT},
        "effects": _EFFECTS,
        "note": {**_NULL, **_TEXT},
    },
)
_entries = _tuple_of(_entry)
_tape = _reader_of(
    Tape,
    {
        "version": {int: _within(OLDEST_VERSION, FORMAT_VERSION)},
        "test": _TEXT,
        "recorded": {
            **_NULL,
            dict: _reader_of(Recorded, {"at": _TEXT, "python": _TEXT, "platform": _TEXT, "proctape": _TEXT}),
        },
        "names": {**_NULL, dict: _texts},
        "signals": {
            **_NULL,
            list: _tuple_of(
                _reader_of(
                    SentSignal,
                    {
                        "pid": {int: _within(2)},
                        "group": _TRUTH,
                        "signal": {**_NULL, **_TEXT},
                        "error": {**_NULL, **_TEXT},
                    },
                )
            ),
        },
        "tools": {**_NULL, dict: _tools},
        "entries": {list: _entries},
    },
)
