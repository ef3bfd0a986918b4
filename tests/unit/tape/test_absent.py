"""Which tapes are surely not there, and what a change of the directories does to that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_proctape.tape import absent
from pytest_proctape.tape.absent import Listing
from pytest_proctape.tape.names import AMBIENT, hashed_tape_path, tape_path

_OWNER = "tests/test_git.py::TestLog::test_one"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "tapes"


def _put(root: Path, name: object) -> None:
    path = root / str(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def _settle(root: Path) -> None:
    """Let every directory have changed long ago, so that what was read of it is kept."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, (1, 1))


def test_nothing_is_there_without_a_directory(root: Path) -> None:
    listing = Listing(root)
    assert listing.lacks(_OWNER)
    assert listing.lacks(_OWNER)
    assert listing.lacks(AMBIENT)
    _put(root, tape_path(_OWNER))
    assert not listing.lacks(_OWNER)


def test_a_tape_is_there_by_its_plain_name_or_its_hashed_one(root: Path) -> None:
    _put(root, tape_path(_OWNER))
    _put(root, hashed_tape_path("tests/test_git.py::test_two"))
    _settle(root)
    listing = Listing(root)
    assert not listing.lacks(_OWNER)
    assert not listing.lacks("tests/test_git.py::test_two")
    assert listing.lacks("tests/test_git.py::test_three")


def test_an_attempt_is_no_tape_and_can_be_asked_for(root: Path) -> None:
    _put(root, "tests/test_git/TestLog.test_ONE.json.failed")
    _settle(root)
    listing = Listing(root)
    assert listing.lacks(_OWNER)
    assert not listing.lacks(_OWNER, ".failed")
    assert listing.lacks("tests/test_git.py::TestLog::test_two", ".failed")


def test_case_is_no_difference(root: Path) -> None:
    _put(root, "Tests/TEST_git/testlog.TEST_one.json")
    _settle(root)
    assert not Listing(root).lacks(_OWNER)


def test_what_comes_later_is_seen_in_a_folder_that_was_missing(root: Path) -> None:
    _put(root, tape_path("tests/test_other.py::test_it"))
    _settle(root)
    listing = Listing(root)
    assert listing.lacks(_OWNER)
    _put(root, tape_path(_OWNER))
    assert not listing.lacks(_OWNER)


def test_what_comes_later_is_seen_in_a_folder_that_was_there(root: Path) -> None:
    _put(root, tape_path("tests/test_git.py::test_other"))
    _settle(root)
    listing = Listing(root)
    assert listing.lacks(_OWNER)
    _put(root, tape_path(_OWNER))
    assert not listing.lacks(_OWNER)


def test_what_is_taken_away_is_seen(root: Path) -> None:
    _put(root, tape_path(_OWNER))
    _settle(root)
    listing = Listing(root)
    assert not listing.lacks(_OWNER)
    (root / tape_path(_OWNER)).unlink()
    assert listing.lacks(_OWNER)
    (root / tape_path(_OWNER)).parent.rmdir()
    assert listing.lacks(_OWNER)


def test_the_ambient_tape_lies_beside_the_folders(root: Path) -> None:
    _put(root, tape_path(AMBIENT))
    _settle(root)
    assert not Listing(root).lacks(AMBIENT)


def test_one_look_a_test(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _put(root, tape_path(_OWNER))
    _settle(root)
    listing = Listing(root)
    owners = [f"tests/test_git.py::test_{number}" for number in range(10)]
    owners += [f"elsewhere/test_git.py::test_{number}" for number in range(10)]
    assert listing.lacks(owners[0])
    assert listing.lacks(owners[-1])
    looks = []

    def counting(name: str) -> None:
        real = getattr(absent._Real, name)

        def counted(*args: object) -> object:
            looks.append(name)
            return real(*args)

        monkeypatch.setattr(absent._Real, name, counted)

    for name in ("stat", "listdir"):
        counting(name)
    assert all(map(listing.lacks, owners))
    assert looks == ["stat"] * len(owners)


def test_what_a_test_says_is_in_a_directory_is_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _put(root, tape_path(_OWNER))
    _settle(root)
    listing = Listing(root)
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", lambda _: [])
        assert not listing.lacks(_OWNER)
    assert not listing.lacks(_OWNER)


def test_what_another_worker_has_stored_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _put(root, tape_path(_OWNER))
    theirs, ours = Listing(root), Listing(root)
    read: list[str] = []
    real = absent._Real.listdir

    def listdir(path: str) -> list[str]:
        read.append(path)
        return real(path)

    monkeypatch.setattr(absent._Real, "listdir", listdir)
    for number in range(3):
        owner = f"tests/test_git.py::TestLog::test_new_{number}"
        theirs.held()
        assert theirs.lacks(owner)
        _put(root, tape_path(owner))
        theirs.stored(str(root / tape_path(owner)))
        read.clear()
        assert not ours.lacks(owner)
        assert all(ours.lacks(f"tests/test_git.py::TestLog::test_{word}") for word in ("own", "two"))
        assert len(read) == 1, "as nobody can have stored another one in the same moment"
    # What somebody else puts there without a mark is seen, however soon.
    _put(root, "tests/test_git/TestLog.test_own.json")
    assert not ours.lacks("tests/test_git.py::TestLog::test_own")
