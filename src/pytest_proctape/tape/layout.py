"""The text of a tape file, laid out for diffs: a line of output is a line of the file.

:func:`~.codec.dumps` calls it; nothing here is needed for reading.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Final

from ..rows import Row
from .base import Model
from .model import Base64, Effect, Entry, Event, Payload, Tape
from .patterns import is_pattern, pattern_text
from .plainly import WIDTH, number

_ALWAYS: Final[dict[type[Model], frozenset[str]]] = {
    Tape: frozenset({"version", "entries"}),
    Entry: frozenset({"duration_ms"}),
}
"""Fields that are written though they have their default."""

_LINES = frozenset({"stdin", "stdout", "stderr", "data", "base64", "entries", "timeline", "effects", "file"})
"""Fields whose lists have one item a line, however short."""

_INVISIBLE = "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
"""Characters that JSON leaves as they are and that break lines, or turn them around, in a review."""


class _Field(Row):
    """How a field of a model is written.

    Attributes:
        name: of the field.
        default: what need not be written, unless it is ``always``.
        always: it is written in any case.
        key: what stands before the value.
        by_line: see :data:`_LINES`.
    """

    name: str
    default: object
    always: bool
    key: str
    by_line: bool


@lru_cache(1024)
def _fields_of(model: type[Model], given: tuple[str, ...]) -> tuple[_Field, ...]:
    """The fields that may have to be written where these were given: the others have their default."""
    always = _ALWAYS.get(model, frozenset())
    return tuple(
        _Field(name, default, name in always, f"{_scalar(name)}: ", name in _LINES)
        for name, default in model.model_fields.items()
        if name in always or name in given
    )


def text_of(tape: Tape) -> str:
    """The whole file, with its final newline."""
    text = _model(tape, 0) + "\n"
    if text.isascii() and "\x7f" not in text:
        return text
    # Here, as compiling it takes as long as a small tape, and most have none.
    return re.sub(_INVISIBLE, lambda found: f"\\u{ord(found[0]):04x}", text)


def _model(model: Model, indent: int) -> str:
    """An object with the fields that do not have their default, in the order of the model."""
    given = vars(model)
    inner = " " * (indent + 2)
    lines = []
    # mypy takes the hash of an object for that of its class.
    fields = _fields_of(type(model), tuple(given))  # type: ignore[arg-type]
    for name, default, always, key, by_line in fields:
        value = given.get(name, default)
        if always or (value is not default and value != default):
            key = inner + key
            # Most are text, and a recording writes one of these for each spawn.
            text = encode_basestring(value) if type(value) is str else None
            lines.append(key + (text or _value(value, indent + 2, len(key), by_line)))
    return _block("{", lines, indent, "}")


def _block(opening: str, lines: list[str], indent: int, closing: str) -> str:
    """What has its items on lines of their own."""
    if not lines:
        return opening + closing
    inside = ",\n".join(lines)
    return f"{opening}\n{inside}\n{' ' * indent}{closing}"


def _value(value: object, indent: int, column: int, by_line: bool) -> str:
    """``value`` as it stands behind ``column`` characters of a line that is indented by ``indent``."""
    if isinstance(value, tuple):
        return _items(value, indent, column, by_line)
    if not isinstance(value, Model | dict):
        return _scalar(value)
    short = _short(value)
    if short is not None and column + len(short) < WIDTH:
        return short
    if isinstance(value, Effect) and (line := _short_event(value)) is not None:
        # However long: what became of one file is one line of a diff.
        return line
    if isinstance(value, Model):
        return _model(value, indent)
    inner = " " * (indent + 2)
    keys = ((f"{inner}{_scalar(str(name))}: ", one) for name, one in value.items())
    return _block("{", [key + _value(one, indent + 2, len(key), True) for key, one in keys], indent, "}")


def _items(value: tuple[object, ...], indent: int, column: int, by_line: bool) -> str:
    """A list, on one line if it may be."""
    short = None if by_line else _short_items(value)
    if short is not None and column + len(short) < WIDTH:
        return short
    inner = " " * (indent + 2)
    items = [
        inner
        + (encode_basestring(item) if type(item) is str else _value(item, indent + 2, indent + 2, by_line))
        for item in value
    ]
    return _block("[", items, indent, "]")


def _short(value: object) -> str | None:
    """``value`` on one line, if it is of a kind that may stand on one."""
    if isinstance(value, tuple):
        return _short_items(value)
    if isinstance(value, Base64) and isinstance(value.base64, str):
        return f'{{"base64": {_scalar(value.base64)}}}'
    if isinstance(value, Event):
        return _short_event(value)
    if isinstance(value, Model):
        return pattern_text(value) if is_pattern(value) else None
    return None if isinstance(value, dict) else _scalar(value)


def _short_items(value: tuple[object, ...]) -> str | None:
    items = [encode_basestring(one) if type(one) is str else _short(one) for one in value]
    return None if None in items else f"[{', '.join(item for item in items if item is not None)}]"


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
            short = _short(value)
        if short is None:
            return None
        if value != default:
            parts.append(f"{_scalar(name)}: {short}")
    return f"{{{', '.join(parts)}}}"


def _scalar(value: object) -> str:
    # As `json.dumps` does it, which first finds out what it is given.
    if type(value) is str:
        return encode_basestring(value)
    if type(value) is int:
        return str(value)
    return number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
