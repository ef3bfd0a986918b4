"""Values that are set once, in the shape of a frozen dataclass at none of its cost at import.

``@dataclass`` writes source text for each class and compiles it: half a millisecond to several, at every
start of pytest, taped or not. What pytest's start needs, as the settings, is a :class:`Frozen` instead; all
the rest is a dataclass.
"""

from __future__ import annotations

from typing import Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Frozen:
    """The fields are the annotations of the class, in their order; what is assigned there is the default.

    A subclass of a subclass has its own fields only.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Take a value for each field.

        Raises:
            TypeError: there is no such field, or none is given for one that has no default.
        """
        names = type(self).__annotations__
        given = dict(zip(names, args, strict=False)) | kwargs
        if len(given) < len(args) + len(kwargs) or not given.keys() <= names.keys():
            raise TypeError(f"{type(self).__name__} has {', '.join(names)}; got {args!r} and {kwargs!r}")
        vars(self).update(given)
        for name in names:
            if not hasattr(self, name):
                raise TypeError(f"{type(self).__name__} needs {name}")

    def but(self, **changes: object) -> Self:
        """The same with other values for some fields."""
        return type(self)(**{**vars(self), **changes})

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in type(self).__annotations__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frozen) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).__annotations__)
        return f"{type(self).__name__}({told})"

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is set once, when it is made")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} stays")
