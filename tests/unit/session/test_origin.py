"""Whose spawn it is, told by the frames behind it; code that claims to lie elsewhere stands in for that."""

from __future__ import annotations

import os
import platform
import sysconfig
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_proctape.session.origin import owner_of_spawn
from pytest_proctape.tape import AMBIENT

_ROOT = "/project"
Asking = Callable[[], object]


def _run(source: str, filename: str, name: str, **known: object) -> dict[str, Any]:
    """Run the code of a module."""
    namespace: dict[str, Any] = {"__name__": name, **known}
    exec(compile(source, filename, "exec"), namespace)
    return namespace


def _importing(ask: Asking, filename: str, name: str = "pkg.mod", *, initializing: bool = True) -> object:
    """What ``ask`` gives while a module is imported."""
    spec = SimpleNamespace(_initializing=initializing)
    return _run("found = ask()", filename, name, ask=ask, __spec__=spec)["found"]


def _owner(**how: Any) -> Asking:
    # A function of our own would be a frame of the user's.
    return partial(owner_of_spawn, _ROOT, **how)


def test_what_a_test_asks_for_is_its_own() -> None:
    assert owner_of_spawn(_ROOT) == ""
    assert owner_of_spawn(_ROOT, imports=True) == ""


def test_what_the_standard_library_hides_is_the_suites() -> None:
    filename = platform.__file__
    inside = _run("def f(ask): return ask()", filename, "platform")["f"]
    for how in ({}, {"imports": True}, {"collecting": True}):
        assert inside(_owner(**how)) == AMBIENT


def test_what_it_does_for_somebody_is_not_hidden() -> None:
    stdlib = sysconfig.get_path("stdlib")
    inside = _run("def f(ask): return ask()", os.path.join(stdlib, "webbrowser.py"), "webbrowser")["f"]
    assert inside(_owner()) == ""
    hiding = _run(
        "def register_standard_browsers(ask): return ask()",
        os.path.join(stdlib, "webbrowser.py"),
        "webbrowser",
    )["register_standard_browsers"]
    assert hiding(_owner()) == AMBIENT


def test_a_helper_behind_the_users_code_is_no_matter() -> None:
    """The innermost frame that is not the standard library's decides."""
    users = _run("def f(ask): return ask()", f"{_ROOT}/test_it.py", "test_it")["f"]
    helper = _run("def f(call, ask): return call(ask)", platform.__file__, "platform")["f"]
    assert helper(users, _owner()) == ""


def test_what_a_module_asks_for_while_it_is_imported_is_the_modules() -> None:
    assert _importing(_owner(imports=True), f"{_ROOT}/pkg/mod.py") == "pkg/mod.py::@import"
    assert _importing(_owner(), f"{_ROOT}/pkg/mod.py") == ""


def test_a_module_that_is_run_is_not_imported() -> None:
    asking = _owner(imports=True)
    assert _importing(asking, f"{_ROOT}/script.py", "__main__") == ""
    assert _importing(asking, f"{_ROOT}/script.py", initializing=False) == ""


def test_what_runs_a_worker_is_not_imported() -> None:
    hook = _run("def f(ask): return ask()", f"{_ROOT}/conftest.py", "conftest")["f"]
    worker = "/venv/lib/site-packages/xdist/remote.py"
    owner = _run("found = hook(ask)", worker, "__channelexec__", hook=hook, ask=_owner(collecting=True))
    assert owner["found"] == "conftest.py::@import"


def test_an_installed_module_has_a_place_of_its_own() -> None:
    owner = _importing(_owner(imports=True), "/venv/lib/site-packages/other/mod.py", "other.mod")
    assert owner == "@installed/other/mod.py::@import"


def test_the_innermost_import_is_the_owner() -> None:
    def outer() -> object:
        return _importing(_owner(imports=True), f"{_ROOT}/inner.py", "inner")

    assert _importing(outer, f"{_ROOT}/outer.py", "outer") == "inner.py::@import"


def test_while_tests_are_collected_any_file_is_an_owner() -> None:
    hook = _run("def f(ask): return ask()", f"{_ROOT}/conftest.py", "conftest")["f"]
    assert hook(_owner(collecting=True)) == "conftest.py::@import"
    assert hook(_owner(imports=True)) == ""


@pytest.mark.parametrize("name", ["_pytest.python", "pluggy._callers"])
def test_who_runs_tests_is_no_owner(name: str) -> None:
    runner = _run("def f(ask): return ask()", f"{_ROOT}/x.py", name)["f"]
    users = _run("def f(run, ask): return run(ask)", f"{_ROOT}/conftest.py", "conftest")["f"]
    assert users(runner, _owner(collecting=True)) == "conftest.py::@import"
