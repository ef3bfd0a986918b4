from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_proctape.tape import hashed_tape_path, tape_path
from pytest_proctape.tape.names import equals, fold

EXAMPLES = settings(max_examples=150)


def digest(nodeid: str) -> str:
    return hashlib.sha256(nodeid.encode()).hexdigest()[:10]


@pytest.mark.parametrize(
    "nodeid, path",
    [
        ("test_a.py::test_x", "test_a/test_x.json"),
        ("tests/test_git.py::TestLog::test_x[a-b]", "tests/test_git/TestLog.test_x[a-b].json"),
        ("tests/test_git.py::TestA::TestB::test_x", "tests/test_git/TestA.TestB.test_x.json"),
        ("a/b/c.py::test_x[1.5-v=2,3+4@5]", "a/b/c/test_x[1.5-v=2,3+4@5].json"),
        (
            "tests/test_\u00e4.py::test_\u00f6[\u6f22\u5b57]",
            "tests/test_\u00e4/test_\u00f6[\u6f22\u5b57].json",
        ),
        ("tests/test_x.py::test_[]", "tests/test_x/test_[].json"),
    ],
)
def test_plain_node_ids_are_their_own_names(nodeid: str, path: str) -> None:
    assert str(tape_path(nodeid)) == path
    assert str(hashed_tape_path(nodeid)) == path.removesuffix(".json") + f"-{digest(nodeid)}.json"


@pytest.mark.parametrize(
    "nodeid, readable",
    [
        ("t.py::test_x[a b]", "t/test_x[a_b]"),
        ("t.py::test_x[a/b]", "t/test_x[a_b]"),
        ("t.py::test_x[../../etc/passwd]", "t/test_x[.._.._etc_passwd]"),
        ("t.py::test_x[a::b]", "t/test_x[a__b]"),
        ("t.py::test_x[\\x00]", "t/test_x[_x00]"),
        ("t.py::test_x[\0\n\t]", "t/test_x[___]"),
        ("t.py::test_x[e\u0301]", "t/test_x[\u00e9]"),
        ("t.py::test_x[\U0001f4fc]", "t/test_x[_]"),
        ("t.py::test_x[\ud800]", "t/test_x[_]"),
        ("src/m.py::pkg.m.func", "src/m/pkg.m.func"),
        ("README.rst::README.rst", "README.rst/README.rst"),
        ("t.py::Con::test_x", "t/_Con.test_x"),
        ("nul.py::test_x", "_nul/test_x"),
        ("a/com1.b/t.py::test_x", "a/_com1.b/t/test_x"),
        ("a./t.py::test_x", "a_/t/test_x"),
        (".git/t.py::test_x", "_git/t/test_x"),
        ("../out/t.py::test_x", "__/out/t/test_x"),
        ("/abs/t.py::test_x", "_/abs/t/test_x"),
        ("a//t.py::test_x", "a/_/t/test_x"),
        ("C:\\a\\t.py::test_x", "C__a_t/test_x"),
        ("_payloads/t.py::test_x", "_payloads_/t/test_x"),
        ("_Payloads.py::test_x", "_Payloads_/test_x"),
        ("a.json.py::test_x", "a.json_/test_x"),
        ("t.py", "t/_"),
        ("t.py::", "t/_"),
        ("", "_/_"),
        ("t.py::test_x-0123456789", "t/test_x-0123456789"),
        ("t.yaml::case", "t.yaml/case"),
    ],
)
def test_what_a_path_cannot_say_is_hashed(nodeid: str, readable: str) -> None:
    expected = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    assert str(tape_path(nodeid)) == f"{readable}-{expected}.json"
    assert tape_path(nodeid) == hashed_tape_path(nodeid)


@pytest.mark.parametrize("letter", ["x", "\u00e4", "\u6f22"])
def test_long_names_are_cut_at_a_character(letter: str) -> None:
    nodeid = f"t.py::test_x[{letter * 300}]"
    path = tape_path(nodeid)
    assert path.name.endswith(f"-{digest(nodeid)}.json")
    assert path.name.startswith(f"test_x[{letter * 30}")
    assert 115 <= len(path.name.removesuffix(".json").encode()) <= 120


def test_the_longest_name_that_is_kept_has_120_bytes() -> None:
    fits, too_long = "t.py::" + "x" * 120, "t.py::" + "x" * 121
    assert tape_path(fits).name == "x" * 120 + ".json"
    assert tape_path(too_long).name == "x" * 109 + f"-{digest(too_long)}.json"


def test_long_folders_are_cut_too() -> None:
    one, two = (f"{'d' * 200}{i}/t.py::test_x" for i in range(2))
    assert len(tape_path(one).parts[0]) == 120
    assert tape_path(one) != tape_path(two)


PARTS = st.text(st.characters(codec="utf-8") | st.sampled_from(list("/:.[] \\-_aA")), max_size=12)
NODEIDS = st.builds("{}.py::{}".format, PARTS, PARTS) | PARTS


@given(NODEIDS)
@example("..")
@example("../..::..")
@example("/")
@example("a/../../b.py::c")
@EXAMPLES
def test_no_node_id_leaves_the_directory_or_breaks_a_checkout(nodeid: str) -> None:
    for path in (tape_path(nodeid), hashed_tape_path(nodeid)):
        assert not path.is_absolute()
        assert path.suffix == ".json"
        assert path == PurePosixPath(str(path))
        for part in path.parts:
            assert not re.search(r'[\x00-\x1f<>:"/\\|?*~ ]', part)
            assert not part.startswith(".")
            assert not part.endswith((".", " "))
            assert len(part.encode()) <= 125
            assert part == unicodedata.normalize("NFC", part)
            stem = part.partition(".")[0].upper()
            assert stem not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
        assert path.parts[0].lower() != "_payloads"


@given(st.lists(NODEIDS, min_size=2, max_size=2, unique=True))
@example(["a.py::b.c", "a.py::b::c"])
@example(["a.py::b[x y]", "a.py::b[x_y]"])
@example(["a::b", "a.py::b"])
@example(["a/b.py::c", "a.py::b/c"])
@example(["a.py::e\u0301", "a.py::\u00e9"])
@example(["a.py::b[x y]", f"a.py::b[x_y]-{digest('a.py::b[x y]')}"])
@EXAMPLES
def test_two_node_ids_never_meet(nodeids: list[str]) -> None:
    one, two = nodeids
    assert tape_path(one) != tape_path(two)
    assert hashed_tape_path(one) != hashed_tape_path(two)
    assert tape_path(one) != hashed_tape_path(two)


def test_fold_is_blind_to_case_and_form() -> None:
    assert fold("Test_A") == fold("test_a")
    assert fold("\u00c4") == fold("a\u0308")
    assert fold("stra\u00dfe") == fold("STRASSE")
    assert fold("\u212a") == fold("k"), "the Kelvin sign"
    assert fold("a") != fold("b")


def test_what_is_one_file_where_case_makes_no_difference() -> None:
    names = ["A.json", "a.json", "b.json", "\u00c4.json", "a\u0308.json", "\u212a.json"]
    for name in [*names, "B.json", "k.json"]:
        assert equals(name, names) == [one for one in names if fold(one) == fold(name)]
