"""Tapes on their way from one store to another: :func:`moved`. The command ``convert`` writes with it."""

from __future__ import annotations

from typing import TypeVar

from ..tape import PAYLOAD_THRESHOLD, Content, Payload, Stream, TapeStore
from ..tape.base import Model
from .words import is_stream

_Model = TypeVar("_Model", bound=Model)
_STREAMS = frozenset({"stdin", "stdout", "stderr", "data"})


def moved(model: _Model, source: TapeStore, target: TapeStore) -> _Model:
    """``model`` with its payloads, and what is large enough to be one, in the other store.

    Raises:
        TapeCorrupt: a payload of the source is missing or damaged.
        TapeWriteError: one could not be stored.
    """
    changed = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        new = _moved(value, source, target, stream=name in _STREAMS)
        if new is not value:
            changed[name] = new
    return model.model_copy(update=changed) if changed else model


def _moved(value: object, source: TapeStore, target: TapeStore, *, stream: bool) -> object:
    if isinstance(value, Payload) or (stream and (isinstance(value, str) or is_stream(value))):
        return _stored(value, source, target)  # type: ignore[arg-type]  # it is a Stream
    if isinstance(value, Model):
        return moved(value, source, target)
    if isinstance(value, tuple):
        new = tuple(_moved(one, source, target, stream=False) for one in value)
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    if isinstance(value, dict):
        return {name: _moved(one, source, target, stream=False) for name, one in value.items()}
    return value


def _stored(stream: Stream, source: TapeStore, target: TapeStore) -> Stream:
    content: Content = source.decode(stream)
    if isinstance(stream, Payload) or content.size > PAYLOAD_THRESHOLD:
        return target.add_payload(content)
    return stream
