"""Tapes that somebody else stores into the same directory, and how often that is read meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_proctape.tape import Entry, Tape, TapeStore, absent, hashed_tape_path, tape_path
from pytest_proctape.tape.names import fold

MODULE = "tests/test_git.py"
LOWER, UPPER = f"{MODULE}::test_log", f"{MODULE}::test_LOG"


def _tape(owner: str) -> Tape:
    return Tape(test=owner, entries=(Entry(program="git", args=(owner,), exit_code=0),))


def _save(store: TapeStore, owner: str) -> Path:
    """As a recording does: it asks for the place first, and stores the tape later."""
    assert store.path_for(owner).parent == (store.root / tape_path(owner)).parent
    return store.save(owner, _tape(owner))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "tapes"


@pytest.fixture
def store(root: Path) -> TapeStore:
    return TapeStore(root)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that were read, each time."""
    names: list[str] = []
    real = os.listdir

    def listdir(path: str) -> list[str]:
        names.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(absent._Real, "listdir", listdir)
    return names


def test_a_directory_is_not_read_for_each_tape(store: TapeStore, read: list[str]) -> None:
    for number in range(60):
        _save(store, f"{MODULE}::test_{number}")
    assert read.count("test_git") <= 2
    assert len(list((store.root / "tests/test_git").iterdir())) == 60


def test_nor_is_one_that_was_there(root: Path, read: list[str]) -> None:
    _save(TapeStore(root), LOWER)
    read.clear()
    store = TapeStore(root)
    for number in range(60):
        _save(store, f"{MODULE}::test_{number}")
    assert read.count("test_git") <= 2
    assert _save(store, UPPER).name == hashed_tape_path(UPPER).name


@pytest.mark.parametrize("round_", range(10))
def test_another_process_stores_in_the_same_moment(root: Path, round_: int) -> None:
    """Each sees what the other has put there, however fast they take turns."""
    ours, others = TapeStore(root), TapeStore(root)
    _save(ours, f"{MODULE}::test_first")
    _save(others, f"{MODULE}::test_second")
    for number in range(round_, round_ + 10):
        small, large = f"{MODULE}::test_a{number}", f"{MODULE}::test_A{number}"
        assert _save(ours, small) == root / tape_path(small)
        assert _save(others, large) == root / hashed_tape_path(large)
        assert ours.load(large) == _tape(large)
        assert not others.lacks(small)


def test_many_at_once(root: Path) -> None:
    owners = [f"{MODULE}::test_{name}{number}" for number in range(12) for name in ("ab", "aB", "Ab", "AB")]

    def save_some(first: int) -> None:
        store = TapeStore(root)
        for owner in owners[first::4]:
            store.save(owner, _tape(owner))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save_some, range(4)))
    store = TapeStore(root)
    assert [store.load(owner) for owner in owners] == [_tape(owner) for owner in owners]
    names = [path.name for path in (root / "tests/test_git").iterdir()]
    assert len({fold(name) for name in names}) == len(names) == len(owners)


def test_somebody_puts_a_file_there_by_hand(store: TapeStore) -> None:
    _save(store, f"{MODULE}::test_first")
    _save(store, f"{MODULE}::test_second")
    (store.root / tape_path(UPPER)).write_text(f'{{"version": 2, "test": "{UPPER}", "entries": []}}')
    assert not store.lacks(LOWER)
    assert _save(store, LOWER).name == hashed_tape_path(LOWER).name


@pytest.mark.parametrize("gone", ["tests/test_git", ""])
def test_the_directory_goes_away(store: TapeStore, gone: str) -> None:
    _save(store, LOWER)
    _save(store, f"{MODULE}::test_second")
    shutil.rmtree(store.root / gone)
    assert store.lacks(LOWER)
    assert _save(store, UPPER) == store.root / tape_path(UPPER)
    assert _save(store, LOWER) == store.root / hashed_tape_path(LOWER)


def _refused(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


_REAL_UTIME = os.utime


def _in_seconds(path: str, *, ns: tuple[int, int]) -> None:
    _REAL_UTIME(path, ns=(ns[0], ns[1] // 10**9 * 10**9))


@pytest.mark.parametrize("utime", [_refused, _in_seconds])
def test_where_the_directory_keeps_no_mark(
    root: Path, monkeypatch: pytest.MonkeyPatch, utime: Callable[..., None]
) -> None:
    """It is somebody else's, or its file system counts in seconds: then it is read as often as ever."""
    monkeypatch.setattr(absent._Real, "utime", utime)
    ours, others = TapeStore(root), TapeStore(root)
    _save(ours, f"{MODULE}::test_first")
    for number in range(5):
        small, large = f"{MODULE}::test_a{number}", f"{MODULE}::test_A{number}"
        assert _save(ours, small) == root / tape_path(small)
        assert _save(others, large) == root / hashed_tape_path(large)
