"""The session of a thread that collects tests hands every spawn to the file that asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from pytest_proctape.child import Started, Wiring
from pytest_proctape.portable import Places
from pytest_proctape.session import CollectingRecord, CollectingReplay
from pytest_proctape.tape import Spawn, TapeStore


class _Owner:
    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def replay(self, *asked: object) -> Started:
        self.asked.append(("replay", *asked))
        return Started(7)

    def record(self, *asked: object) -> Started:
        self.asked.append(("record", *asked))
        return Started(8)


def _session(kind: Any, path: Path, owner: _Owner) -> Any:
    session = kind(TapeStore(path), "conftest.py::@import", Places(), root=path)
    session.shared = lambda asker, _argv: owner if asker is session else None
    return session


def test_a_replay_is_never_given_the_means_to_start_a_process(tmp_path: Path) -> None:
    owner = _Owner()
    session = _session(CollectingReplay, tmp_path, owner)
    spawn, wiring = cast(Spawn, object()), cast(Wiring, object())
    assert session.answering(["git"]) is owner
    assert session.replay(spawn, wiring) == Started(7)
    assert owner.asked == [("replay", spawn, wiring)]
    assert not hasattr(session, "record")


def test_a_recording_passes_the_real_call_on(tmp_path: Path) -> None:
    owner = _Owner()
    session = _session(CollectingRecord, tmp_path, owner)
    spawn, wiring, launch = cast(Spawn, object()), cast(Wiring, object()), lambda _: Started(1)
    assert session.record(spawn, wiring, launch) == Started(8)
    assert owner.asked == [("record", spawn, wiring, launch)]
    assert (CollectingReplay.mode, CollectingRecord.mode) == ("replay", "record")
