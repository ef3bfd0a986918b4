from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeCorrupt, TapeError
from pytest_proctape.tape import Anything, Base64, Entry, Event, Glob, Payload, Tape, TapeStore

ONE = "tests/test_bc.py::test_sums"
LINES = tuple(f"{number} + {number}\n" for number in range(40))
SENT = "".join(LINES).encode()


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    made = TapeStore(tmp_path / "tapes")
    made.threshold = 100
    return made


def dialog(*more: Event) -> Tape:
    """Many short questions and answers, which are large together."""
    events = [
        event
        for at, line in enumerate(LINES)
        for event in (Event(at_ms=float(at), stdin=(line,)), Event(at_ms=at + 0.5, stdout=(f"{2 * at}\n",)))
    ]
    return Tape(test=ONE, entries=(Entry(program="bc", timeline=(*events, *more)),))


def stored(store: TapeStore, tape: Tape) -> Entry:
    """The first entry as it stands in the file."""
    return store.load_file(store.save(ONE, tape)).entries[0]


def payload_of(data: bytes) -> Payload:
    return Payload(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def test_a_large_dialog_has_its_bytes_in_payloads(store: TapeStore) -> None:
    path = store.save(ONE, dialog())
    entry = store.load_file(path).entries[0]
    answers = "".join(f"{2 * at}\n" for at in range(40)).encode()
    assert entry.streams == {"stdin": payload_of(SENT), "stdout": payload_of(answers)}
    assert (store.payloads / payload_of(SENT).sha256).read_bytes() == SENT
    assert entry.timeline is not None
    assert entry.timeline[:2] == (
        Event(at_ms=0.0, stream="stdin", size=6),
        Event(at_ms=0.5, stream="stdout", size=2),
    )
    assert '\n        {"at_ms": 0.5, "stream": "stdout", "size": 2},\n' in path.read_text()


def test_whoever_loads_it_finds_each_event_as_it_was(store: TapeStore) -> None:
    store.save(ONE, dialog())
    assert store.load(ONE) == dialog()


def test_each_stream_is_judged_by_itself(store: TapeStore) -> None:
    quiet = Event(stderr=("no\n",))
    entry = stored(store, dialog(quiet))
    assert set(entry.streams or {}) == {"stdin", "stdout"}
    assert (entry.timeline or ())[-1] == quiet


def test_up_to_the_threshold_all_stands_on_the_tape(store: TapeStore) -> None:
    store.threshold = len(SENT)
    entry = stored(store, dialog())
    assert entry == dialog().entries[0]
    assert not store.payloads.exists()


def test_descriptors_and_bytes_that_are_no_text(store: TapeStore) -> None:
    letter = "ä".encode()
    halves = tuple(
        Event(fd=fd, data=Base64(base64=digits)) for fd in (0, 3, 12) for digits in ("ww==", "pA==") * 60
    )
    tape = Tape(test=ONE, entries=(Entry(program="a", timeline=halves),))
    entry = stored(store, tape)
    assert entry.streams == dict.fromkeys(("0", "3", "12"), payload_of(letter * 60))
    assert store.load(ONE) == tape


def test_what_has_a_file_of_its_own_and_what_is_a_pattern_stay(store: TapeStore) -> None:
    own = store.add_payload(b"x" * 1000)
    more = (Event(stdin=own), Event(stdin=Glob(glob="*")), Event(close="stdin"))
    tape = dialog(*more)
    entry = stored(store, tape)
    assert (entry.timeline or ())[-3:] == more
    assert store.load(ONE) == tape


def test_input_that_nobody_looked_at_stays_so(store: TapeStore) -> None:
    tape = Tape(
        test=ONE,
        entries=(Entry(program="a", stdin=Anything(any=True), timeline=(Event(stdout=("x" * 200,)),)),),
    )
    assert set(stored(store, tape).streams or {}) == {"stdout"}
    assert store.load(ONE) == tape


def test_what_was_stored_with_all_in_its_events_is_read_as_ever(store: TapeStore) -> None:
    store.threshold = 1 << 20
    store.save(ONE, dialog())
    store.threshold = 10
    assert store.load(ONE) == dialog()


def test_to_store_what_is_in_the_file_changes_nothing(store: TapeStore) -> None:
    path = store.save(ONE, dialog())
    before = path.read_bytes()
    store.save(ONE, store.load_file(path))
    assert path.read_bytes() == before
    store.update(ONE, lambda tape: tape)
    assert path.read_bytes() == before


def test_an_attempt_is_kept_in_the_same_way(store: TapeStore) -> None:
    path = store.save_attempt(ONE, dialog())
    assert store.load_file(path).entries[0].streams


@pytest.mark.parametrize("damage", [b"", b"X" + SENT[1:]], ids=["shorter", "other"])
def test_a_payload_that_is_damaged_is_told(store: TapeStore, damage: bytes) -> None:
    store.save(ONE, dialog())
    path = store.payloads / payload_of(SENT).sha256
    path.write_bytes(damage)
    with pytest.raises(TapeCorrupt) as caught:
        store.load(ONE)
    assert caught.value.path == path


def test_a_payload_that_is_missing_is_told(store: TapeStore) -> None:
    store.save(ONE, dialog())
    (store.payloads / payload_of(SENT).sha256).unlink()
    with pytest.raises(TapeCorrupt, match="can't be read"):
        store.load(ONE)


def test_no_payload_is_read_from_elsewhere(store: TapeStore, tmp_path: Path) -> None:
    store.save(ONE, dialog())
    path = store.payloads / payload_of(SENT).sha256
    outside = tmp_path / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.raises(TapeError, match="leads out"):
        store.load(ONE)


def test_a_name_that_is_a_path_is_none(store: TapeStore) -> None:
    path = store.save(ONE, dialog())
    document = json.loads(path.read_text())
    document["entries"][0]["streams"]["stdin"]["sha256"] = "../" * 20 + "abcd"
    path.write_text(json.dumps(document))
    with pytest.raises(TapeCorrupt) as caught:
        store.load(ONE)
    assert caught.value.place == "entries[0].streams.stdin.sha256"
