from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeError
from pytest_proctape.tape import (
    Entry,
    Event,
    Listing,
    Payload,
    Tape,
    TapeStore,
    discard,
    payload_hash,
    payloads_of,
)

ONE = "tests/test_git.py::test_log"


def names(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_each_kind_of_file_is_told_apart(tmp_path: Path) -> None:
    store = TapeStore(tmp_path / "tapes")
    store.save(ONE, Tape(test=ONE))
    store.save_attempt(ONE, Tape(test=ONE))
    payload = store.add_payload(b"x" * 10)
    packed = store.payloads / f"{'a' * 64}.gz"
    packed.write_bytes(b"")
    (store.root / ".proctape-0123abcd.tmp").write_bytes(b"")
    (store.root / ".gitkeep").write_bytes(b"")
    (store.root / "README.md").write_bytes(b"")
    (store.payloads / "README.md").write_bytes(b"")
    (store.root / ".hidden").mkdir()
    (store.root / ".hidden" / "x.json").write_bytes(b"")
    (store.root / "link.json").symlink_to("tests/test_git/test_log.json")
    (store.root / "linked").symlink_to(tmp_path)
    found = Listing.of(store.root)
    assert names(found.tapes, store.root) == ["tests/test_git/test_log.json"]
    assert names(found.attempts, store.root) == ["tests/test_git/test_log.json.failed"]
    assert {payload_hash(path) for path in found.payloads} == {payload.sha256, "a" * 64}
    assert names(found.unfinished, store.root) == [".proctape-0123abcd.tmp"]
    assert sorted(names(found.others, store.root)) == [
        "README.md",
        "_payloads/README.md",
        "link.json",
        "linked",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    tmp_path.joinpath("shut").mkdir(mode=0)
    with pytest.raises(TapeError, match="can't be read"):
        Listing.of(tmp_path)


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="can't be read"):
        Listing.of(tmp_path / "nothing")


def test_payloads_are_found_wherever_they_stand() -> None:
    one, two, three = (Payload(sha256=digit * 64, size=1) for digit in "123")
    tape = Tape(
        entries=(
            Entry(program="a", stdout=one, fds={3: two}),
            Entry(program="b", timeline=(Event(stdin=three), Event(stdout="x"))),
            Entry(program="c", stdout=one),
        )
    )
    assert sorted(payload.sha256[0] for payload in payloads_of(tape)) == ["1", "1", "2", "3"]


def test_nothing_outside_is_discarded(tmp_path: Path) -> None:
    root = tmp_path / "tapes"
    root.mkdir()
    mine = root / "x.json.failed"
    mine.write_bytes(b"")
    assert discard(mine, root)
    assert not discard(mine, root)
    other = tmp_path / "x.json.failed"
    other.write_bytes(b"")
    with pytest.raises(TapeError, match="leads out"):
        discard(other, root)
    assert other.exists()
