"""Which files the process has written itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_proctape.effects.written import Written, being_written


@pytest.fixture(scope="module")
def of_the_process() -> Written:
    """A hook can't be taken back, so there is one for all tests."""
    written = Written()
    written.follow()
    written.follow()
    return written


@pytest.fixture
def written(of_the_process: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    monkeypatch.chdir(tmp_path)
    return of_the_process


def _sh(command: str) -> None:
    subprocess.run(["sh", "-c", command], check=True)


def _has(written: Written, name: str = "file") -> bool:
    """Before a command is started and after."""
    at_once = written.has(os.path.abspath(name))
    written.settle()
    assert written.has(os.path.abspath(name)) == at_once
    return at_once


def _by_descriptor() -> None:
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT | os.O_EXCL))


def _by_a_thread() -> None:
    thread = threading.Thread(target=Path("file").write_text, args=("one",))
    thread.start()
    thread.join()


def _by_copying() -> None:
    _sh("echo theirs > theirs")
    shutil.copy("theirs", "file")


def _atomically() -> None:
    Path("part").write_text("one", encoding="utf-8")
    os.replace("part", "file")


def _by_bytes() -> None:
    with open(os.fsencode(os.path.abspath("file")), "xb"):
        pass


def _by_appending() -> None:
    with open("file", "a", encoding="utf-8") as file:
        file.write("one")


def _in_place() -> None:
    _by_bytes()
    os.truncate("file", 10)
    with open("file", "r+b") as file:
        file.write(b"one")


@pytest.mark.parametrize(
    "write",
    [
        _by_descriptor,
        _by_a_thread,
        _by_copying,
        _atomically,
        _by_bytes,
        _by_appending,
        _in_place,
        lambda: Path("file").write_bytes(bytes(1 << 20)),
    ],
)
def test_what_is_written_in_any_way_is_its_own(written: Written, write: Callable[[], object]) -> None:
    write()
    assert _has(written)
    # Nor is it another's when it is read.
    assert Path("file").read_bytes() is not None
    assert _has(written)


def test_what_a_command_has_made_is_not(written: Written) -> None:
    _sh("echo one > file")
    assert not _has(written)
    _by_appending()
    assert not _has(written)
    Path("file").write_text("all of it", encoding="utf-8")
    assert _has(written)


@pytest.mark.parametrize("size", [3, 1 << 20], ids=["small", "large"])
def test_what_a_command_has_changed_is_not(written: Written, size: int) -> None:
    Path("file").write_bytes(bytes(size))
    assert _has(written)
    _sh("printf more >> file")
    assert not written.has(os.path.abspath("file"))
    # Whatever it is changed back to.
    os.truncate("file", size)
    assert not written.has(os.path.abspath("file"))


def test_what_a_command_has_put_in_its_place_is_not(written: Written) -> None:
    Path("file").write_text("one", encoding="utf-8")
    written.settle()
    _sh("echo other > other")
    os.rename("other", "file")
    assert not _has(written)


def test_what_is_gone_or_no_file_is_not(written: Written) -> None:
    Path("file").write_text("one", encoding="utf-8")
    written.settle()
    os.remove("file")
    assert not written.has(os.path.abspath("file"))
    os.mkfifo("file")
    assert not written.has(os.path.abspath("file"))
    os.close(os.open("file", os.O_RDWR))
    written.settle()
    assert not written.has(os.path.abspath("file"))
    with pytest.raises(OSError, match="Is a directory"):
        os.open(".", os.O_RDWR | os.O_TRUNC)
    written.settle()
    assert not written.has(os.getcwd())


def test_only_the_last_are_known(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_proctape.effects.written.MOST", 3)
    for name in "abcda":
        Path(name).write_text("one", encoding="utf-8")
        written.settle()
    assert [name for name in "abcd" if written.has(os.path.abspath(name))] == ["a", "c", "d"]


def test_an_event_of_somebody_else_s_is_none(written: Written) -> None:
    sys.audit("open")
    sys.audit("open", "file", "w", None)
    sys.audit("open", 3, "w", os.O_WRONLY | os.O_TRUNC)
    sys.audit("os.rename", "file")
    sys.audit("os.rename", b"file", None, -1, -1)
    assert not _has(written)


def test_nobody_else_is_told_of_what_goes_wrong_in_it(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "_opened", None)
    monkeypatch.setattr(written, "_renamed", None)
    _atomically()
    assert Path("file").read_text(encoding="utf-8") == "one"


def _below(written: Written, folder: str, since: int = 0) -> list[str]:
    root = os.getcwd()
    return [os.path.relpath(path, root) for path in written.below(os.path.abspath(folder), since)]


def test_what_lies_below_a_directory_by_name(written: Written) -> None:
    before = written.follow()
    for name in ("in/b", "in/a/c", "in.c", "inner/a", "i", "in0"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("one", encoding="utf-8")
    # Nothing is known of what is new before a command is started.
    assert _below(written, "in") == []
    written.settle()
    after = written.follow()
    assert _below(written, "in") == ["in/a/c", "in/b"]
    assert _below(written, "inner") == ["inner/a"]
    assert _below(written, "in/b") == _below(written, "none") == []
    assert _below(written, "in", before) == ["in/a/c", "in/b"]
    assert _below(written, "in", after) == []

    number = written.number_of(os.path.abspath("in/b"))
    _in_place_of(Path("in/b"))
    written.settle()
    assert _below(written, "in", after) == ["in/b"]
    assert written.number_of(os.path.abspath("in/b")) > after > number > before
    assert written.number_of(os.path.abspath("none")) == 0


def _in_place_of(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"two")


def test_of_those_that_lie_there_only_the_last_are_known(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_proctape.effects.written.MOST", 3)
    for number in range(20):
        Path(f"{number:02}").write_text("one", encoding="utf-8")
        written.settle()
        assert len(written._sorted) <= 6
    assert _below(written, ".") == ["17", "18", "19"]


def test_which_files_are_being_written(written: Written) -> None:
    def told() -> set[str]:
        found = being_written()
        return {name for name in os.listdir() if (os.stat(name).st_dev, os.stat(name).st_ino) in found}

    for name in "abcd":
        Path(name).write_text("one", encoding="utf-8")
    assert told() == set()
    with open("a", "ab"), open("b", "r+b"), open("c", "rb"), open("d", "wb") as last:
        assert told() == {"a", "b", "d"}
        last.close()
        assert told() == {"a", "b"}
    assert told() == set()
