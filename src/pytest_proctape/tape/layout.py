"""The text of a tape file, laid out for diffs: a line of output is a line of the file.

:func:`~.codec.dumps` calls it; nothing here is needed for reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Final

from .base import Model
from .model import Base64, Effect, Entry, Event, Payload, Tape
from .patterns import is_pattern, pattern_text

_WIDTH = 100
"""Columns up to which a short list or object stays on one line."""

_ALWAYS: Final[dict[type[Model], frozenset[str]]] = {
    Tape: frozenset({"version", "entries"}),
    Entry: frozenset({"duration_ms"}),
}
"""Fields that are written though they have their default."""

_LINES = frozenset({"stdin", "stdout", "stderr", "data", "base64", "entries", "timeline", "effects", "file"})
"""Fields whose lists have one item a line, however short."""

_EXACT_FLOAT = 2.0**53

_INVISIBLE = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Characters that JSON leaves as they are and that break lines, or turn them around, in a review."""


def text_of(tape: Tape) -> str:
    """The whole file, with its final newline."""
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", _model(tape, 0)) + "\n"


def _model(model: Model, indent: int) -> str:
    """An object with the fields that do not have their default, in the order of the model."""
    always = _ALWAYS.get(type(model), frozenset())
    # What was not given has its default.
    given = vars(model).get
    fields = [
        (name, value, name in _LINES)
        for name, default in type(model).model_fields.items()
        if ((value := given(name, default)) is not default and value != default) or name in always
    ]
    return _object(fields, indent)


def _object(fields: Iterable[tuple[str, object, bool]], indent: int) -> str:
    inner = " " * (indent + 2)
    lines = []
    for name, value, by_line in fields:
        key = f"{inner}{_scalar(name)}: "
        lines.append(key + _value(value, indent + 2, len(key), by_line))
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}" if lines else "{}"


def _value(value: object, indent: int, column: int, by_line: bool) -> str:
    """``value`` as it stands behind ``column`` characters of a line that is indented by ``indent``."""
    if not isinstance(value, Model | dict | tuple):
        return _scalar(value)
    short = None if by_line and isinstance(value, tuple) else _short(value)
    if short is not None and column + len(short) < _WIDTH:
        return short
    if isinstance(value, Effect) and (line := _short_event(value)) is not None:
        # However long: what became of one file is one line of a diff.
        return line
    if isinstance(value, Model):
        return _model(value, indent)
    if isinstance(value, dict):
        return _object(((str(name), one, True) for name, one in value.items()), indent)
    inner = " " * (indent + 2)
    items = [inner + _value(item, indent + 2, indent + 2, by_line) for item in value]
    return "[\n" + ",\n".join(items) + "\n" + " " * indent + "]" if items else "[]"


def _short(value: Model | dict[object, object] | tuple[object, ...]) -> str | None:
    """``value`` on one line, if it is of a kind that may stand on one."""
    if isinstance(value, Base64) and isinstance(value.base64, str):
        return f'{{"base64": {_scalar(value.base64)}}}'
    if isinstance(value, Event):
        return _short_event(value)
    if isinstance(value, Model) and is_pattern(value):
        return pattern_text(value)
    if isinstance(value, tuple):
        items = [_short(item) if isinstance(item, Model | dict | tuple) else _scalar(item) for item in value]
        return None if None in items else f"[{', '.join(item for item in items if item is not None)}]"
    return None


def _short_event(event: Event | Effect) -> str | None:
    """An event on one line, so that a timeline reads like a conversation; not if it has lines itself."""
    parts = []
    for name, default in type(event).model_fields.items():
        value = getattr(event, name)
        if name == "effects" and value is not None:
            return None
        if isinstance(value, tuple) and len(value) > 1 and name in _LINES:
            return None
        if isinstance(value, Payload):
            crc32 = "" if value.crc32 is None else f', "crc32": {value.crc32}'
            short: str | None = f'{{"sha256": {_scalar(value.sha256)}, "size": {value.size}{crc32}}}'
        else:
            short = _short(value) if isinstance(value, Model | tuple) else _scalar(value)
        if short is None:
            return None
        if value != default:
            parts.append(f"{_scalar(name)}: {short}")
    return f"{{{', '.join(parts)}}}"


def _scalar(value: object) -> str:
    if type(value) is str:
        # As `json.dumps` does it, which first finds out what it is given.
        return encode_basestring(value)
    return _number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """Milliseconds with at most six decimals, whole ones without."""
    if value >= _EXACT_FLOAT:
        return repr(value)
    return f"{value:.6f}".rstrip("0").rstrip(".")
