"""A row is a named tuple: whatever can be asked of the standard library's has the same answer."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pytest_proctape.rows import Row


class Point(Row):
    """Two numbers and a list."""

    x: int
    y: int = 2
    parts: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Of both."""
        return self.x + self.y


class Named(NamedTuple):
    """What it stands for."""

    x: int
    y: int = 2
    parts: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Of both."""
        return self.x + self.y


@pytest.mark.parametrize(
    "asked",
    [
        lambda of: of(1),
        lambda of: of(1, 3, ("a",)),
        lambda of: of(y=3, x=1),
        lambda of: [*of(1)],
        lambda of: (of(1).x, of(1, 5).y, of(1).parts, of(1).total),
        lambda of: of(1)._replace(y=7),
        lambda of: of._make([1, 2, ()]),
        lambda of: of(1)._asdict(),
        lambda of: (of._fields, of._field_defaults),
        lambda of: of(1) == (1, 2, ()),
        lambda of: hash(of(1)),
        lambda of: of(1) < of(2),
        lambda of: repr(of(1)).removeprefix(of.__name__),
        lambda of: copy.copy(of(1)) == of(1) and type(copy.deepcopy(of(1))) is of,
        lambda of: pickle.loads(pickle.dumps(of(4))),
        lambda of: hasattr(of(1), "__dict__"),
    ],
)
def test_it_answers_as_a_named_tuple(asked: Callable[[Any], object]) -> None:
    assert asked(Point) == asked(Named)


@pytest.mark.parametrize(
    "asked",
    [
        lambda of: of(),
        lambda of: of(1, 2, (), 4),
        lambda of: of(1, z=3),
        lambda of: setattr(of(1), "x", 2),
        lambda of: setattr(of(1), "z", 2),
    ],
)
def test_it_refuses_what_a_named_tuple_refuses(asked: Callable[[Any], object]) -> None:
    for of in Named, Point:
        with pytest.raises((TypeError, AttributeError)):
            asked(of)


def test_the_constructor_of_one_class_is_not_that_of_another() -> None:
    class Other(Row):
        """Made second."""

        z: str

    assert Point(1).x == 1
    assert Other("z").z == "z"
    assert type(Other("z")) is Other
