"""Named tuples that cost nothing at import: :class:`Row`. What is made for each spawn and taken apart is one.

:class:`typing.NamedTuple` compiles each annotation, and a constructor, for each class: a fifth of a
millisecond, of which a start with a tape would pay a dozen. Here the constructor is compiled when the first
one is made, as that of a :class:`~.frozen.Value`; to whoever checks types they are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Row"]

if TYPE_CHECKING:
    from typing import NamedTuple as Row
else:
    # What the standard library's named tuples have; a property where the interpreter has nothing quicker.
    from collections import _tuplegetter

    class _RowType(type):
        """Makes the fields of a class out of its annotations, and defaults out of what is assigned there."""

        def __new__(mcs, name, bases, namespace):
            made = super().__new__(mcs, name, bases, {"__slots__": (), **namespace})
            made._fields = tuple(made.__annotations__)
            made._field_defaults = {field: namespace[field] for field in made._fields if field in namespace}
            for index, field in enumerate(made._fields):
                setattr(made, field, _tuplegetter(index, None))
            return made

    class Row(tuple, metaclass=_RowType):
        """See :class:`typing.NamedTuple`."""

        __slots__ = ()

        def __new__(cls, *args, **kwargs):
            """Take a value for each field, by position or by name.

            Raises:
                TypeError: there is no such field, or none is given for one that has no default.
            """
            cls.__new__ = staticmethod(_constructor(cls))
            return cls.__new__(cls, *args, **kwargs)

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes):
            return type(self)(**self._asdict() | changes)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            told = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({told})"

    def _constructor(of):
        names = of._fields
        parameters = ", ".join(
            f"{name}=_given[{name!r}]" if name in of._field_defaults else name for name in names
        )
        source = f"lambda _cls, {parameters}: _new(_cls, ({', '.join(names)},))"
        # Names of our own source only.
        return eval(source, {"_given": of._field_defaults, "_new": tuple.__new__})
