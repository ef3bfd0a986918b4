"""Why a JSON document is no tape: one typed error that names the place, for the codec.

pydantic reports a mismatch as a list of every form that was tried. A reader of a tape wants one
sentence about one place, so the report is read only for where and of which kind the mismatch is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import TapeCorrupt
from ..later import later
from .base import Model
from .judge import judge_of
from .model import Base64, Effect, Entry, Event, Payload, Recorded, SentSignal, SpawnError, Tape
from .patterns import AnyArgs, Anything, Glob, Regex
from .place import MEND, Json, place_of, value_at

# Any: the contexts of pydantic's reports.
Context = Mapping[str, Any]
Location = tuple[int | str, ...]

_STREAM = (
    'text, a list of lines, {"base64": "..."}, {"sha256": "...", "size": ...} or, where that is allowed, null'
)
_ARGUMENT = 'text or {"base64": "..."}'
_TIME = "a time in UTC, as text, or nanoseconds as a whole number"
_PATTERN = '{"any": true}, {"regex": "..."}, {"glob": "..."}'
_WORD = f"{_ARGUMENT}, or a pattern: {_PATTERN}"
_ARG = f'{_WORD}, {{"any_args": true}}'
_STDIN = f"{_STREAM}; or a pattern: {_PATTERN}"
_FORMS: Mapping[str, tuple[type[Model], ...]] = {
    _STREAM: (Payload, Base64),
    _STDIN: (Payload, Base64, Anything, Regex, Glob),
    _ARGUMENT: (Base64,),
    _WORD: (Base64, Anything, Regex, Glob),
    _ARG: (Base64, Anything, Regex, Glob, AnyArgs),
}
"""The objects that may stand in a field of several forms."""
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "string_pattern_mismatch": "64 hexadecimal digits in lower case",
    "value_error": "base64, in text or in a list of lines",
}
_WORDS = 'words one by one, as {"program": "git", "args": ["status", "--short"]}'
_END = 'exit_code, or signal, as {"signal": "SIGKILL"}'
_MISTAKEN = {
    **dict.fromkeys(("argv", "cmd", "command", "commands", "command_line"), _WORDS),
    **dict.fromkeys(("returncode", "return_code", "rc", "code", "status", "exit", "exit_status"), _END),
    **dict.fromkeys(("output", "out", "stdout_text"), "stdout"),
    **dict.fromkeys(("err", "stderr_text"), "stderr"),
    **dict.fromkeys(("input", "in", "stdin_text"), "stdin"),
    **dict.fromkeys(("duration", "duration_s", "time", "elapsed"), "duration_ms, in milliseconds"),
    **dict.fromkeys(("error", "exception", "raises"), 'spawn_error, as {"spawn_error": {"errno": "ENOENT"}}'),
    **dict.fromkeys(("timeout", "timed_out"), 'a timeline, as [{"timeout_ms": 1000}, {"signal": "SIGKILL"}]'),
    **dict.fromkeys(("environ", "environment"), 'env, as {"LANG": "C"}; null for a variable that is not set'),
}
"""What people write who write entries by hand, and what they mean."""
_BY_FIELD: Mapping[tuple[int | str, str], str] = {
    ("args", "tuple_type"): f"a list: {_WORDS}",
    ("exit_code", "greater_than_equal"): '0 or more; what a signal killed has signal, as "SIGKILL"',
}
"""What is expected of a field, where more can be said than its type."""
_JSON_PLACE = later(r"(.*) at line (\d+) column (\d+)\Z", re.DOTALL)


def misfit(error: ValidationError, document: Json, path: Path) -> TapeCorrupt:
    """The error to raise for what pydantic found in ``document``.

    An unknown field comes first: a field that is missing is often the same one, misspelt.
    """
    found = error.errors(include_url=False, include_input=False)
    first = next((one for one in found if _is_unknown_field(one["loc"], one["type"], document)), found[0])
    if first["type"] == "json_invalid":
        return _not_json(str(first.get("ctx", {}).get("error", "")), path)
    location, union = _union_at(first["loc"], document)
    if union:
        return _union_misfit(location, document, path)
    expected = _expected(first["type"], first["msg"], first.get("ctx", {}))
    model = _model_at(location, document)
    if model is Entry and location:
        expected = _BY_FIELD.get((location[-1], first["type"]), expected)
    return _corrupt(path, location, value_at(location, document), first["type"], expected, model)


def _is_unknown_field(location: Location, kind: str, document: Json) -> bool:
    return kind == "extra_forbidden" and not _union_at(location, document)[1]


def _union_at(location: Location, document: Json) -> tuple[Location, str]:
    """The field of several forms that ``location`` is in, and what it may hold; else itself, ``""``."""
    start = 1 if isinstance(document, list) else 2
    match location[start:]:
        case ["program" | "cwd", *_]:
            return location[: start + 1], _WORD
        case ["argv0", *_]:
            return location[: start + 1], _ARGUMENT
        case ["args", int(), *_]:
            return location[: start + 2], _ARG
        case ["stdin", *_]:
            return location[: start + 1], _STDIN
        case ["stdout" | "stderr", *_]:
            return location[: start + 1], _STREAM
        case ["fds", str(), *rest] if rest != ["[key]"]:
            return location[: start + 2], _STREAM
        case ["timeline", int(), "stdin", *_]:
            return location[: start + 3], _STDIN
        case ["effects", int(), name, *rest] | ["timeline", int(), "effects", int(), name, *rest] if (
            name in _EFFECT_UNIONS
        ):
            return location[: len(location) - len(rest)], _EFFECT_UNIONS[str(name)]
        case ["timeline", int(), "stdout" | "stderr" | "data", *_]:
            return location[: start + 3], _STREAM
    return location, ""


_EFFECT_UNIONS = {"path": _ARGUMENT, "link": _ARGUMENT, "same_as": _ARGUMENT, "file": _STREAM, "mtime": _TIME}


def _union_misfit(location: Location, document: Json, path: Path) -> TapeCorrupt:
    """For a value that may have several forms: see which of them it was meant to have."""
    value = value_at(location, document)
    expected = _union_at(location, document)[1]
    if location[-1] in {"program", "path"} and location[-1] not in value_at(location[:-1], document):
        return _missing(path, location, expected)
    if isinstance(value, list) and expected in (_STREAM, _STDIN):
        return _line_misfit(location, value, path)
    if isinstance(value, dict) and value and expected in _FORMS:
        forms = _FORMS[expected]
        meant = next((form for form in forms if not value.keys().isdisjoint(form.model_fields)), None)
        if meant is None:
            return _no_form(location, next(iter(value)), expected, path)
        return _form_misfit(location, value, meant, expected, path)
    if location[-1] == "program" and isinstance(value, list):
        expected = _WORDS
    return _wrong_type(path, location, value, expected)


def _no_form(location: Location, name: str, expected: str, path: Path) -> TapeCorrupt:
    """For an object that begins like none of the forms."""
    known = [field for form in _FORMS[expected] for field in form.model_fields]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else expected
    problem = f"unknown field {_short_name(name)!r}"
    return TapeCorrupt(path, problem, place=place_of((*location, name)), expected=hint, next_step=MEND)


def _form_misfit(
    location: Location, value: dict[str, Json], model: type[Model], forms: str, path: Path
) -> TapeCorrupt:
    lines = value.get("base64") if model is Base64 else None
    if isinstance(lines, list) and not all(isinstance(line, str) for line in lines):
        return _line_misfit((*location, "base64"), lines, path)
    plain = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
    try:
        judge_of(model).model_validate(plain, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
        # Behind the name of the field pydantic puts those of the forms that it tried.
        name = first["loc"][0]
        return _corrupt(
            path,
            (*location, name),
            value.get(str(name)),
            first["type"],
            _expected(first["type"], first["msg"], first.get("ctx", {})),
            model,
        )
    # A form that is right in itself, where it may not stand: no field is like that today.
    return _wrong_type(path, location, value, forms)


def _line_misfit(location: Location, lines: list[Json], path: Path) -> TapeCorrupt:
    wrong = next(index for index, line in enumerate(lines) if not isinstance(line, str))
    return _wrong_type(path, (*location, wrong), lines[wrong], "text: one line")


def _corrupt(
    path: Path, location: Location, value: Json, kind: str, expected: str, model: type[Model]
) -> TapeCorrupt:
    if kind == "missing":
        return _missing(path, location, "a value")
    if kind == "extra_forbidden":
        return _unknown_field(path, location, model)
    if location and location[-1] == "[key]":
        return TapeCorrupt(
            path,
            "no number of a descriptor",
            place=place_of(location[:-1]),
            expected="a whole number from 3 on: 0, 1 and 2 are stdin, stdout and stderr",
            next_step=MEND,
        )
    return _wrong_type(path, location, value, expected)


def _missing(path: Path, location: Location, expected: str) -> TapeCorrupt:
    return TapeCorrupt(
        path, "the field is missing", place=place_of(location), expected=expected, next_step=MEND
    )


def _expected(kind: str, message: str, context: Context) -> str:
    if kind == "value_error" and (told := message.removeprefix("Value error, ")).startswith("a "):
        # The words of the validators of patterns.
        return told
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind == "literal_error":
        return f"one of {context['expected']}" if "'" in context["expected"] else "true"
    if kind == "greater_than_equal":
        return f"{context['ge']} or more"
    if kind == "less_than_equal":
        return f"{context['le']} or less"
    return message


def _wrong_type(path: Path, location: Location, value: Json, expected: str) -> TapeCorrupt:
    return TapeCorrupt(
        path, f"{_shown(value)} can't be there", place=place_of(location), expected=expected, next_step=MEND
    )


def _shown(value: Json) -> str:
    """What was found, in JSON's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value:.6g}" if isinstance(value, float) else _shown_int(value)
        case str():
            return f"the text {value!r}" if len(value) <= 40 else f"the text {value[:40]!r}..."
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "an object" if value else "an empty object"


def _shown_int(value: int) -> str:
    # Python refuses to print integers of more than 4300 digits: see sys.set_int_max_str_digits.
    return f"the number {value}" if value.bit_length() <= 64 else "a number of many digits"


def _unknown_field(path: Path, location: Location, model: type[Model]) -> TapeCorrupt:
    name = str(location[-1])
    known = list(model.model_fields)
    near = difflib.get_close_matches(name, known, n=1)
    expected = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
    if model is Entry and name.lower() in _MISTAKEN:
        expected = _MISTAKEN[name.lower()]
    problem = f"unknown field {_short_name(name)!r}"
    return TapeCorrupt(path, problem, place=place_of(location), expected=expected, next_step=MEND)


def _short_name(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}..."


def _model_at(location: Location, document: Json) -> type[Model]:
    """The model that the last step of ``location`` is a field of."""
    match location if not isinstance(document, list) else ("entries", *location):
        case [_]:
            return Tape
        case ["recorded", _]:
            return Recorded
        case [_, _, "streams", _, _]:
            return Payload
        case ["signals", _, _]:
            return SentSignal
        case [_, _, "spawn_error", _]:
            return SpawnError
        case [_, _, "effects", _, _] | [_, _, "timeline", _, "effects", _, _]:
            return Effect
        case [_, _, "timeline", _, _]:
            return Event
    return Entry


def _not_json(message: str, path: Path) -> TapeCorrupt:
    """For what Python's parser lets through and pydantic's does not, as half a surrogate pair."""
    found = _JSON_PLACE.match(message)
    problem, place = (found[1], f"line {found[2]}, column {found[3]}") if found else (message, "")
    return TapeCorrupt(path, f"not JSON: {problem}", place=place, expected="JSON", next_step=MEND)
