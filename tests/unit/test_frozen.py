"""Values that are set once behave as frozen dataclasses do."""

from __future__ import annotations

import copy
import pickle

import pytest

from pytest_proctape.frozen import Frozen, Value


class Point(Frozen):
    """Some fields."""

    x: int
    y: int = 2


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y) == (1, 2)
    assert Point(1, 3) == Point(y=3, x=1)


def test_equality_looks_at_every_field_and_at_the_class() -> None:
    class Other(Frozen):
        """The same fields."""

        x: int
        y: int = 2

    assert Point(1) == Point(1, 2)
    assert Point(1) != Point(1, 3)
    assert Point(1) != (1, 2)
    assert Point(1) != Other(1)
    assert len({Point(1), Point(1, 2), Point(2)}) == 2


def test_it_is_set_once() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match=r"Point\.x is set once"):
        point.x = 3  # type: ignore[misc]  # the checker says so too
    with pytest.raises(AttributeError, match=r"Point\.x stays"):
        del point.x
    assert point.x == 1


def test_other_values_make_another_one() -> None:
    point = Point(1)
    assert point.but(y=5) == Point(1, 5)
    assert point == Point(1, 2)


@pytest.mark.parametrize("args, kwargs", [((), {}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((1,), {"x": 1})])
def test_what_is_no_field_or_missing_is_refused(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(*args, **kwargs)


def test_it_is_shown_copied_and_pickled() -> None:
    point = Point(1)
    assert repr(point) == "Point(x=1, y=2)"
    assert copy.copy(point) == pickle.loads(pickle.dumps(point)) == point


class Line(Value):
    """Some fields, one of which is nobody's business."""

    start: int
    end: int = 2
    tag: str = ""
    _apart = ("tag",)


def test_a_value_is_all_that_and_its_constructor_is_compiled_once() -> None:
    line = Line(1)
    assert (line.start, line.end, line.tag) == (1, 2, "")
    made = Line.__init__
    assert Line(1, end=3) == line.but(end=3)
    assert Line.__init__ is made
    with pytest.raises(AttributeError, match=r"Line\.start is set once"):
        line.start = 3  # type: ignore[misc]  # the checker says so too
    assert copy.copy(line) == pickle.loads(pickle.dumps(line)) == line


def test_what_stands_apart_is_neither_compared_nor_shown() -> None:
    assert Line(1, tag="a") == Line(1, tag="b")
    assert len({Line(1, tag="a"), Line(1, tag="b"), Line(2)}) == 2
    assert repr(Line(1, tag="a")) == "Line(start=1, end=2)"


@pytest.mark.parametrize(
    "args, kwargs", [((), {}), ((1, 2, 3, 4), {}), ((1,), {"z": 1}), ((1,), {"start": 1})]
)
def test_a_value_refuses_what_is_no_field_or_missing(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match="Line"):
            Line(*args, **kwargs)  # type: ignore[arg-type]  # that is the point
