"""Files put in their places: what is in the way is told, and nothing outside the roots is ever touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.effects import InTheWayError, OutsideError, Roots, apply
from pytest_proctape.tape import Content, FileEffect


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("mine")
    return folder


def same(data: bytes) -> bytes:
    return data


def put(root: Path, *files: FileEffect) -> None:
    roots = Roots(never=[str(root / "tapes")])
    roots.add(str(root))
    apply(files, roots, same)


def file(path: Path, data: bytes = b"new", **more: Any) -> FileEffect:
    return FileEffect(str(path), "file", content=Content.of(data), mode=0o644, **more)


def test_a_file_gets_its_bytes_mode_and_time(root: Path) -> None:
    put(root, FileEffect(str(root / "a"), "file", Content.of(b"\0x"), mode=0o751, mtime_ns=10**18 + 7))

    assert (root / "a").read_bytes() == b"\0x"
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o751
    assert (root / "a").stat().st_mtime_ns == 10**18 + 7


def test_a_file_that_is_there_already_is_left_alone(root: Path) -> None:
    (root / "a").write_bytes(b"new")
    inode = (root / "a").stat().st_ino

    put(root, file(root / "a"))

    assert (root / "a").stat().st_ino == inode


@pytest.mark.parametrize(
    "was, told",
    [(None, ("nothing", "a file of 3 bytes")), ("file 0123456789abcdef", None), ("directory", None)],
)
def test_something_else_in_the_way_is_told_and_nothing_is_done(
    root: Path, was: str | None, told: Any
) -> None:
    (root / "b").write_bytes(b"old")

    with pytest.raises(InTheWayError) as caught:
        put(root, file(root / "a"), file(root / "b", was=was))

    assert caught.value.path == str(root / "b")
    if told:
        assert (caught.value.expected, caught.value.actual) == told
    assert sorted(os.listdir(root)) == ["b"]
    assert (root / "b").read_bytes() == b"old"


def test_what_is_to_be_removed_has_to_be_what_it_was(root: Path) -> None:
    (root / "d").mkdir()
    (root / "d/kept").write_bytes(b"")

    with pytest.raises(InTheWayError) as caught:
        put(root, FileEffect(str(root / "d"), "gone", was="directory"))

    assert caught.value.path == str(root / "d/kept")
    assert (root / "d/kept").exists()


def test_a_file_is_written_anew_in_place_or_replaced(root: Path) -> None:
    (root / "a").write_bytes(b"old")
    with (root / "a").open("rb") as old:
        put(root, file(root / "a", b"newer", was="file", in_place=True))
        assert old.read() == b"newer"
    with (root / "a").open("rb") as old:
        put(root, file(root / "a", b"newest", was="file"))
        assert old.read() == b"newer"

    assert (root / "a").read_bytes() == b"newest"


def test_a_file_with_holes_takes_no_room(root: Path) -> None:
    content = Content.of(b"x" * 4096)
    put(
        root, FileEffect(str(root / "a"), "file", content, size=1 << 30, parts=((1 << 20, 4096),), mode=0o644)
    )

    status = (root / "a").stat()
    assert (status.st_size, status.st_blocks < 1000) == (1 << 30, True)


def test_a_moved_file_keeps_its_bytes_which_are_on_no_tape(root: Path) -> None:
    (root / "a").write_bytes(b"from here")
    put(
        root,
        FileEffect(str(root / "a"), "gone", was="file"),
        FileEffect(str(root / "d"), "directory", mode=0o755),
        FileEffect(str(root / "d/b"), "same_as", target=str(root / "a")),
        FileEffect(str(root / "d/c"), "same_as", target=str(root / "d/b")),
    )

    assert sorted(os.listdir(root)) == ["d"]
    assert (root / "d/b").read_bytes() == b"from here"
    assert (root / "d/b").stat().st_ino == (root / "d/c").stat().st_ino


# -- tapes that mean harm ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["{outside}/x", "{root}/../outside/x", "{root}//x", "x", "{root}/a/./b", "/"]
)
def test_a_path_outside_the_roots_is_refused(root: Path, outside: Path, path: str) -> None:
    with pytest.raises(OutsideError):
        put(
            root, FileEffect(path.format(root=root, outside=outside), "file", Content.of(b"evil"), mode=0o644)
        )

    assert sorted(os.listdir(outside)) == ["secret"]


def test_nothing_is_put_through_a_link(root: Path, outside: Path) -> None:
    (root / "out").symlink_to(outside)

    with pytest.raises(OutsideError, match="leads through"):
        put(root, file(root / "out/x"))
    with pytest.raises(OutsideError):
        put(root, FileEffect(str(root / "out/secret"), "gone", was="file"))

    assert sorted(os.listdir(outside)) == ["secret"]


def test_a_tape_can_not_lay_the_link_first(root: Path, outside: Path) -> None:
    put(root, FileEffect(str(root / "out"), "link", target=str(outside)))

    with pytest.raises(OutsideError):
        put(root, file(root / "out/x"))
    with pytest.raises(InTheWayError):
        put(root, FileEffect(str(root / "l2"), "link", target=str(outside)), file(root / "l2/x"))

    assert sorted(os.listdir(outside)) == ["secret"]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_link_at_the_path_itself_is_not_followed(root: Path, outside: Path, in_place: bool) -> None:
    (root / "out").symlink_to(outside / "secret")

    with pytest.raises(InTheWayError):
        put(root, file(root / "out", was="file", in_place=in_place))
    put(root, FileEffect(str(root / "out"), "kept", mode=0o777, mtime_ns=5, was="link"))

    assert (outside / "secret").read_text() == "mine"
    assert stat.S_IMODE((outside / "secret").stat().st_mode) != 0o777
    assert (outside / "secret").stat().st_mtime_ns != 5


def test_a_further_name_of_a_file_outside_is_refused(root: Path, outside: Path) -> None:
    with pytest.raises(OutsideError):
        put(root, FileEffect(str(root / "a"), "same_as", target=str(outside / "secret")))

    assert os.listdir(root) == []


def test_nobody_writes_to_the_tapes(root: Path) -> None:
    (root / "tapes").mkdir()

    with pytest.raises(OutsideError):
        put(root, file(root / "tapes/x.json"))

    assert os.listdir(root / "tapes") == []


def test_parts_that_do_not_fit_the_content_are_refused(root: Path) -> None:
    with pytest.raises(OutsideError, match="parts"):
        put(
            root, FileEffect(str(root / "a"), "file", Content.of(b"x"), size=100, parts=((0, 9),), mode=0o644)
        )


def test_a_watched_directory_that_becomes_a_link_leads_nowhere(root: Path, outside: Path) -> None:
    put(root, FileEffect(str(root), "link", target=str(outside), was="directory"))
    assert root.is_symlink()

    with pytest.raises(OutsideError, match="leads through"):
        put(root, file(root / "x"))
    with pytest.raises(OutsideError, match="leads through"):
        put(root, FileEffect(str(root / "secret"), "gone", was="file"))

    assert sorted(os.listdir(outside)) == ["secret"]


def test_a_root_below_another_is_reached_from_the_outer_one(root: Path, outside: Path) -> None:
    roots = Roots()
    roots.choose("*", str(root))
    roots.choose("a/b", str(root))
    apply([FileEffect(str(root / "a"), "link", target=str(outside))], roots, same)

    with pytest.raises(OutsideError, match="leads through"):
        apply([file(root / "a/b")], roots, same)

    assert sorted(os.listdir(outside)) == ["secret"]


def test_a_further_name_is_not_taken_through_a_link(root: Path, outside: Path) -> None:
    (root / "out").symlink_to(outside)

    with pytest.raises(OutsideError, match="leads through"):
        put(root, file(root / "0"), FileEffect(str(root / "a"), "same_as", target=str(root / "out/secret")))

    assert os.listdir(root) == ["out"]


def test_a_link_gets_no_further_name(root: Path, outside: Path) -> None:
    (root / "out").symlink_to(outside / "secret")

    with pytest.raises(InTheWayError):
        put(root, FileEffect(str(root / "a"), "same_as", target=str(root / "out")))
    with pytest.raises(OutsideError, match="no file"):
        put(
            root,
            FileEffect(str(root / "b"), "link", target=str(outside / "secret")),
            FileEffect(str(root / "c"), "same_as", target=str(root / "b")),
        )

    assert os.listdir(root) == ["out"]


def test_two_effects_on_one_path_are_refused(root: Path, outside: Path) -> None:
    with pytest.raises(OutsideError, match="two effects"):
        put(
            root,
            FileEffect(str(root / "a"), "directory", mode=0o755),
            FileEffect(str(root / "a"), "link", target=str(outside)),
            file(root / "a/x"),
        )

    assert os.listdir(root) == []


@pytest.mark.parametrize(
    "effect",
    [
        FileEffect("{root}/\ud800", "file", Content.of(b"")),
        FileEffect("{root}/a\0", "file", Content.of(b"")),
        FileEffect("{root}/a", "link", target="\ud800"),
        FileEffect("{root}/a", "link", target="x\0"),
        FileEffect("{root}/a", "link", target=""),
        FileEffect("{root}/a", "file", Content.of(b""), mtime_ns=1 << 63),
        FileEffect("{root}/a", "same_as", target="{root}/../outside/secret"),
        FileEffect("{root}/a", "same_as", target="secret"),
    ],
)
def test_what_no_file_can_be_is_refused_before_anything_is_done(
    root: Path, outside: Path, effect: FileEffect
) -> None:
    named = effect.but(path=effect.path.format(root=root), target=effect.target.format(root=root))

    with pytest.raises(OutsideError):
        put(root, file(root / "0"), named)

    assert os.listdir(root) == []


def test_a_size_that_no_file_has_is_an_error_of_the_system(root: Path) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - each system has its own words
        put(root, file(root / "a", b"", size=-1))

    assert caught.value.filename == str(root / "a")
    assert os.listdir(root) == []


def test_the_hard_link_of_a_file_outside_is_not_written_to_but_in_place(root: Path, outside: Path) -> None:
    os.link(outside / "secret", root / "a")

    put(root, file(root / "a", was="file"))

    assert (outside / "secret").read_text() == "mine"
    assert (root / "a").read_bytes() == b"new"


def test_nothing_stays_behind_of_what_the_system_refused(root: Path) -> None:
    (root / "a").write_text("old")

    with pytest.raises(OSError):  # noqa: PT011 - each system has its own words
        put(root, file(root / "a", b"", was="file", size=-1))

    assert os.listdir(root) == ["a"]
    assert (root / "a").read_text() == "old"
