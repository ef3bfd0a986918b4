"""What may be on a tape, by pydantic: each model again, with what its fields promise, under the same name.

pydantic is asked by :mod:`.verdict` what is wrong with a file that :mod:`.reader` does not take, by
:mod:`.schema` for the JSON Schema, and by whoever makes a model of what others said. A replay of a tape
that is right needs none of it, and does not import this.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, TypeAdapter, create_model

from . import model as tape
from . import patterns
from .base import REQUIRED, Model

_T = TypeVar("_T", bound=Model)


class _FirstError(FailFast):
    """Only the first wrong item of a list is reported, as only one is told to the reader.

    Reports on every item of a file of a megabyte take half a gigabyte.
    """

    def __hash__(self) -> int:  # FailFast has none, and a union needs it
        return hash(type(self))


_FIRST_ERROR = _FirstError()
_FROM_THE_LEFT = Field(union_mode="left_to_right")
"""Trying the forms from left to right is a third faster than weighing them against each other, and no value
fits two of them."""


def _base64(text: str | tuple[str, ...]) -> str | tuple[str, ...]:
    tape.unbase64(text)
    return text


def _regex(text: str) -> str:
    return patterns.Regex(regex=text).regex


def _glob(text: str) -> str:
    return patterns.Glob(glob=text).glob


# Any: pydantic's special forms have no type of their own.
_JUDGES: dict[type[Model], type[BaseModel]] = {}
_MEANING: dict[str, Any] = {
    "Literal": Literal,
    "Milliseconds": Annotated[float, Field(ge=0, allow_inf_nan=False)],
    "ExitCode": Annotated[int, Field(ge=0, le=255)],
    "Bytes": Annotated[int, Field(ge=0)],
    "SparseSize": Annotated[int, Field(ge=0, le=1 << 40)],
    "Descriptor": Annotated[int, Field(ge=0)],
    "ExtraDescriptor": Annotated[int, Field(ge=3)],
    "Pid": Annotated[int, Field(ge=2)],
    "Checksum": Annotated[int, Field(ge=0, lt=1 << 32)],
    "Hash": Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")],
    "Time": Annotated[str | int, _FROM_THE_LEFT],
    "Phase": tape.Phase,
    "StreamName": tape.StreamName,
}
"""What the names in the annotations of the models mean here."""


def _judge(model: type[Model], **checks: Any) -> Any:  # noqa: ANN401  # what pydantic makes has no type
    """Make the judge of ``model``; ``checks`` are what types alone do not say of its fields."""
    fields: dict[str, Any] = {}
    for name, default in model.model_fields.items():
        meant = eval(model.__annotations__[name], _MEANING)  # our own source
        if name in checks:
            meant = Annotated[meant, AfterValidator(checks[name])]
        fields[name] = (meant, ... if default is REQUIRED else default)
    made = create_model(
        model.__name__,
        __config__=ConfigDict(frozen=True, extra="forbid"),
        __module__=model.__module__,
        **fields,
    )
    made.__doc__ = model.__doc__
    _JUDGES[model] = made
    return made


def _several(of: Any) -> Any:  # noqa: ANN401  # what pydantic makes has no type
    return Annotated[tuple[of, ...], _FIRST_ERROR]


def _named(of: Any) -> Any:  # noqa: ANN401  # as above
    return dict[str, of]


def _judge_all() -> None:
    """Below a name stands only what is known before it."""
    meaning = _MEANING
    meaning["Text"] = Annotated[str | _several(str), _FROM_THE_LEFT]
    base64 = _judge(tape.Base64, base64=_base64)
    payload = _judge(tape.Payload)
    anything, any_args = _judge(patterns.Anything), _judge(patterns.AnyArgs)
    regex, glob = _judge(patterns.Regex, regex=_regex), _judge(patterns.Glob, glob=_glob)
    stream = str | _several(str) | base64 | payload
    word = str | base64 | anything | regex | glob
    meaning["Stream"] = Annotated[stream, _FROM_THE_LEFT]
    meaning["Argument"] = Annotated[str | base64, _FROM_THE_LEFT]
    meaning["Word"] = Annotated[word, _FROM_THE_LEFT]
    meaning["Args"] = _several(Annotated[word | any_args, _FROM_THE_LEFT])
    meaning["StdinStream"] = Annotated[stream | anything | regex | glob, _FROM_THE_LEFT]
    meaning["SpawnError"] = _judge(tape.SpawnError)
    meaning["Effect"] = _judge(tape.Effect)
    meaning["Streams"] = _named(payload)
    meaning["Timeline"] = _several(_judge(tape.Event))
    meaning["Entries"] = _several(_judge(tape.Entry))
    meaning["Recorded"] = _judge(tape.Recorded)
    meaning["Signals"] = _several(_judge(tape.SentSignal))
    _judge(tape.Tape)


_judge_all()
JUDGES = MappingProxyType(_JUDGES)
"""All of them, by the model that they are about."""
ENTRIES: TypeAdapter[tuple[BaseModel, ...]] = TypeAdapter(_MEANING["Entries"])
_MODELS = {judge: model for model, judge in _JUDGES.items()}


def judge_of(model: type[Model]) -> type[BaseModel]:
    """The pydantic model that has the fields of ``model``, and the same name."""
    return JUDGES[model]


def validated(model: type[_T], value: object) -> _T:
    """``value``, which is plain Python, as a model.

    Raises:
        ValidationError: it can't be one.
    """
    return cast(_T, released(judge_of(model).model_validate(value)))


def released(value: object) -> object:
    """What was judged, as the models of the tape; only what was given is set in them."""
    if isinstance(value, BaseModel):
        fields = {name: released(getattr(value, name)) for name in type(value).model_fields}
        model = _MODELS[type(value)]
        return model(**{name: one for name, one in fields.items() if name in value.model_fields_set})
    if isinstance(value, tuple):
        return tuple(released(one) for one in value)
    if isinstance(value, dict):
        return {name: released(one) for name, one in value.items()}
    return value
