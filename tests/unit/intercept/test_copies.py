"""A module that comes is looked at, also where another one has gone in the meantime."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from types import ModuleType

import pytest

from pytest_proctape.intercept import copies


def module_with_a_copy(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType(name)
    vars(made)["taken"] = os.getpgid
    monkeypatch.setitem(sys.modules, name, made)
    return made


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the modules of this process is left as it is."""
    monkeypatch.setattr(copies, "_known", {})


def test_a_module_in_the_place_of_one_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins = {id(os.getpgid): print}

    def kept_in() -> list[ModuleType]:
        return [module for module, key, _ in copies.find(stand_ins) if key == "taken"]

    first = module_with_a_copy("proctape_test_first", monkeypatch)
    assert first in kept_in()
    monkeypatch.delitem(sys.modules, "proctape_test_first")
    second = module_with_a_copy("proctape_test_second", monkeypatch)
    assert second in kept_in()
    again = module_with_a_copy("proctape_test_third", monkeypatch)
    assert again in kept_in()


def test_a_module_that_was_new_while_a_mock_stood_for_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_with_a_copy("proctape_test_first", monkeypatch)
    mock = object()
    assert not list(copies.find({id(mock): len}))
    assert (module, "taken", len) in list(copies.find({id(os.getpgid): len}))


def test_a_module_is_not_done_with_before_its_globals_have_been_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_with_a_copy("proctape_test_first", monkeypatch)

    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copies, "issubclass", interrupt, raising=False)
        with pytest.raises(KeyboardInterrupt):
            list(copies.find({id(os.getpgid): len}))
    assert (module, "taken", len) in list(copies.find({id(os.getpgid): len}))


def test_a_mock_of_a_copy_is_remembered_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("proctape_test_mocked")
    mock = object()
    vars(module)["getpgid"] = mock
    monkeypatch.setitem(sys.modules, "proctape_test_mocked", module)

    def getpgid(pid: int) -> int:
        return pid

    stand_ins = {id(os.getpgid): getpgid}
    assert module not in [where for where, _, _ in copies.find(stand_ins)]
    vars(module)["getpgid"] = os.getpgid
    assert (module, "getpgid", getpgid) in list(copies.find(stand_ins))


def test_a_module_that_gets_a_copy_after_it_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("proctape_test_half_imported")
    monkeypatch.setitem(sys.modules, "proctape_test_half_imported", module)
    stand_ins = {id(os.getpgid): print}
    assert module not in [where for where, _, _ in copies.find(stand_ins)]
    vars(module)["taken"] = os.getpgid
    assert (module, "taken", print) in list(copies.find(stand_ins))
    assert [key for where, key, _ in copies.find(stand_ins) if where is module] == ["taken"]


def test_a_module_at_the_address_of_one_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "proctape_test_again"
    stand_ins = {id(os.getpgid): print}
    for turn in range(20):
        module = ModuleType(name)
        vars(module)["taken" if turn % 2 else "other"] = os.getpgid if turn % 2 else None
        monkeypatch.setitem(sys.modules, name, module)
        found = [key for where, key, _ in copies.find(stand_ins) if where is module]
        assert found == (["taken"] if turn % 2 else [])
        monkeypatch.delitem(sys.modules, name)
        del module


@pytest.mark.skipif(
    sys.version_info < (3, 14) and not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="Python 3.13 without the lock keeps all modules itself",
)
def test_a_module_that_has_gone_is_not_kept_for_ever() -> None:
    stand_ins = {id(os.getpgid): print}
    module = ModuleType("proctape_test_gone")
    vars(module)["taken"] = os.getpgid
    sys.modules["proctape_test_gone"] = module
    list(copies.find(stand_ins))
    gone = weakref.ref(module)
    del sys.modules["proctape_test_gone"], module
    list(copies.find(stand_ins))
    list(copies.find(stand_ins))
    gc.collect()
    assert gone() is None
