"""Outputs out of a file: whole where it is what was stored, and told of where it is not."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeCorrupt
from pytest_proctape.tape import Content, script

from .stage import Stage, hears

DATA = os.urandom(3 << 20)


def stored(path: Path, data: bytes = DATA) -> script.Output:
    path.write_bytes(data)
    digest = hashlib.sha256(DATA).hexdigest()
    return script.Output(1, Content.from_file(path, len(data), digest, crc32=zlib.crc32(DATA)), 0)


def changed() -> bytes:
    data = bytearray(DATA)
    data[-1] ^= 1
    return bytes(data)


@pytest.mark.parametrize("private", [True, False])
def test_it_comes_whole(tmp_path: Path, private: bool) -> None:
    with Stage(stored(tmp_path / "payload"), private=private) as stage:
        assert stage.all_of(stage.out) == DATA
        assert stage.child.wait() == 0


def test_what_turns_out_to_be_damaged_is_told_and_ends(tmp_path: Path) -> None:
    with Stage(stored(tmp_path / "payload", changed()), hears(b"more")) as stage:
        assert len(stage.all_of(stage.out)) < len(DATA)
        with pytest.raises(TapeCorrupt, match="damaged"):
            stage.child.wait()
        assert stage.ended == 1


def test_damage_after_the_end_of_the_child_is_told_as_well(tmp_path: Path) -> None:
    with Stage(stored(tmp_path / "payload", changed())) as stage:
        assert stage.child.status == 0
        assert len(stage.all_of(stage.out)) < len(DATA)
        with pytest.raises(TapeCorrupt, match="damaged"):
            stage.child.poll()
        assert stage.ended == 1


def test_nobody_reads_the_rest(tmp_path: Path) -> None:
    with Stage(stored(tmp_path / "payload")) as stage:
        os.close(stage.out)
        stage.out = os.open(os.devnull, os.O_RDONLY)
        assert stage.child.wait() == 0
