from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeCorrupt, TapeError, TapeWriteError
from pytest_proctape.tape import PAYLOAD_THRESHOLD, Content, Payload, Spool, TapeStore
from tests.unit.disk import everything_in, failing

LARGE = b"\xffline\n" * 20_000


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    return TapeStore(tmp_path / "tapes")


def test_small_streams_stay_on_the_tape(store: TapeStore) -> None:
    assert store.encode(b"x" * PAYLOAD_THRESHOLD) == ("x" * PAYLOAD_THRESHOLD,)
    assert store.decode("text") == Content.of(b"text")
    assert not store.root.exists()


def test_large_streams_are_payloads_named_by_their_hash(store: TapeStore) -> None:
    stream = store.encode(LARGE)
    digest = hashlib.sha256(LARGE).hexdigest()
    assert stream == Payload(sha256=digest, size=len(LARGE))
    assert everything_in(store.root) == [f"_payloads/{digest}"]
    assert store.decode(stream).bytes() == LARGE


def spooled(store: TapeStore, data: bytes = LARGE) -> Content:
    spool = Spool(store.root)
    for start in range(0, len(data), 1000):
        spool.write(data[start : start + 1000])
    return spool.content()


def test_a_spool_becomes_a_payload_without_a_copy(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    content = spooled(store)
    assert content.path is not None
    inode = content.path.stat().st_ino
    assert content.path.parent == store.root
    monkeypatch.setattr(os, "write", failing(errno.EIO))
    payload = store.add_payload(content)
    assert everything_in(store.root) == [f"_payloads/{payload.sha256}"]
    assert (store.payloads / payload.sha256).stat().st_ino == inode
    assert not content.temporary
    assert content.bytes() == LARGE, "it reads from its new place"
    assert store.decode(payload) == content


def test_where_links_are_not_possible_a_spool_is_copied(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = spooled(store)
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    payload = store.add_payload(content)
    assert everything_in(store.root) == [f"_payloads/{payload.sha256}"]
    assert content.bytes() == store.decode(payload).bytes() == LARGE


def test_a_spool_that_is_not_kept_leaves_nothing(store: TapeStore) -> None:
    content = spooled(store)
    assert len(everything_in(store.root)) == 1
    del content
    assert everything_in(store.root) == []


def test_somebody_elses_file_is_copied_and_left_alone(store: TapeStore, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(LARGE)
    content = Content.from_file(file, len(LARGE), hashlib.sha256(LARGE).hexdigest())
    payload = store.add_payload(content)
    file.write_bytes(b"changed")
    assert store.decode(payload).bytes() == LARGE


def test_bytes_that_are_kept_are_not_written_again(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = store.add_payload(LARGE)
    content = spooled(store)
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    assert store.add_payload(LARGE) == payload
    assert store.add_payload(content) == payload
    assert everything_in(store.root) == [f"_payloads/{payload.sha256}"]


@pytest.mark.parametrize("damage", [b"", b"\0" * len(LARGE)])
def test_a_damaged_payload_is_replaced(store: TapeStore, damage: bytes) -> None:
    payload = store.add_payload(LARGE)
    (store.payloads / payload.sha256).write_bytes(damage)
    with pytest.raises(TapeCorrupt, match="damaged"):
        store.decode(payload).bytes()
    store.add_payload(LARGE)
    assert store.decode(payload).bytes() == LARGE


def test_nothing_is_a_payload_too(store: TapeStore) -> None:
    payload = store.add_payload(b"")
    assert store.decode(payload).bytes() == b""
    assert store.add_payload(b"") == payload


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "mkdir"])
def test_a_payload_that_cannot_be_written(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(errno.ENOSPC))
        with pytest.raises(TapeWriteError, match="No space left") as caught:
            store.add_payload(LARGE)
    assert "room on the disk" in caught.value.next_step
    assert everything_in(store.root) == []


def test_payloads_that_lead_out_are_refused(store: TapeStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store.root.mkdir()
    store.payloads.symlink_to(outside)
    with pytest.raises(TapeError, match="leads out"):
        store.add_payload(b"x")
    (outside / ("a" * 64)).write_bytes(b"x")
    with pytest.raises(TapeError, match="leads out"):
        store.decode(Payload(sha256="a" * 64, size=1))
    assert os.listdir(outside) == ["a" * 64]
