"""Names that differ from run to run: numbered on the tape, bound when the parent says them."""

from __future__ import annotations

import os
import re

import pytest

from pytest_proctape.portable import DRAWN, Holes, Places, rules_from
from pytest_proctape.portable.drawn import Drawn

RULES = rules_from(["uid = /[0-9a-f]{8}/", r"port = /port[= ](\d+)/"], [], [])


def recording() -> Places:
    places = Places(rules=RULES)
    places.capturing = True
    return places


def replaying(**recorded: str) -> Places:
    places = Places(rules=RULES)
    places.names.load({key.replace("_", ":"): value.encode() for key, value in recorded.items()})
    return places


def test_they_are_numbered_as_they_turn_up() -> None:
    places = recording()
    assert places.conceal_text("a 00000001 b 00000002") == "a <uid:1> b <uid:2>"
    assert places.conceal_text("00000002 00000003 port=80") == "<uid:2> <uid:3> port=<port:1>"
    recorded = {"uid:1": b"00000001", "uid:2": b"00000002", "uid:3": b"00000003", "port:1": b"80"}
    assert places.names.recorded == recorded


def test_nothing_is_captured_before_it_is_asked_for() -> None:
    assert Places(rules=RULES).conceal_text("00000001") == "00000001"


def test_a_name_that_is_no_text_stays_as_it_is() -> None:
    places = Places(rules=rules_from([r"odd = /x.y/"], [], []))
    places.capturing = True
    assert places.conceal(b"x\xffy xay") == b"x\xffy <odd:1>"


def test_before_the_parent_has_said_it_the_recorded_one_is_shown() -> None:
    places = replaying(uid_1="00000001")
    assert places.reveal_text("<uid:1> <uid:2>") == "00000001 <uid:2>"


def test_what_the_parent_said_is_shown_from_then_on() -> None:
    places = replaying(uid_1="00000001", uid_2="00000002")
    places.learn("--id=<uid:1>", "--id=abcdef00")
    assert places.reveal_text("<uid:1> <uid:2>") == "abcdef00 00000002"
    places.learn("<uid:1>", "99999999")
    assert places.reveal_text("<uid:1>") == "abcdef00"


@pytest.mark.parametrize(
    "taped, asked, fits",
    [
        ("<uid:1>", "abcdef00", True),
        ("<uid:1>", "no such", False),
        ("<uid:1>/<uid:1>", "abcdef00/abcdef00", True),
        ("<uid:1>/<uid:1>", "abcdef00/abcdef01", False),
        ("<uid:1>/<uid:2>", "abcdef00/abcdef01", True),
        ("port=<port:1>", "port=1", True),
        ("port=<port:1>", "port=", False),
    ],
)
def test_what_can_be_a_name_is_alike(taped: str, asked: str, fits: bool) -> None:
    assert replaying().alike(taped, asked) is fits


def test_a_name_that_is_bound_is_compared() -> None:
    places = replaying()
    places.learn("<uid:1>", "abcdef00")
    assert places.alike("x <uid:1>", "x abcdef00")
    assert not places.alike("x <uid:1>", "x abcdef01")


def test_a_name_with_a_place_and_a_secret_around_it() -> None:
    places = Places({"root": "/r"}, RULES)
    places.learn("<root>/<uid:1>?<redacted>", places.conceal_text("/r/abcdef00?what"))
    assert places.reveal_text("<uid:1>") == "abcdef00"


def test_new_ones_go_on_behind_those_of_the_tape() -> None:
    places = replaying(uid_1="00000001")
    places.learn("<uid:1>", "abcdef00")
    places.capturing = True
    assert places.conceal_text("00000001 abcdef00 00000009") == "<uid:1> <uid:1> <uid:2>"


def test_holes_tell_how_much_they_take() -> None:
    places = replaying()
    holes = places.holes(b"a <uid:1> b\n")
    assert isinstance(holes, Holes)
    assert (holes.head, holes.tail) == (b"a ", b" b\n")
    found = holes.prefix(b"a abcdef00 b\nmore")
    assert found is not None
    assert found[0] == 13
    assert places.holes(b"a <=uid:1> b <root>") is None


def test_what_is_no_text_is_taken_by_a_hole() -> None:
    places = Places()
    assert places.alike("a<redacted>b", "a" + os.fsdecode(b"\xff\n") + "b")


@pytest.mark.parametrize("made", ["tmpab_12xyz", "tmp.aB3dE5gH1j"])
def test_random_names_of_temporary_files_need_no_rule(made: str) -> None:
    here, there = Places({"tempdir": "/tmp"}).copy(), Places({"tempdir": "/var/t"}).copy()
    here.capturing = True
    on_tape = here.conceal_text(f"--out=/tmp/{made}/a /tmp/{made} /tmp/{made}x /tmp/tmpdir")
    assert on_tape.startswith("--out=<tempdir>/<mktemp:1>/a <tempdir>/<mktemp:1> <tempdir>/tmp")
    there.names.load(here.names.recorded)
    assert there.alike("<tempdir>/<mktemp:1>/a", there.conceal_text("/var/t/tmp00000000/a"))
    assert not there.alike("<tempdir>/<mktemp:1>/a", there.conceal_text("/var/t/another/a"))
    there.learn("<tempdir>/<mktemp:1>/a", there.conceal_text("/var/t/tmp00000000/a"))
    assert there.reveal_text("in <tempdir>/<mktemp:1>") == "in /var/t/tmp00000000"


def test_the_random_part_of_a_name_is_told_from_words_by_having_been_drawn() -> None:
    DRAWN.note("cd_34qrs")
    here, there = Places({"tempdir": "/tmp"}).copy(), Places({"tempdir": "/var/t"}).copy()
    here.capturing = True
    said = "/tmp/work-cd_34qrs/a /tmp/cd_34qrs.txt /tmp/work-settings /srv/work-cd_34qrs /tmp/tmpcd_34qrs"
    assert here.conceal_text(said) == (
        "<tempdir>/work-<temp-name:1>/a <tempdir>/<temp-name:1>.txt <tempdir>/work-settings "
        "/srv/work-cd_34qrs <tempdir>/<mktemp:1>"
    )
    there.names.load(here.names.recorded)
    taped = "<tempdir>/work-<temp-name:1>/a"
    assert there.alike(taped, there.conceal_text("/var/t/work-00000000/a"))
    assert not there.alike(taped, there.conceal_text("/var/t/work-0000000/a"))
    assert not there.alike(taped, there.conceal_text("/var/t/play-00000000/a"))
    there.learn(taped, there.conceal_text("/var/t/work-00000000/a"))
    assert there.reveal_text("<tempdir>/<temp-name:1>.txt") == "/var/t/00000000.txt"


def test_of_the_drawn_names_the_last_ones_are_kept() -> None:
    drawn = Drawn()
    assert not drawn
    for number in range(5000):
        drawn.note(f"{number:08}")
    path = re.match(b".*", b"/a0000499900004998/00000001")
    assert path is not None
    assert [one[0] for one in drawn.within(path)] == [b"00004999", b"00004998"]


def test_random_names_elsewhere_need_a_rule() -> None:
    places = Places({"tempdir": "/tmp", "root": "/r"})
    places.capturing = True
    assert places.conceal_text("/r/tmpab_12xyz") == "<root>/tmpab_12xyz"


@pytest.mark.parametrize(
    "said, on_tape",
    [
        ("/tmp/own/tmpab_12xyz/a", "<tmp>/<mktemp:1>/a"),
        ("/tmp/tmpab_12xyz/tmp00000000/tmp.aB3dE5gH1j", "<tempdir>/<mktemp:1>/<mktemp:2>/<mktemp:3>"),
        ("/tmp/a:/srv/tmpab_12xyz", "<tempdir>/a:/srv/tmpab_12xyz"),
        ("/base/0/tmpab_12xyz", "<basetemp>/0/<mktemp:1>"),
        ("/tmp/a b/tmpab_12xyz", "<tempdir>/a b/tmpab_12xyz"),
        ("/tmp/own/my-tmpab_12xyz", "<tmp>/my-tmpab_12xyz"),
    ],
)
def test_random_names_are_captured_wherever_they_are_below_a_temporary_directory(
    said: str, on_tape: str
) -> None:
    places = Places({"tempdir": "/tmp", "basetemp": "/base", "tmp": "/tmp/own"})
    places.capturing = True
    assert places.conceal_text(said) == on_tape
    assert places.reveal_text(on_tape) == said


def test_a_base_below_the_directory_for_temporary_files_is_nothing_more_to_look_for() -> None:
    places = Places({"tempdir": "/tmp"})
    captures = vars(places.names)["_captures"]
    places.add("basetemp", "/tmp/base")
    assert vars(places.names)["_captures"] is captures
