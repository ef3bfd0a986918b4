"""The watch: limits, outputs of commands, what can't be kept, and looks while a command goes on."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pytest_proctape.clock import REAL
from pytest_proctape.effects import Roots, regular_files
from pytest_proctape.effects.stamp import stamp

from .watching import Watched


def test_more_than_the_limit_is_refused_and_the_biggest_are_named(tmp_path: Path) -> None:
    watched = Watched(tmp_path, limit=1000)
    try:
        assert watched.sh("head -c 600 /dev/zero > a") == {"a": "file"}
        assert watched.sh("for i in 1 2 3 4 5 6; do head -c 10$i /dev/zero > $i; done; echo > b") == {}
    finally:
        watched.watch.end()

    (error,) = watched.refused
    told = str(error)
    places = [told.index(str(tmp_path / name)) for name in ("a", "6", "5", "4", "3")]
    assert places == sorted(places)
    assert str(tmp_path / "2") not in told


def test_holes_and_further_names_take_no_room(tmp_path: Path) -> None:
    watched = Watched(tmp_path, limit=1 << 20)
    try:
        assert watched.sh("truncate -s 64M hole; head -c 700000 /dev/zero > a; ln a b; cp -l a c") == {
            "hole": "file",
            "a": "file",
            "b": "same_as",
            "c": "same_as",
        }
    finally:
        watched.watch.end()
    assert watched.refused == []


def test_a_file_that_changes_again_counts_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path, limit=1000)
    try:
        for _ in range(3):
            assert watched.sh("head -c 600 /dev/urandom > a") == {"a": "file"}
    finally:
        watched.watch.end()
    assert watched.refused == []


def test_what_an_output_is_led_into_is_no_effect_until_the_command_is_over(watched: Watched) -> None:
    with (watched.folder / "out").open("wb") as out:
        outputs = regular_files([out.fileno(), -1])
        since_ns = watched.watch.before_spawn(outputs)
        subprocess.run(["sh", "-c", "echo said; echo a > a"], cwd=watched.folder, stdout=out, check=True)
        effects = watched.watch.look(since_ns)
        watched.watch.forget_outputs(outputs)

    assert {os.path.basename(one.path) for one in effects if one.kind == "file"} == {"a"}
    assert watched.sh("echo more >> out") == {"out": "file"}


def test_only_regular_files_are_outputs(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with (tmp_path / "a").open("wb") as file:
        status = os.fstat(file.fileno())
        assert regular_files([reader, writer, file.fileno(), 1 << 20]) == [(status.st_dev, status.st_ino)]
    os.close(reader)
    os.close(writer)


def test_a_look_between_sees_what_is_there_and_the_next_one_the_rest(watched: Watched) -> None:
    since_ns = watched.watch.before_spawn([])
    with subprocess.Popen(
        ["sh", "-c", "echo a > a; echo; read go; echo more >> a; echo b > b"],
        cwd=watched.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        first = watched.watch.look(since_ns, between=True)
        assert watched.watch.look(since_ns, between=True) == ()
        child.communicate(b"\n")
    second = watched.watch.look(since_ns)

    assert [os.path.basename(one.path) for one in first if one.kind == "file"] == ["a"]
    assert [os.path.basename(one.path) for one in second if one.kind == "file"] == ["a", "b"]
    assert [one.was for one in second if one.path.endswith("/a")] == ["file taped"]


def test_what_no_tape_can_have_is_named(watched: Watched) -> None:
    # Root reads everything, and others make no devices.
    command = "mknod a c 1 3" if os.geteuid() == 0 else "echo a > a; chmod 0 a"
    try:
        effects = watched.sh(command)
    except subprocess.CalledProcessError:
        pytest.skip("no device can be made here")

    assert effects == {}
    assert watched.watch.notes == [f"{watched.folder / 'a'} could not be kept"]


def test_sockets_and_pipes_are_names(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        watched = Watched(Path(folder))
        try:
            assert watched.sh("mkfifo p") == {"p": "fifo"}
            # By a short name: the system takes none that is much longer than a hundred bytes.
            code = "import socket; socket.socket(socket.AF_UNIX).bind('s')"
            since_ns = watched.watch.before_spawn([])
            subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
            effects = {one.path: one.kind for one in watched.watch.look(since_ns)}
        finally:
            watched.watch.end()

    assert effects[f"{folder}/s"] == "socket"


def test_a_glob_keeps_the_way_to_what_it_means(tmp_path: Path) -> None:
    roots = Roots()
    roots.choose("**/*.o", str(tmp_path))
    watched = Watched(tmp_path, roots)
    try:
        assert watched.sh("mkdir -p d/e f; echo > d/e/a.o; echo > d/e/a.c; echo > f/a.c") == {
            "d": "directory",
            "d/e": "directory",
            "d/e/a.o": "file",
        }
    finally:
        watched.watch.end()


class StandingClock:
    """A file system's clock that stands still from the first question on.

    Attributes:
        asked: how often it was asked.
        moved: it was found to have gone on.
    """

    def __init__(self, for_ns: float) -> None:
        self.asked = 0
        self.moved = False
        self._for_ns = for_ns
        self._until_ns = 0.0
        self._stood_ns = 0

    def stamp(self, folder: str) -> int:
        """As the one of :mod:`~pytest_proctape.effects.stamp`."""
        self.asked += 1
        if not self._stood_ns:
            self._stood_ns = stamp(folder)
            self._until_ns = REAL.monotonic_ns() + self._for_ns
        if REAL.monotonic_ns() < self._until_ns:
            return self._stood_ns
        self.moved = True
        return stamp(folder)


def test_a_clock_that_stands_still_for_a_while_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StandingClock(80_000_000)
    monkeypatch.setattr("pytest_proctape.effects.watch.stamp", clock.stamp)
    monkeypatch.setattr("pytest_proctape.effects.snapshot.SMALL", 0)
    (tmp_path / "a").touch()
    watched = Watched(tmp_path)
    try:
        watched.watch.before_spawn([])
    finally:
        watched.watch.end()
    # What the command does now has another time than what the test did.
    assert clock.moved


def test_a_clock_that_never_goes_on_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StandingClock(math.inf)
    monkeypatch.setattr("pytest_proctape.effects.watch.stamp", clock.stamp)
    monkeypatch.setattr("pytest_proctape.effects.watch._STILL_NS", 300_000_000)
    monkeypatch.setattr("pytest_proctape.effects.snapshot.SMALL", 0)
    (tmp_path / "a").touch()
    watched = Watched(tmp_path)
    began_ns = REAL.monotonic_ns()
    try:
        watched.watch.before_spawn([])
        assert REAL.monotonic_ns() - began_ns >= 300_000_000
        before = clock.asked
        watched.watch.before_spawn([])
    finally:
        watched.watch.end()
    # In 20 ms, half a millisecond each, and those of the look itself.
    assert clock.asked - before <= 44
