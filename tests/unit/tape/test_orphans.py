"""Files below the directory of the tapes that nobody owns."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_proctape.tape import (
    Content,
    Entry,
    Tape,
    TapeStore,
    orphaned_payloads,
    orphaned_tapes,
    remove_orphans,
)

_ONE, _TWO = "tests/test_it.py::test_one", "tests/test_it.py::test_two"


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    store = TapeStore(tmp_path / "tapes")
    for owner in (_ONE, _TWO):
        store.save(owner, Tape(test=owner, entries=()))
    return store


def orphans(store: TapeStore, *owned: str, keeping: tuple[str, ...] = ("",)) -> list[tuple[str, str]]:
    found = orphaned_tapes(store, owned, lambda owner: owner in keeping)
    return [(str(path.relative_to(store.root)), owner) for path, owner in found]


def test_a_tape_of_a_test_that_is_there_is_none(store: TapeStore) -> None:
    assert orphans(store, _ONE, _TWO) == []


def test_a_tape_of_a_test_that_is_gone_is_one(store: TapeStore) -> None:
    assert orphans(store, _ONE) == [("tests/test_it/test_two.json", _TWO)]


def test_an_owner_may_be_kept(store: TapeStore) -> None:
    assert orphans(store, _ONE, keeping=(_TWO,)) == []


def test_the_attempt_of_a_recording_goes_with_its_tape(store: TapeStore) -> None:
    store.save_attempt(_TWO, Tape(test=_TWO, entries=()))
    assert orphans(store, _ONE, _TWO) == []
    assert [name for name, _ in orphans(store, _ONE)] == [
        "tests/test_it/test_two.json",
        "tests/test_it/test_two.json.failed",
    ]


def test_a_tape_under_a_hashed_name_is_its_owners(store: TapeStore) -> None:
    other = "tests/test_it.py::TEST_ONE"
    path = store.save(other, Tape(test=other, entries=()))
    assert path.stem != "TEST_ONE"
    assert orphans(store, _ONE, _TWO, other) == []
    assert orphans(store, _ONE, _TWO) == [(str(path.relative_to(store.root)), other)]


def test_nobodys_tapes_hidden_files_links_and_others_are_left_alone(store: TapeStore, tmp_path: Path) -> None:
    (store.root / "by-hand.json").write_text("[]")
    (store.root / "broken.json").write_text("{")
    (store.root / ".hidden.json").write_text("{}")
    (store.root / "notes.txt").write_text("")
    (store.root / "link.json").symlink_to(tmp_path)
    (store.root / "folder").symlink_to(store.root / "tests")
    assert orphans(store, _ONE, _TWO) == []


def test_there_are_none_without_a_directory(tmp_path: Path) -> None:
    store = TapeStore(tmp_path / "nothing")
    assert orphans(store, _ONE) == []
    assert orphaned_payloads(store) == []


def test_a_payload_that_no_tape_names_is_one(store: TapeStore) -> None:
    named = store.add_payload(Content.of(b"x" * 100_000))
    other = store.add_payload(Content.of(b"y" * 100_000))
    store.save(_TWO, Tape(test=_TWO, entries=(Entry(program="cat", stdout=named),)))
    assert orphaned_payloads(store) == [store.payloads / other.sha256]
    # With its tape it goes as well.
    gone = orphaned_payloads(store, without=[store.path_for(_TWO)])
    assert gone == sorted(store.payloads / one.sha256 for one in (named, other))


def test_what_is_removed_takes_empty_folders_along_and_no_others(store: TapeStore) -> None:
    remove_orphans(store, [store.path_for(_TWO)])
    assert store.path_for(_ONE).exists()
    remove_orphans(store, [store.path_for(_ONE)])
    assert list(store.root.iterdir()) == []
