"""The tape of a test that is gone is offered by what is on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.match import Asked
from pytest_proctape.renamed import Renamed
from pytest_proctape.tape import Entry, Tape, TapeStore

_NEW = "tests/test_it.py::test_new"
_ASKED = Asked("git", ("describe",), None, None)


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "def test_new(): ...\nclass TestKept:\n  def test_it(): ...\n"
    )
    return TapeStore(tmp_path / "tapes")


def put(store: TapeStore, owner: str, *argv: str, **fields: Any) -> None:
    entries = (Entry(program=argv[0], args=argv[1:], **fields),) if argv else ()
    store.save(owner, Tape(test=owner, entries=entries))


def offer(store: TapeStore, shown_from: Path | None = None, *collected: str) -> str:
    root = store.root.parent
    renamed = Renamed(store, root, shown_from or root, {_NEW, *collected})
    return renamed.offer(store.path_for(_NEW), _ASKED)


def test_nothing_is_offered_where_nothing_is_gone(store: TapeStore) -> None:
    assert offer(store) == ""


def test_a_tape_that_begins_with_what_is_asked_for_is_offered(store: TapeStore) -> None:
    put(store, "tests/test_it.py::test_old", "git", "describe")
    assert offer(store) == "mv tapes/tests/test_it/test_old.json tapes/tests/test_it/test_new.json"


def test_one_that_begins_with_something_else_is_not(store: TapeStore) -> None:
    put(store, "tests/test_it.py::test_old", "git", "status")
    put(store, "tests/test_it.py::test_empty")
    (store.root / "tests" / "test_it" / "test_broken.json").write_text("{")
    assert offer(store) == ""


def test_the_tape_of_a_test_that_is_still_there_is_not_offered(store: TapeStore) -> None:
    put(store, "tests/test_it.py::TestKept::test_it", "git", "describe")
    put(store, "tests/test_it.py::@wide", "git", "describe")
    assert offer(store) == ""


def test_parameters_that_are_gone_are(store: TapeStore) -> None:
    put(store, "tests/test_it.py::test_new[old]", "git", "describe")
    assert "test_new[old].json" in offer(store)


def test_the_nearest_by_name_in_the_same_folder_comes_first(store: TapeStore) -> None:
    for owner in ("tests/test_gone.py::test_new", "tests/test_it.py::test_x", "tests/test_it.py::test_newer"):
        put(store, owner, "git", "describe")
    assert offer(store).startswith("mv tapes/tests/test_it/test_newer.json ")


def test_a_folder_is_made_and_git_need_not_know_the_tape(store: TapeStore) -> None:
    (store.root.parent / ".git").mkdir()
    put(store, "tests/test_gone.py::test_new", "git", "describe")
    assert offer(store) == (
        "mkdir -p tapes/tests/test_it && "
        "mv tapes/tests/test_gone/test_new.json tapes/tests/test_it/test_new.json"
    )


def test_paths_are_as_seen_from_where_pytest_was_started(store: TapeStore) -> None:
    put(store, "tests/test_it.py::test_old", "git", "describe")
    assert offer(store, store.root.parent / "tests").startswith("mv ../tapes/tests/test_it/test_old.json ")
