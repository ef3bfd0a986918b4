"""The text of a tape of what most spawns are: words, some text, and an exit code.

:func:`~.codec.dumps` asks here first, as a recording writes such a tape for nearly every test. The way
through all that may stand on a tape, :mod:`.layout`'s, and reading what was written to see that it can be
read, are kept for the others. What is taken here is right in every respect, and the layout has the same
bytes for it: a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Final

from .model import FORMAT_VERSION, Entry, Recorded, Tape

WIDTH: Final = 100
"""Columns up to which a short list or object stays on one line."""
_EXACT_FLOAT = 2.0**53

_SELDOM = ("names", "signals", "tools")
_FIELDS = frozenset(
    "program args argv0 cwd env inputs phase stdout stderr exit_code duration_ms".split()  # noqa: SIM905
)
_PHASES = {
    "setup": '      "phase": "setup",\n',
    "call": "",
    "teardown": '      "phase": "teardown",\n',
}
_ARGS = '      "args": '

# Any: a field as somebody gave it, a hook perhaps.
_Given = Mapping[str, Any]


def plain_text(tape: Tape) -> str | None:
    """The whole file, with its final newline; ``None`` where there is anything in it that is not plain."""
    given: _Given = vars(tape)
    said, taped, text = given.get("recorded"), given.get("entries"), encode_basestring
    if type(said) is not Recorded or type(taped) is not tuple or not taped:
        return None
    if given.get("version") != FORMAT_VERSION or any(given.get(name) is not None for name in _SELDOM):
        return None
    try:
        entries = ",\n".join(map(_entry, taped))
        owner = f'  "test": {text(given["test"])},\n' if given.get("test") else ""
        made = ",\n".join(f'    "{name}": {text(getattr(said, name))}' for name in Recorded.model_fields)
    # What is no text, or no number; a field that is missing.
    except (TypeError, LookupError):
        return None
    whole = (
        f'{{\n  "version": {FORMAT_VERSION},\n{owner}  "recorded": {{\n{made}\n  }},\n'
        f'  "entries": [\n{entries}\n  ]\n}}\n'
    )
    return whole if whole.isascii() and "\x7f" not in whole else None


def _entry(entry: Entry) -> str:
    """The lines of one.

    Raises:
        TypeError, LookupError: it is not plain.
    """
    given: _Given = vars(entry)
    if type(entry) is not Entry or not given.keys() <= _FIELDS:
        raise LookupError
    if given.get("argv0") is not None or given.get("env") is not None:
        raise LookupError
    cwd, code, text = given.get("cwd"), given.get("exit_code"), encode_basestring
    lines = [
        f'    {{\n      "program": {text(given["program"])},\n',
        _args(given.get("args", ())),
        "" if cwd is None else f'      "cwd": {text(cwd)},\n',
        _inputs(given.get("inputs")),
        _PHASES[given.get("phase", "call")],
        _stream("stdout", given.get("stdout", "")),
        _stream("stderr", given.get("stderr", "")),
        "" if code is None else f'      "exit_code": {_exit_code(code)},\n',
        f'      "duration_ms": {_milliseconds(given["duration_ms"])}\n    }}',
    ]
    return "".join(lines)


def _args(args: object) -> str:
    if type(args) is not tuple:
        raise LookupError
    if not args:
        return ""
    short = ", ".join(map(encode_basestring, args))
    if len(_ARGS) + len(short) + 2 < WIDTH:
        return f"{_ARGS}[{short}],\n"
    return f"{_ARGS}[\n{_lines(args)}      ],\n"


def _inputs(inputs: Any) -> str:  # noqa: ANN401 - as somebody gave it
    if inputs is None:
        return ""
    if type(inputs) is not dict or not inputs:
        raise LookupError
    if any(len(sha256) != 64 or sha256.strip("0123456789abcdef") for sha256 in inputs.values()):
        raise LookupError
    items = (f"{encode_basestring(name)}: {encode_basestring(sha256)}" for name, sha256 in inputs.items())
    inside = ",\n        ".join(items)
    return f'      "inputs": {{\n        {inside}\n      }},\n'


def _stream(name: str, stream: object) -> str:
    if stream == "":
        return ""
    if type(stream) is not tuple or not stream:
        raise LookupError
    return f'      "{name}": [\n{_lines(stream)}      ],\n'


def _lines(texts: tuple[Any, ...]) -> str:
    return "        " + ",\n        ".join(map(encode_basestring, texts)) + "\n"


def _exit_code(code: object) -> int:
    if type(code) is not int or not 0 <= code <= 255:
        raise LookupError
    return code


def _milliseconds(value: object) -> str:
    if type(value) is not float or not 0 <= value < _EXACT_FLOAT:
        raise LookupError
    return number(value)


def number(value: float) -> str:
    """Milliseconds with at most six decimals, whole ones without."""
    return repr(value) if value >= _EXACT_FLOAT else f"{value:.6f}".rstrip("0").rstrip(".")
