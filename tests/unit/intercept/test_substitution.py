"""Modules are looked at again where something changed, and only there."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pytest_proctape.intercept.substitution import Substitution
from tests.clocking import in_place


def real() -> str:
    return "real"


def stand_in() -> str:
    return "stand-in"


@pytest.fixture
def substitution() -> Substitution:
    return Substitution({id(real): stand_in}, lambda name: not name.startswith("crowd"), {"real"})


def module(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    made = ModuleType(name)
    vars(made)["taken"] = real
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_a_module_that_another_has_replaced_is_looked_at(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = module(monkeypatch, "crowd_one")
    with in_place(substitution):
        assert first.taken is stand_in
    second = module(monkeypatch, "crowd_one")
    with in_place(substitution):
        assert second.taken is stand_in
        assert first.taken is real
    assert second.taken is real


def test_one_that_came_meanwhile_gives_back_what_it_took(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = module(monkeypatch, "crowd_one")
    with in_place(substitution):
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
        with in_place(substitution):
            assert first.taken is stand_in
        assert first.taken is real


def test_what_a_mock_stood_for_when_the_module_was_looked_at(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocked = ModuleType("crowd_mocked")
    mock = object()
    vars(mocked)["real"] = mock
    monkeypatch.setitem(sys.modules, "crowd_mocked", mocked)
    with in_place(substitution):
        assert mocked.real is mock
    vars(mocked)["real"] = real
    for _ in range(2):
        with in_place(substitution):
            assert mocked.real is stand_in
        assert mocked.real is real


def test_a_stand_in_that_a_mock_has_put_back_behind_its_time(
    substitution: Substitution, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocked = module(monkeypatch, "crowd_mocked")
    with in_place(substitution):
        before = mocked.taken
        vars(mocked)["taken"] = object()
    vars(mocked)["taken"] = before
    with in_place(substitution):
        assert mocked.taken is stand_in
    assert mocked.taken is real
