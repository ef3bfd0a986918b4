"""Descriptors of locked files are closed when that costs nobody a lock."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest

from pytest_proctape.child import is_open
from pytest_proctape.effects import shutting
from pytest_proctape.effects.shutting import is_locked, shut, shut_kept

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a lock of one's own")


def test_what_is_not_locked_is_closed_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    assert not is_locked(fd)
    shut(fd)
    assert not is_open(fd)


@pytest.mark.parametrize("kind", [fcntl.LOCK_EX, fcntl.LOCK_SH])
def test_what_is_locked_is_kept_until_it_is_not(tmp_path: Path, kind: int) -> None:
    (tmp_path / "other").touch()
    with (tmp_path / "file").open("w+") as file:
        fcntl.lockf(file, kind, 3, 5)
        fd = os.open(tmp_path / "file", os.O_RDONLY)
        shut(fd)
        shut_kept()
        assert is_open(fd)
        assert is_locked(file.fileno())

        fcntl.lockf(file, fcntl.LOCK_UN)
        shut(os.open(tmp_path / "other", os.O_RDONLY))
        assert not is_open(fd)
    assert shutting._kept == []


def test_where_nothing_tells_of_locks_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    shut(reader)
    assert not is_open(reader)

    monkeypatch.setattr(shutting, "_ASK", None)
    with (tmp_path / "file").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        fd = os.open(tmp_path / "file", os.O_RDONLY)
        shut(fd)
        assert not is_open(fd)
