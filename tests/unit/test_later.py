"""What is made late is what it would have been."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys

import pytest

import pytest_proctape
from pytest_proctape.later import _METHODS, _Later, later, on_demand


def test_it_answers_as_the_pattern() -> None:
    digits = later(r"(?P<sign>-?)\d+", re.ASCII)
    assert [one[0] for one in digits.finditer("1 -2 x")] == ["1", "-2"]
    assert digits.sub("n", "1 -2 x") == "n n x"
    assert (digits.groups, digits.pattern, digits.flags & re.ASCII) == (1, r"(?P<sign>-?)\d+", re.ASCII)
    assert later(rb"a").fullmatch(b"a")


def test_it_is_compiled_once_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = re.compile
    asked: list[object] = []

    def asking(text: str, flags: int) -> re.Pattern[str]:
        asked.append((text, flags))
        return compiled(text, flags)

    monkeypatch.setattr(re, "compile", asking)
    letters = later("a+", re.IGNORECASE)
    assert asked == []
    for _ in range(2):
        assert letters.match("Aa")
        assert letters.search("ba")
    assert asked == [("a+", re.IGNORECASE)]
    monkeypatch.undo()
    assert all(getattr(letters, name) == getattr(re.compile("a+", re.IGNORECASE), name) for name in _METHODS)


def test_each_of_ours_is_right() -> None:
    for module in pkgutil.walk_packages(pytest_proctape.__path__, "pytest_proctape."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = [
        value
        for name, module in list(sys.modules.items())
        if name.startswith("pytest_proctape.")
        for value in vars(module).values()
        if isinstance(value, _Later)
    ]
    assert len(found) > 30
    for one in found:
        one._compiled()


def test_an_attribute_is_made_once_for_each_object_that_is_asked() -> None:
    made: list[object] = []

    def make(asked: object) -> list[object]:
        made.append(asked)
        return []

    class Asked:
        few = on_demand(make)

    one, other = Asked(), Asked()
    assert vars(one) == {}
    assert one.few is one.few
    assert one.few is not other.few
    assert made == [one, other]
    other.few = [1]
    assert other.few == [1]
    assert not hasattr(one, "more")
