"""What differs between the files of a tape and those of a real command: pure."""

from __future__ import annotations

import pytest

from pytest_proctape.session.drift_files import FileChange, file_changes, made_by, without_shared
from pytest_proctape.session.sides import Normaliser
from pytest_proctape.tape import Content, End, FileEffect, Script
from pytest_proctape.tape.script import Effects

NOW_NS = 10**18
YEAR_NS = 365 * 86400 * 10**9


def played(*looks: tuple[FileEffect, ...]) -> Script:
    return Script(tuple(Effects(files) for files in looks), End(0), began_ns=NOW_NS)


def file(path: str = "a", data: bytes = b"x\n", mode: int | None = 0o644, **fields: object) -> FileEffect:
    return FileEffect(path, "file", Content.of(data), mode=mode, **fields)  # type: ignore[arg-type]


def changes(old: Script, new: Script, *patterns: str) -> list[tuple[str, str, str, str, int]]:
    rules = Normaliser(patterns)
    found = file_changes(made_by(old, rules), made_by(new, rules), rules)
    return [(one.path, one.field, one.tape, one.now, one.line) for one in found]


def test_what_came_of_it_counts_and_not_in_how_many_looks_it_was_seen() -> None:
    at_once = played((file(data=b"2\n", mode=0o600),))
    bit_by_bit = played(
        (file(data=b"1\n"), file("b")),
        (file(data=b"2\n", was="taped"), FileEffect("b", "gone", was="taped")),
        (FileEffect("a", "kept", mode=0o600),),
    )
    assert changes(at_once, bit_by_bit) == []
    assert changes(bit_by_bit, played()) == [("a", "file", "a file, 2 bytes", "(nothing)", 0)]


def test_a_file_that_was_there_before_is_left_as_it_was() -> None:
    gone = FileEffect("a", "gone", was="file")
    assert changes(played(), played((gone,))) == [("a", "file", "(left as it was)", "removed", 0)]


def test_times_count_where_a_command_set_them() -> None:
    old = file(mtime_ns=NOW_NS - YEAR_NS)
    assert changes(played((old,)), played((file(mtime_ns=NOW_NS + 5, by_clock=True),))) == [
        ("a", "modification time", "2000-09-09T01:46:40Z", "(that of the moment)", 0)
    ]
    assert changes(played((file(mtime_ns=NOW_NS - 5),)), played((file(mtime_ns=NOW_NS + 5),))) == []
    touched = FileEffect("a", "kept", mtime_ns=NOW_NS, by_clock=True)
    assert changes(played(), played((touched,))) == []


def test_names_that_are_volatile_are_paired() -> None:
    old, new = played((file("t1", b"1"), file("t2", b"2"))), played((file("t7", b"1"), file("t8", b"3")))
    assert len(changes(old, new)) == 4
    assert changes(old, new, r"t\d") == [("t2", "content", "'2'", "'3'", 1)] or changes(old, new, r"t\d") == [
        ("t2", "content", "2", "3", 1)
    ]


def test_what_large_files_hold_is_told_by_their_hashes() -> None:
    large = b"x" * (9 << 20)
    told = changes(played((file(data=large),)), played((file(data=large + b"y"),)))
    assert [one[3].partition(", SHA-256 ")[0] for one in told] == ["9,437,185 bytes"]


LINK = FileEffect("a", "link", target="b")
NAME = FileEffect("a", "same_as", target="b")
MODE = FileEffect("a", "kept", mode=0o640)
TOUCHED = FileEffect("a", "kept", mtime_ns=NOW_NS - YEAR_NS)
FOLDER = FileEffect("a", "directory")
GONE = FileEffect("a", "gone", was="file")


@pytest.mark.parametrize(
    "effect, told, absent",
    [
        (file(), "a file, 2 bytes", "(nothing)"),
        (file(data=b"x"), "a file, 1 byte", "(nothing)"),
        (
            file(size=1_048_576, parts=((0, 1), (9, 1))),
            "a file, 1,048,576 bytes, written in 2 parts",
            "(nothing)",
        ),
        (file(was="taped"), "a file, 2 bytes", "(left as it was)"),
        (LINK, "a link to b", "(nothing)"),
        (NAME, "another name of b", "(nothing)"),
        (FOLDER, "a directory", "(nothing)"),
        (GONE, "removed", "(left as it was)"),
        (MODE, "mode 640", "(left as it was)"),
        (TOUCHED, "modification time 2000-09-09T01:46:40Z", "(left as it was)"),
    ],
)
def test_what_is_one_too_many_or_missing(effect: FileEffect, told: str, absent: str) -> None:
    assert changes(played((effect,)), played()) == [("a", "file", told, absent, 0)]
    assert changes(played(), played((effect,))) == [("a", "file", absent, told, 0)]


def test_another_kind_is_all_that_is_told_of_it() -> None:
    assert changes(played((file(),)), played((LINK,))) == [("a", "kind", "a file, 2 bytes", "a link to b", 0)]
    assert changes(played((NAME,)), played((GONE,))) == [("a", "kind", "another name of b", "removed", 0)]


def test_another_extent_is_told_before_what_is_in_it() -> None:
    old = file(data=b"ab", size=9, parts=((0, 1), (8, 1)))
    new = file(data=b"xy", size=10, parts=((0, 1), (9, 1)))
    told = [("a", "content", "9 bytes, written in 2 parts", "10 bytes, written in 2 parts", 0)]
    assert changes(played((old,)), played((new,))) == told
    assert changes(played((old,)), played((old.but(content=Content.of(b"xy")),)))[0][4] == 1


@pytest.mark.parametrize(
    "old, new, told",
    [
        (b"ab\xff", b"ab\xfe", ("3 bytes, from byte 2 on ff", "3 bytes, from byte 2 on fe")),
        (b"a\0", b"a\0b", ("2 bytes, from byte 2 on (nothing)", "3 bytes, from byte 2 on 62")),
        (b"text", b"te\xfft", ("4 bytes, from byte 2 on 78 74", "4 bytes, from byte 2 on ff 74")),
        (
            b"\0" + b"a" * 20,
            b"\1" + b"a" * 20,
            ("21 bytes, from byte 0 on 00" + " 61" * 7, "21 bytes, from byte 0 on 01" + " 61" * 7),
        ),
    ],
)
def test_what_is_no_text_is_told_in_bytes(old: bytes, new: bytes, told: tuple[str, str]) -> None:
    assert changes(played((file(data=old),)), played((file(data=new),))) == [("a", "content", *told, 0)]


def test_a_mode_that_one_side_left_alone() -> None:
    old, new = file(mode=0o600), file(mode=None)
    assert changes(played((old,)), played((new,))) == [("a", "mode", "600", "(left as it was)", 0)]


def test_a_file_that_another_command_of_the_same_time_has_made_is_no_drift() -> None:
    missing = FileChange("a", "file", "a file, 2 bytes", "(nothing)")
    extra = FileChange("a", "file", "(nothing)", "a file, 2 bytes")
    assert list(without_shared([(0, missing, True), (1, extra, True)])) == []
    assert list(without_shared([(0, missing, False), (1, extra, False)])) == [(0, missing), (1, extra)]
    # Two that miss it are no two halves of one thing.
    assert list(without_shared([(0, missing, True), (1, missing, True)])) == [(0, missing), (1, missing)]
    other = FileChange("a", "file", "(nothing)", "a file, 3 bytes")
    assert list(without_shared([(0, missing, True), (1, other, True)])) == [(0, missing), (1, other)]
    elsewhere = FileChange("b", "file", extra.tape, extra.now)
    assert list(without_shared([(0, missing, True), (1, elsewhere, True)])) == [(0, missing), (1, elsewhere)]
