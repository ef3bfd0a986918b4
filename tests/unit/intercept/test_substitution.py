"""Modules are looked at again where something changed, and only there."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pytest_proctape.intercept.substitution import Substitution


def real() -> str:
    return "real"


def stand_in() -> str:
    return "stand-in"


@pytest.fixture
def substitution() -> Substitution:
    return Substitution({id(real): stand_in}, lambda name: not name.startswith("crowd"))


def module(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    made = ModuleType(name)
    vars(made)["taken"] = real
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_a_module_that_another_has_replaced_is_looked_at(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = module(monkeypatch, "crowd_one")
    with substitution.in_place():
        assert first.taken is stand_in
    second = module(monkeypatch, "crowd_one")
    with substitution.in_place():
        assert second.taken is stand_in
        assert first.taken is real
    assert second.taken is real


def test_one_that_came_meanwhile_gives_back_what_it_took(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = module(monkeypatch, "crowd_one")
    with substitution.in_place():
        later = module(monkeypatch, "crowd_two")
        vars(later)["taken"] = first.taken
    assert later.taken is real


def test_what_stands_among_the_modules_is_not_asked_whether_it_is_equal(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sour:
        """Can't be compared."""

        def __eq__(self, other: object) -> bool:
            raise AssertionError("was compared")

        __hash__ = None  # type: ignore[assignment]  # as every class with an `__eq__` of its own

    first = module(monkeypatch, "crowd_one")
    for _ in range(2):
        monkeypatch.setitem(sys.modules, "crowd_sour", Sour())
        with substitution.in_place():
            assert first.taken is stand_in
        assert first.taken is real
