"""The tree of errors, and the public face of the package."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_proctape
from pytest_proctape import errors
from pytest_proctape.errors import (
    Divergence,
    ProctapeError,
    ReplayError,
    TapeCorrupt,
    TapeError,
    UnsupportedSpawn,
)

ALL = [value for name in errors.__all__ if inspect.isclass(value := getattr(errors, name))]


def test_everything_public_of_the_errors_is_exported() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert set(errors.__all__) == defined
    assert errors.__all__ == sorted(errors.__all__)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn: dict[str, str] = {}
    parents = {-1: ""}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^(    (?:│   |    |├── |└── )*)([A-Z]\w+)", line)
        if not found or (found[1] == "    " and found[2] != "ProctapeError"):
            continue
        depth = len(found[1]) // 4 - 1
        parents[depth] = found[2]
        drawn[found[2]] = parents[depth - 1]
    real = {error.__name__: error.__bases__[0].__name__ for error in ALL}
    assert drawn == real | {"ProctapeError": ""}


@pytest.mark.parametrize("error", ALL, ids=lambda error: str(error.__name__))
def test_none_is_an_error_that_code_under_test_expects(error: type[Exception]) -> None:
    assert issubclass(error, ProctapeError)
    for foreign in (OSError, subprocess.SubprocessError, ValueError, RuntimeError, LookupError):
        assert not issubclass(error, foreign)
    assert error.__doc__


def test_the_errors_import_nothing_of_the_package() -> None:
    tree = ast.parse(inspect.getsource(errors))
    at_run_time = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    assert at_run_time == []


def test_a_tape_error_tells_file_place_expected_and_next_step() -> None:
    path = Path("tapes/t.json")
    error = TapeCorrupt(path, "not JSON", place="line 3", expected="JSON", next_step="mend it")
    assert str(error).splitlines() == [
        "tapes/t.json: not JSON",
        "  at:       line 3",
        "  expected: JSON",
        "  next:     mend it",
    ]
    assert str(TapeError(path, "no")) == "tapes/t.json: no"
    assert (error.path, error.place, error.expected, error.next_step) == (path, "line 3", "JSON", "mend it")


def test_a_replay_error_tells_its_report() -> None:
    assert str(ReplayError("headline")) == "headline"
    error = Divergence(
        "headline", report="headline\n\nall of it", place="t.py:1 in f()", next_step="pytest x"
    )
    assert str(error) == "headline\n\nall of it"
    assert (error.spawn, error.near, error.differences) == (None, (), ())


EXAMPLES: list[ProctapeError] = [
    UnsupportedSpawn("os.exec", "can't be replayed"),
    TapeCorrupt(Path("t.json"), "not JSON", place="line 3", expected="JSON", next_step="mend it"),
    Divergence("headline", report="all of it", place="t.py:1 in f()", next_step="pytest x"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_a_process_pool_as_it_went_in(error: ProctapeError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


# -- the face ----------------------------------------------------------------------------------


def test_the_face_equals_all() -> None:
    assert pytest_proctape.__all__ == sorted(pytest_proctape.__all__)
    assert dir(pytest_proctape) == sorted(pytest_proctape.__all__)
    for name in pytest_proctape.__all__:
        assert getattr(pytest_proctape, name) is not None
    assert set(errors.__all__) <= set(pytest_proctape.__all__)


def test_what_a_type_checker_sees_equals_what_is_loaded() -> None:
    tree = ast.parse(inspect.getsource(pytest_proctape))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    shown = {
        alias.asname or alias.name: "." + (node.module or "")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(shown) | {"__version__"} == set(pytest_proctape.__all__)
    assert shown == dict.fromkeys(errors.__all__, ".errors") | pytest_proctape._HOMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pytest_proctape' has no attribute 'Diverge'"):
        pytest_proctape.Diverge  # noqa: B018
    with pytest.raises(ImportError):
        exec("from pytest_proctape import Diverge")


def test_a_star_import_gives_the_face() -> None:
    names: dict[str, object] = {}
    exec("from pytest_proctape import *", names)
    assert set(pytest_proctape.__all__) <= set(names)


def test_the_package_is_typed_and_imports_nothing_heavy() -> None:
    assert Path(inspect.getfile(pytest_proctape)).with_name("py.typed").exists()
    code = (
        "import sys, pytest_proctape.errors, pytest_proctape.settings, pytest_proctape.summary\n"
        "print([name for name in ('pydantic', 'freezegun', 'pytest', 'asyncio') if name in sys.modules])"
    )
    folder = str(Path(inspect.getfile(pytest_proctape)).parents[1])
    code = f"import sys; sys.path.insert(0, {folder!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
