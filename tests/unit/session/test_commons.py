"""The tapes that all tests share: found by command, in any order, any number of times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.match import Near, asked_by
from pytest_proctape.portable import Places
from pytest_proctape.session import Commons, RecordSession, ReplaySession
from pytest_proctape.tape import AMBIENT, CACHED, Entry, Tape, TapeStore


def entry(*argv: str, **fields: Any) -> Entry:
    return Entry(program=argv[0], args=argv[1:], **fields)


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    return TapeStore(tmp_path / "tapes")


@pytest.fixture
def commons(store: TapeStore, tmp_path: Path) -> Commons:
    return Commons(store, Places(), tmp_path)


def put(store: TapeStore, owner: str, *entries: Entry) -> None:
    store.save(owner, Tape(test=owner, entries=entries))


def test_an_entry_is_found_wherever_it_is_and_as_often_as_it_is_asked_for(
    store: TapeStore, commons: Commons
) -> None:
    one, other = entry("a", stdout="1"), entry("b")
    put(store, AMBIENT, one, other)
    player = commons.player(AMBIENT)
    assert [player.find(asked_by(which)) for which in (other, one, one, other)] == [1, 0, 0, 1]
    assert player.find(asked_by(entry("c"))) is None


def test_a_command_that_was_recorded_twice_is_answered_in_turn(store: TapeStore, commons: Commons) -> None:
    put(store, AMBIENT, entry("a", stdout="1"), entry("b"), entry("a", stdout="2"))
    player = commons.player(AMBIENT)
    assert [player.find(asked_by(entry("a"))) for _ in range(4)] == [0, 2, 0, 2]


def test_nothing_is_owed(store: TapeStore, commons: Commons) -> None:
    put(store, AMBIENT, entry("a"))
    assert commons.player(AMBIENT).entries
    assert commons.settle() == []
    assert commons.replayed() == []
    commons.close()


def test_the_tapes_of_other_imports_are_looked_at_as_well(store: TapeStore, commons: Commons) -> None:
    for owner in ("pkg/mod.py::@import", "conftest.py::@import"):
        put(store, owner, entry("a"))
    beside = [one.owner for one in commons.players_beside("conftest.py::@import")]
    assert beside == ["pkg/mod.py::@import"]
    assert list(commons.players_beside(AMBIENT)) == []


def test_what_the_process_remembers_explains_what_is_left_over(store: TapeStore, commons: Commons) -> None:
    near = [Near(0, entry("git", "--version"), (), consumed=False)]
    assert not commons.explains(near)
    fresh = Commons(store, Places(), commons.root)
    put(store, CACHED, entry("git", "--version"))
    assert fresh.explains(near)
    assert not fresh.explains([*near, Near(1, entry("git", "status"), (), consumed=False)])


def test_a_tape_of_what_is_remembered_that_is_damaged_explains_nothing(
    store: TapeStore, commons: Commons
) -> None:
    store.root.mkdir()
    (store.root / f"{CACHED}.json").write_text("{")
    assert not commons.explains([Near(0, entry("a"), (), consumed=False)])


def _recorded(store: TapeStore, root: Path, owner: str, *entries: Entry) -> RecordSession:
    """A recording that was stored, all of which the process is going to remember."""
    put(store, owner, *entries)
    session = RecordSession(store, owner, Places(), root=root)
    session.remembered.update(asked_by(one).argv for one in entries)
    return session


def test_a_constant_is_given_to_all_tests(store: TapeStore, commons: Commons, tmp_path: Path) -> None:
    first = _recorded(store, tmp_path, "test_a.py::test_it", entry("git", "--version", stdout="2", cwd="/x"))
    commons.remember(first)
    assert store.load(CACHED).entries == (entry("git", "--version", stdout="2"),)  # type: ignore[union-attr]
    assert commons.explains([Near(0, entry("git", "--version"), (), consumed=False)])


def test_what_says_two_things_is_no_constant(store: TapeStore, commons: Commons, tmp_path: Path) -> None:
    for number, owner in enumerate(("test_a.py::test_it", "test_b.py::test_it")):
        commons.remember(_recorded(store, tmp_path, owner, entry("date", stdout=str(number))))
    assert store.load(CACHED).entries == ()  # type: ignore[union-attr]


def test_what_is_not_remembered_leaves_no_tape(store: TapeStore, commons: Commons, tmp_path: Path) -> None:
    session = RecordSession(store, "test_a.py::test_it", Places(), root=tmp_path)
    commons.remember(session)
    assert not store.root.exists()


def test_a_tests_own_spawn_is_its_own(store: TapeStore, commons: Commons, tmp_path: Path) -> None:
    session = ReplaySession(store, "test_a.py::test_it", Places(), root=tmp_path)
    for imports in (True, False):
        assert commons.way_in("replay", imports=imports)(session, ("git",)) is None


def test_while_tests_are_collected_somebody_owns_everything(
    store: TapeStore, commons: Commons, tmp_path: Path
) -> None:
    session = ReplaySession(store, "test_a.py::test_it", Places(), root=tmp_path)
    way_in = commons.way_in("record", imports=True, collecting="conftest.py::@import")
    answering = way_in(session, ("git",))
    # A replaying session is given no means of starting a process, whatever others do.
    assert hasattr(answering, "replay")
    assert not hasattr(answering, "record")
