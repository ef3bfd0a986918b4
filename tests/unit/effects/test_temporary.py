"""Who follows is told of what tempfile makes, just before it is made."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_proctape.effects import follow, follow_no_more


@pytest.fixture
def told() -> Iterator[list[tuple[str, bool]]]:
    """The paths, and whether there was anything when they were told."""
    found: list[tuple[str, bool]] = []

    def tell(path: str, is_file: bool) -> None:
        found.append((path, os.path.lexists(path)))
        kinds.append(is_file)

    kinds: list[bool] = []

    follow(tell)
    yield found
    follow_no_more(tell)
    follow_no_more(tell)
    before = len(found)
    os.rmdir(tempfile.mkdtemp())
    assert len(found) == before


def file(folder: Path) -> str:
    """A file that stays."""
    handle, name = tempfile.mkstemp(dir=folder)
    os.close(handle)
    return name


@pytest.mark.parametrize(
    "make", [lambda folder: tempfile.mkdtemp(dir=folder), file], ids=["a directory", "a file"]
)
def test_what_is_made(told: list[tuple[str, bool]], make: Callable[[Path], str], tmp_path: Path) -> None:
    name = make(tmp_path)

    assert told == [(name, False)]


def test_a_relative_one_is_told_as_it_is_meant(
    told: list[tuple[str, bool]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    handle, name = tempfile.mkstemp(dir=".")
    os.close(handle)

    assert told == [(str(tmp_path / os.path.basename(name)), False)]


def test_who_fails_breaks_nothing(told: list[tuple[str, bool]], tmp_path: Path) -> None:
    def broken(_path: str, _is_file: bool) -> None:
        raise RuntimeError

    follow(broken)
    try:
        assert os.path.isdir(tempfile.mkdtemp(dir=tmp_path))
    finally:
        follow_no_more(broken)
    assert len(told) == 1
