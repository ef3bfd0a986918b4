"""What a recording by the short road leaves behind."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_proctape import use_tape
from pytest_proctape.session import RecordSession


@contextmanager
def nobody_collecting() -> Iterator[None]:
    """Around what is to go by itself, as soon as nobody has it any more."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def sessions(*known: RecordSession) -> list[RecordSession]:
    """Those that there are, but for these."""
    found = [one for one in gc.get_objects() if type(one) is RecordSession]
    return [one for one in found if not any(one is other for other in known)]


def record(path: Path) -> None:
    with use_tape(path, mode="record"):
        subprocess.run(["echo", "one"], capture_output=True, check=True)
        subprocess.run(["cat"], input=b"two", capture_output=True, check=True)


def test_a_recording_that_is_over_leaves_nothing_to_be_collected(tmp_path: Path) -> None:
    with nobody_collecting():
        # Those of other tests may go meanwhile, so they are kept.
        before = sessions()
        record(tmp_path / "first.json")
        record(tmp_path / "second.json")
        assert sessions(*before) == []


def test_whoever_keeps_the_tape_can_still_look_at_its_spawns(tmp_path: Path) -> None:
    with use_tape(tmp_path / "tape.json", mode="record") as tape:
        subprocess.run(["echo", "one"], capture_output=True, check=True)
    gc.collect()
    assert [one.stdout for one in tape.spawns] == [b"one\n"]
    assert [one.returncode for one in tape.children] == [0]
