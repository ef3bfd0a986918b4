"""Which file is whose: ours, the standard library's, or the user's."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

import pytest_proctape
from pytest_proctape.session import is_ours, is_stdlib
from pytest_proctape.session.places import users_place


def test_files_of_the_package_are_ours() -> None:
    assert is_ours(str(pytest_proctape.__file__))
    assert is_ours(users_place.__code__.co_filename)
    assert not is_ours(__file__)
    assert not is_ours(str(pytest.__file__))
    assert not is_ours(os.path.dirname(str(pytest_proctape.__file__)) + "_extra/a.py")


def test_files_of_the_standard_library_are_its_own() -> None:
    assert is_stdlib(str(subprocess.__file__))
    assert is_stdlib(str(json.__file__))
    assert is_stdlib("<frozen importlib._bootstrap>")
    assert not is_stdlib(str(pytest.__file__))
    assert not is_stdlib(__file__)
    assert not is_stdlib("<string>")


def test_the_place_is_that_of_the_caller() -> None:
    root = os.path.dirname(os.path.abspath(__file__))
    line = test_the_place_is_that_of_the_caller.__code__.co_firstlineno
    assert users_place(root) == f"test_places.py:{line + 3} in test_the_place_is_that_of_the_caller()"


def test_the_place_is_told_whole_outside_of_the_root() -> None:
    place = users_place("/no/such/root")
    assert place.startswith(f"{__file__}:")


def test_the_place_skips_the_standard_library() -> None:
    class Hook(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return users_place(os.path.dirname(os.path.abspath(__file__)))

    # Through json's and a lambda's frames; the innermost user's frame is the hook itself.
    assert "__missing__()" in "{x}".format_map(Hook())
    found = json.loads("{}", object_hook=lambda _: users_place("/"))
    assert "<lambda>()" in found
