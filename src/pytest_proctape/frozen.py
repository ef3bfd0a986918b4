"""Values that are set once, in the shape of a frozen dataclass at none of its cost at import.

``@dataclass`` writes source text for each class and compiles it: half a millisecond to several, at every
start of pytest, taped or not. What pytest's start needs, as the settings, is a :class:`Frozen` instead; what
is made by the thousand is a :class:`Value`. What changes, and what only a recording needs, is a dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self, dataclass_transform

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
"""The default of a field that is a mapping: of any kind, as there is nothing in it."""


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

    def _told(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in type(self).__annotations__}

    def _values(self) -> tuple[object, ...]:
        return tuple(self._told().values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frozen) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self._told().items())
        return f"{type(self).__name__}({told})"

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is set once, when it is made")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} stays")


class Value(Frozen):
    """A :class:`Frozen` that is made often: its constructor is compiled, when the first one is made.

    Attributes:
        _apart: fields that are neither compared nor shown; a class that has some assigns them.
    """

    _apart: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Take a value for each field.

        Raises:
            TypeError: there is no such field, or none is given for one that has no default.
        """
        made = _constructor(type(self))
        type.__setattr__(type(self), "__init__", made)
        made(self, *args, **kwargs)

    def _told(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name not in self._apart}


def _constructor(of: type[Value]) -> Callable[..., None]:
    """Sets all fields at once, which takes half as long as one by one."""
    names = of.__annotations__
    parameters = ", ".join(f"{name}=_of.{name}" if name in vars(of) else name for name in names)
    values = ", ".join(f"{name!r}: {name}" for name in names)
    source = f"def {of.__name__}(self, {parameters}): _set(self, '__dict__', {{{values}}})"
    namespace: dict[str, Callable[..., None]] = {}
    exec(source, {"_of": of, "_set": object.__setattr__}, namespace)  # names of our own source only
    return namespace[of.__name__]
