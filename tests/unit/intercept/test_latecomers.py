"""A maker of clocks that is imported while a tape is active."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pytest_proctape import intercept
from pytest_proctape.intercept.clocked import MAKERS

TRAVEL = "class travel:\n    def start(self):\n        return 'travelling'\n"


@pytest.fixture
def absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time-machine of our own can be imported, and is not yet."""
    # Registers what it has to undo, also where nothing is there.
    monkeypatch.setitem(sys.modules, "time_machine", ModuleType("time_machine"))
    del sys.modules["time_machine"]
    (tmp_path / "time_machine.py").write_text(TRAVEL)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("absent")
def test_it_is_stood_in_for_as_long_as_a_tape_is_active() -> None:
    before = list(sys.meta_path)
    intercept.install()
    try:
        travel = importlib.import_module("time_machine").travel
        assert hasattr(travel.start, "__wrapped__")
        assert travel().start() == "travelling"
    finally:
        intercept.uninstall()
    assert not hasattr(travel.start, "__wrapped__")
    assert sys.meta_path == before


@pytest.mark.usefixtures("absent")
def test_its_loader_is_its_own() -> None:
    intercept.install()
    try:
        module = importlib.import_module("time_machine")
    finally:
        intercept.uninstall()
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__
    assert not type(module.__loader__).__module__.startswith("pytest_proctape")


@pytest.mark.usefixtures("absent")
def test_the_finder_of_an_earlier_tape_that_somebody_has_put_back_is_in_nobodys_way() -> None:
    before = list(sys.meta_path)
    intercept.install()
    kept = list(sys.meta_path)
    intercept.uninstall()
    sys.meta_path[:] = kept
    intercept.install()
    try:
        assert hasattr(importlib.import_module("time_machine").travel.start, "__wrapped__")
    finally:
        intercept.uninstall()
        sys.meta_path[:] = before


@pytest.mark.usefixtures("absent")
def test_nothing_is_expected_behind_the_tape() -> None:
    intercept.install()
    intercept.uninstall()
    assert not hasattr(importlib.import_module("time_machine").travel.start, "__wrapped__")


@pytest.mark.usefixtures("absent")
def test_one_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "time_machine.py").unlink()
    real = [one for one in sys.path if not (Path(one) / "time_machine").exists()]
    intercept.install()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "path", real)
            with pytest.raises(ModuleNotFoundError):
                importlib.import_module("time_machine")
    finally:
        intercept.uninstall()


@pytest.mark.parametrize("module", MAKERS)
def test_the_makers_have_what_is_stood_in_for(module: str) -> None:
    assert callable(getattr(pytest.importorskip(module), MAKERS[module]).start)
