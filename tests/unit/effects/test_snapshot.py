"""Looks: what lies between two of them is found, however little was looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_proctape.effects import Roots, snapshot
from pytest_proctape.effects.roots import Root
from pytest_proctape.effects.stamp import stamp

from .watching import Watched


def test_a_second_command_is_seen_beside_what_is_known_from_the_first(watched: Watched) -> None:
    (watched.folder / "d").mkdir()
    (watched.folder / "d/own").write_text("x")

    assert watched.sh("echo a > d/a") == {"d/a": "file"}
    assert watched.sh("echo more >> d/a; rm d/own") == {"d/a": "file", "d/own": "gone"}
    assert watched.sh("true") == {}
    assert watched.sh("mv d/a b; rmdir d") == {"b": "same_as", "d": "gone", "d/a": "gone"}
    assert watched.sh("rm b") == {"b": "gone"}


def test_what_the_test_does_between_two_commands_is_of_neither(watched: Watched) -> None:
    folder = watched.folder
    assert watched.sh("mkdir d; echo a > d/a; echo b > d/b") == {
        "d": "directory",
        "d/a": "file",
        "d/b": "file",
    }
    (folder / "d/own").write_text("mine")
    (folder / "d/a").write_text("mine, too")
    os.remove(folder / "d/b")
    os.mkdir(folder / "e")
    os.rename(folder / "d/a", folder / "e/a")

    assert watched.sh("echo > c") == {"c": "file"}
    assert watched.sh("rm d/own e/a") == {"d/own": "gone", "e/a": "gone"}


def test_what_the_test_wrote_is_what_a_command_found(watched: Watched) -> None:
    watched.sh("echo a > a")
    (watched.folder / "a").write_text("another")

    (effect,) = (one for one in watched.effects("echo b > a") if one.kind == "file")

    assert effect.was is not None
    assert effect.was.startswith("file")
    assert "taped" not in effect.was


def test_a_file_with_an_old_time_takes_the_place_of_another(watched: Watched) -> None:
    (watched.folder / "d").mkdir()
    (watched.folder / "d/a").write_text("one")
    (watched.folder / "d/b").write_text("two")
    os.utime(watched.folder / "d/b", ns=(0, 0))
    watched.sh("true")

    assert watched.sh("mv d/b d/a") == {"d/a": "same_as", "d/b": "gone"}


def test_a_directory_that_goes_takes_along_what_is_below_it(watched: Watched) -> None:
    os.makedirs(watched.folder / "d/e")
    (watched.folder / "d/e/f").write_text("x")
    watched.sh("true")

    assert watched.sh("rm -r d") == {"d": "gone", "d/e": "gone", "d/e/f": "gone"}
    assert watched.sh("mkdir d") == {"d": "directory"}


def test_a_watched_directory_itself_can_go_and_come_back(watched: Watched) -> None:
    (watched.folder / "a").write_text("x")

    assert watched.sh('rm -r "$PWD"') == {"": "gone", "a": "gone"}
    watched.folder.mkdir()
    assert watched.sh("echo b > b") == {"b": "file"}


def test_two_roots_in_one_directory_see_each_their_own(watched: Watched) -> None:
    folder = watched.folder
    roots = Roots()
    roots.choose("*.a", str(folder))
    roots.choose("*.b", str(folder))
    both = Watched(folder, roots)
    for name in ("x.a", "x.b", "x.c"):
        (folder / name).write_text("x")
    both.sh("true")

    assert both.sh("rm x.*; echo > y.a; echo > y.b; echo > y.c") == {
        "x.a": "gone",
        "x.b": "gone",
        "y.a": "file",
        "y.b": "file",
    }
    both.watch.end()


def test_a_directory_in_which_nothing_was_made_is_listed_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("d", "e"):
        (watched.folder / name).mkdir()
        (watched.folder / name / "a").write_text("x")
    listed: list[str] = []
    entries = snapshot._entries

    def noted(roots: Roots, root: Root, path: str) -> list[os.DirEntry[str]]:
        listed.append(os.path.basename(path))
        return entries(roots, root, path)

    watched.sh("true")
    monkeypatch.setattr(snapshot, "_entries", noted)

    assert watched.sh("echo more >> d/a") == {"d/a": "file"}
    assert listed == []
    assert watched.sh("echo b > e/b") == {"e/b": "file"}
    assert set(listed) == {"e"}


def test_a_stamp_leaves_a_directory_as_it_is(tmp_path: Path) -> None:
    before = tmp_path.stat()

    stamped_ns = stamp(str(tmp_path))

    assert stamped_ns >= before.st_ctime_ns
    assert tmp_path.stat().st_mtime_ns == before.st_mtime_ns
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_nameless_files_tells_its_time_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_proctape.effects.stamp._NAMELESS", 0)
    before = tmp_path.stat()

    assert stamp(str(tmp_path)) >= before.st_ctime_ns
    assert tmp_path.stat().st_mtime_ns == before.st_mtime_ns


def test_without_nameless_files_commands_are_seen_as_well(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_proctape.effects.stamp._NAMELESS", 0)
    watched.sh("true")

    assert watched.effects("true") == ()
    assert watched.sh("echo a > a") == {"a": "file"}
