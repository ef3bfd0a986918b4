"""The base of all that stands on a tape: :class:`Model`, a plain class that costs a replay nothing to import.

:mod:`.model` and :mod:`.patterns` derive from it. The values in an object are what a tape says, and the
defaults are the class's, so :mod:`.reader` makes one of an object of JSON by taking it over. What may stand
in a field is for the reader and for :mod:`.judge` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import ClassVar, Final, Self

from ..frozen import Frozen


class _Required:
    """In the place of a default: there is none."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()


class Model(Frozen):
    """What a tape says of one thing. The public names are those that pydantic's models have.

    Attributes:
        model_fields: the fields in their order, and their defaults or :data:`REQUIRED`.
    """

    model_fields: ClassVar[Mapping[str, object]]
    _required: ClassVar[AbstractSet[str]]

    def __init_subclass__(cls) -> None:
        cls.model_fields = {name: vars(cls).get(name, REQUIRED) for name in cls.__annotations__}
        cls._required = {name for name, default in cls.model_fields.items() if default is REQUIRED}

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Take a value for each field.

        Raises:
            TypeError: there is no such field, or none is given for one that has no default.
            ValueError: a pattern is none, or base64 is none.
        """
        if args or not self._required <= kwargs.keys() <= self.model_fields.keys():
            super().__init__(*args, **kwargs)
        else:
            # Nearly always, and a recording makes one for each spawn.
            vars(self).update(kwargs)
        self._check()

    def _check(self) -> None:
        """Refuse what a type alone does not tell."""

    @property
    def model_fields_set(self) -> AbstractSet[str]:
        """The fields that were given."""
        return vars(self).keys()

    @classmethod
    def model_validate(cls, value: object) -> Self:
        """One that says ``value``, as pydantic judges it.

        Args:
            value: names and values, or one of this class that nobody has looked at; models may be in it.

        Raises:
            ValueError: it can't be on a tape; pydantic's ``ValidationError`` is one.
        """
        from .judge import validated

        return validated(cls, plain(value))

    def model_copy(self, *, update: Mapping[str, object]) -> Self:
        """The same with other values for some fields, which nobody looks at before it is written."""
        return self.but(**update)

    def model_dump(self) -> dict[str, object]:
        """What was given, as plain Python: no model is left in it."""
        return {name: plain(value) for name, value in vars(self).items()}


def plain(value: object) -> object:
    """``value`` of a field as :meth:`Model.model_dump` has it."""
    if isinstance(value, Model):
        return value.model_dump()
    if isinstance(value, tuple | list):
        return tuple(plain(one) for one in value)
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value
