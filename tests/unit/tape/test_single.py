"""The store of one tape: whoever owns it, it is in the file that the user named."""

from __future__ import annotations

from pathlib import Path

from pytest_proctape.tape import Entry, SingleStore, Tape


def test_any_owner_has_the_same_file(tmp_path: Path) -> None:
    store = SingleStore(tmp_path / "any name.txt")
    tape = Tape(entries=(Entry(program="true"),))
    assert store.load("") is None
    assert store.save("a::b", tape) == tmp_path / "any name.txt"
    assert store.load("c::d") == tape
    assert store.attempt_path("") == tmp_path / "any name.txt.failed"
    assert not store.has_nothing("")
    assert store.delete("")
    assert store.has_nothing("")
    store.save_attempt("", tape)
    assert not store.has_nothing("")
    store.discard_attempt("")
    assert list(tmp_path.iterdir()) == []


def test_payloads_are_beside_it(tmp_path: Path) -> None:
    store = SingleStore(tmp_path / "deep" / "x.json")
    payload = store.add_payload(b"x" * 100_000)
    assert (tmp_path / "deep" / "_payloads" / payload.sha256).exists()
    assert store.decode(payload).bytes() == b"x" * 100_000


def test_a_link_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to("real/x.json")
    store = SingleStore(tmp_path / "link.json")
    store.save("", Tape())
    assert (tmp_path / "real" / "x.json").exists()
    assert (tmp_path / "link.json").is_symlink()
