"""Payloads that are kept packed."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from pytest_proctape import TapeCorrupt
from pytest_proctape.tape import Base64, Content, Payload, TapeStore


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    return TapeStore(tmp_path / "tapes")


def keep(store: TapeStore, data: bytes) -> Payload:
    payload = store.encode_file(Content.of(data), store.add_file)
    assert isinstance(payload, Payload)
    return payload


def test_what_packs_well_is_packed_and_comes_back(store: TapeStore) -> None:
    data = b"int main() { return 0; }\n" * 10_000
    payload = keep(store, data)

    assert os.listdir(store.payloads) == [f"{payload.sha256}.gz"]
    assert store.decode(payload).bytes() == data
    assert keep(store, data) == payload
    assert os.listdir(store.payloads) == [f"{payload.sha256}.gz"]


def test_what_does_not_pack_stays_as_it_is(store: TapeStore) -> None:
    data = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(300))
    payload = keep(store, data)

    assert os.listdir(store.payloads) == [payload.sha256]
    assert store.decode(payload).bytes() == data


@pytest.mark.parametrize("damage", ["more", "other", "cut", "none"])
def test_a_packed_file_is_checked(store: TapeStore, damage: str) -> None:
    data = b"x" * 10_000
    payload = keep(store, data)
    (path,) = store.payloads.iterdir()
    packed = {
        "more": gzip.compress(b"x" * 50_000_000),
        "other": gzip.compress(b"y" * 10_000),
        "cut": path.read_bytes()[:-9],
        "none": b"not packed",
    }
    path.write_bytes(packed[damage])

    with pytest.raises(TapeCorrupt, match="payload"):
        store.decode(payload).bytes()


def test_a_packed_file_that_git_lfs_has_not_fetched_says_so(store: TapeStore) -> None:
    payload = keep(store, b"x" * 10_000)
    (path,) = store.payloads.iterdir()
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")

    with pytest.raises(TapeCorrupt, match="git-lfs") as caught:
        store.decode(payload).bytes()
    assert "git lfs pull" in caught.value.next_step


def test_a_short_text_stands_on_the_tape(store: TapeStore) -> None:
    assert store.encode_file(Content.of(b"one\ntwo\n"), store.add_file) == ("one\n", "two\n")
    assert isinstance(store.encode_file(Content.of(b"\xff\1"), store.add_file), Base64)
    assert isinstance(store.encode_file(Content.of(b"\xff" * 100), store.add_file), Payload)
