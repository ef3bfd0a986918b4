"""Placeholders: what leaves for the tape comes back as it was, on this machine and as another's on that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.portable import NAMES, Places
from pytest_proctape.portable.rules import rules_from
from pytest_proctape.portable.tokens import WRITINGS

HERE = {
    "tmp": "/x/base/test_a0",
    "basetemp": "/x/base",
    "root": "/srv/repo",
    "home": "/home/me",
    "python": "/venv/bin/python",
}


@pytest.fixture
def places() -> Places:
    return Places(HERE)


@pytest.mark.parametrize(
    "text, on_tape",
    [
        ("/x/base/test_a0", "<tmp>"),
        ("/x/base/test_a0/file", "<tmp>/file"),
        ("/x/base/test_b0/file", "<basetemp>/test_b0/file"),
        ("a /x/base/test_a0 b", "a <tmp> b"),
        ("/x/base/test_a0:/home/me/bin", "<tmp>:<home>/bin"),
        ("--file=/srv/repo/a", "--file=<root>/a"),
        ("-I/srv/repo/a", "-I<root>/a"),
        ("file:///srv/repo/a", "file://<root>/a"),
        ('"/srv/repo"', '"<root>"'),
        ("(/srv/repo)", "(<root>)"),
        ("/srv/repo.", "<root>."),
        ("/srv/repo,/srv/repo", "<root>,<root>"),
        ("/venv/bin/python -m x", "<python> -m x"),
    ],
)
def test_a_path_of_this_machine_leaves_as_a_placeholder(places: Places, text: str, on_tape: str) -> None:
    assert places.conceal_text(text) == on_tape
    assert places.reveal_text(on_tape) == text


@pytest.mark.parametrize(
    "text",
    [
        "/srv/repository",
        "/srv/repo-2",
        "/srv/repo.git",
        "/srv/repo_old",
        "/other/srv/repo",
        "./srv/repo",
        "x/srv/repo",
        "/venv/bin/python3",
        "/venv/bin/python3.12",
        "/x/based",
        "/x/base/test_a01"[:-1] + "x",
        "",
        "/",
    ],
)
def test_what_only_looks_alike_stays(places: Places, text: str) -> None:
    on_tape = places.conceal_text(text)
    assert places.reveal_text(on_tape) == text
    assert "<root>" not in on_tape
    assert "<python>" not in on_tape
    assert "<tmp>" not in on_tape


@pytest.mark.parametrize("name", NAMES)
def test_a_placeholder_in_the_text_itself_is_escaped(places: Places, name: str) -> None:
    for text in (f"<{name}>", f"<={name}>", f"<=={name}>", f"<{name}>/<{name}>", f"<<{name}>>"):
        on_tape = places.conceal_text(text)
        assert places.reveal_text(on_tape) == text
    assert places.conceal_text(f"<{name}>") == f"<={name}>"


def test_what_is_no_name_is_not_escaped(places: Places) -> None:
    for text in ("<a>", "<TMP>", "< tmp>", "<tmp", "tmp>", "<>", "<=>", "<html>"):
        assert places.conceal_text(text) == text
        assert places.reveal_text(text) == text


def test_another_machine_puts_its_own_values_in(places: Places) -> None:
    there = Places({"tmp": "/private/var/t", "home": "/Users/you"})
    on_tape = places.conceal_text("cp /x/base/test_a0/a /home/me/b")
    assert there.reveal_text(on_tape) == "cp /private/var/t/a /Users/you/b"


def test_a_placeholder_without_a_value_here_stays() -> None:
    assert Places().reveal_text("<tmp>/a <home>") == "<tmp>/a <home>"
    assert Places({"home": "/h"}).reveal_text("<tmp>/a <home>") == "<tmp>/a /h"


def test_a_value_can_come_later(places: Places) -> None:
    late = Places({"root": "/srv/repo"})
    assert late.conceal_text("/x/t0") == "/x/t0"
    late.add("tmp", "/x/t0")
    assert late.conceal_text("/x/t0") == "<tmp>"


def test_a_copy_goes_its_own_way(places: Places) -> None:
    twin = places.copy()
    twin.add("tmp", "/elsewhere")
    assert places.conceal_text("/elsewhere") == "/elsewhere"
    assert places.reveal_text("<tmp>") == "/x/base/test_a0"
    assert twin.reveal_text("<tmp>") == "/elsewhere"


def test_the_root_of_the_file_system_is_no_place() -> None:
    places = Places({"root": "/", "home": ""})
    assert places.conceal_text("/etc/passwd /") == "/etc/passwd /"


def test_a_final_slash_of_a_value_does_not_matter() -> None:
    places = Places({"tmp": "/x/t0/"})
    assert places.conceal_text("/x/t0/a /x/t0") == "<tmp>/a <tmp>"
    assert places.reveal_text("<tmp>/a") == "/x/t0/a"


def test_characters_that_mean_something_in_a_pattern_mean_themselves() -> None:
    places = Places({"tmp": "/x/test_a[b-c.*]0", "home": "/h/(me)+"})
    assert places.conceal_text("/x/test_a[b-c.*]0/f /h/(me)+/g") == "<tmp>/f <home>/g"
    assert places.conceal_text("/x/test_ab0") == "/x/test_ab0"


def test_bytes_that_are_no_text_survive(places: Places) -> None:
    data = b"\xff\0/x/base/test_a0/\xfe\0<tmp>\0"
    assert places.conceal(data) == b"\xff\0<tmp>/\xfe\0<=tmp>\0"
    assert places.reveal(places.conceal(data)) == data


def test_a_path_that_is_no_utf_8_is_a_place() -> None:
    places = Places({"tmp": os.fsdecode(b"/x/\xff")})
    assert places.conceal(b"/x/\xff/a") == b"<tmp>/a"
    assert places.reveal(b"<tmp>/a") == b"/x/\xff/a"


def test_bytes_without_a_placeholder_are_handed_back_as_they_are(places: Places) -> None:
    data = b"x" * 1000
    assert places.reveal(data) is data
    assert places.conceal(data) is data


@given(
    st.lists(
        st.sampled_from(
            [
                *HERE.values(),
                *(f"<{name}>" for name in NAMES),
                "<",
                "=",
                ">",
                "/",
                " ",
                "a",
                "-I",
                ".",
                "\n",
                "tmp",
                "\udcff",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_revealing_undoes_concealing(text: str) -> None:
    places = Places(HERE)
    assert places.reveal_text(places.conceal_text(text)) == text


@given(st.binary(max_size=40))
def test_revealing_undoes_concealing_of_any_bytes(data: bytes) -> None:
    places = Places({"tmp": "/a", "home": "/a/b"})
    assert places.reveal(places.conceal(data)) == data


def test_revealing_undoes_concealing_where_a_place_is_a_symbolic_link(tmp_path: Path) -> None:
    # As /tmp on macOS, and the interpreter of every virtual environment.
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    places = Places({"tmp": str(link)})
    for path in (link / "file", real / "file"):
        assert places.reveal_text(places.conceal_text(str(path))) == str(path)
    there = Places({"tmp": "/elsewhere"})
    assert there.reveal_text(places.conceal_text(str(link / "file"))) == "/elsewhere/file"


# -- other writings of a path ------------------------------------------------------------------

ODD = {"tmp": '/t/my dir/\u00e9"x', "home": "/h/o'me", "root": "/r"}


@pytest.mark.parametrize(
    "text, on_tape",
    [
        ('/t/my dir/\u00e9"x/a', "<tmp>/a"),
        ("/t/my%20dir/%C3%A9%22x/a", "<tmp:url>/a"),
        ("file:///t/my%20dir/%C3%A9%22x/a", "file://<tmp>/a"),
        ('file:///t/my dir/\u00e9"x/a', "file://<tmp:plain>/a"),
        ('"/t/my dir/\\u00e9\\"x/a"', '"<tmp:json>/a"'),
        ('"\\/t\\/my dir\\/\\u00e9\\"x\\/a"', '"<tmp:slash>\\/a"'),
        ('/t/my\\ dir/\u00e9\\"x/a', "<tmp:shell>/a"),
        ("file:///r/a", "file://<root>/a"),
        ('"\\/r\\/a"', '"<root:slash>\\/a"'),
        ('"line\\n/r/a"', '"line\\n<root>/a"'),
        ("x%20/r/a", "x%20<root>/a"),
        ("\x1b[32m/r/a\x1b[0m", "\x1b[32m<root>/a\x1b[0m"),
        ("\x1b[m\x1b[K/r", "\x1b[m\x1b[K<root>"),
    ],
)
def test_a_path_is_found_in_every_writing(text: str, on_tape: str) -> None:
    places = Places(ODD)
    assert places.conceal_text(text) == on_tape
    assert places.reveal_text(on_tape) == text


@pytest.mark.parametrize(
    "on_tape, here",
    [
        ("<root>/a", "/new place/\u00fc/a"),
        ("file://<root>/a", "file:///new%20place/%C3%BC/a"),
        ("file://<root:plain>/a", "file:///new place/\u00fc/a"),
        ('"<root:json>/a"', '"/new place/\\u00fc/a"'),
        ('"<root:slash>\\/a"', '"\\/new place\\/\\u00fc\\/a"'),
        ("<root:shell>/a", "/new\\ place/\u00fc/a"),
        ("<root:7>", "<root:7>"),
    ],
)
def test_a_place_comes_back_in_the_writing_it_had(on_tape: str, here: str) -> None:
    assert Places({"root": "/new place/\u00fc"}).reveal_text(on_tape) == here


# -- words -------------------------------------------------------------------------------------


def test_names_of_user_and_host_are_replaced_as_whole_words() -> None:
    places = Places({"user-name": "wilhelmina", "host-name": "box-17", "home": "/home/wilhelmina"})
    text = "wilhelmina@box-17 /home/wilhelmina/x /var/wilhelmina/y wilhelminas box-170 box-17.local"
    on_tape = "<user-name>@<host-name> <home>/x /var/<user-name>/y wilhelminas box-170 box-17.local"
    assert places.conceal_text(text) == on_tape
    assert places.reveal_text(on_tape) == text


@pytest.mark.parametrize("name", ["root", "runner", "ubuntu", "Admin", "bob", "x1", "12345"])
def test_names_that_are_words_stay_but_are_put_in(name: str) -> None:
    places = Places({"user-name": name})
    assert places.conceal_text(f"a {name} b") == f"a {name} b"
    assert places.reveal_text("a <user-name> b") == f"a {name} b"


def test_the_prefix_that_python_shares_with_everything_stays_but_is_put_in() -> None:
    places = Places({"python-prefix": "/usr", "venv": "/usr"})
    assert places.conceal_text("/usr/bin/git") == "/usr/bin/git"
    assert places.reveal_text("<venv>/bin/tool") == "/usr/bin/tool"
    assert Places({"python-prefix": "/opt/python3"}).conceal_text("/opt/python3/lib") == "<python-prefix>/lib"


# -- streams in pieces -------------------------------------------------------------------------


def test_a_path_across_two_pieces_goes_to_one_of_them(places: Places) -> None:
    pieces = [b"a /srv/re", b"po/b", b" c /home/me\n"]
    assert places.conceal_pieces(pieces) == [b"a <root>", b"/b", b" c <home>\n"]
    assert places.conceal_pieces(pieces, late=True) == [b"a ", b"<root>/b", b" c <home>\n"]


def test_a_path_across_many_pieces(places: Places) -> None:
    pieces = [bytes([byte]) for byte in b"x /srv/repo y"]
    early, late = places.conceal_pieces(pieces), places.conceal_pieces(pieces, late=True)
    assert b"".join(early) == b"".join(late) == b"x <root> y"
    assert early[2] == b"<root>"
    assert late[10] == b"<root>"
    assert len(early) == len(late) == len(pieces)


@given(
    st.lists(
        st.sampled_from([b"/srv/repo", b"/srv", b"/re", b"po", b" ", b"<root>", b"<ro", b"ot>", b"\xff"])
    )
)
def test_pieces_say_what_the_whole_says(pieces: list[bytes]) -> None:
    places = Places(HERE)
    for late in (False, True):
        on_tape = places.conceal_pieces(pieces, late=late)
        assert len(on_tape) == len(pieces)
        assert b"".join(on_tape) == places.conceal(b"".join(pieces))


# -- any place, any bytes ----------------------------------------------------------------------

PARTS = st.sampled_from(
    ["a", "b c", "\u00e9", "\udcff", "<tmp>", "%20", "'", '"', "\\", "x:", "tmp", "~", "$"]
)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(st.data(), PATHS, PATHS, st.text("abtmp<>=:/ ", min_size=1, max_size=8))
def test_revealing_undoes_concealing_wherever_the_places_are(
    data: st.DataObject, tmp: str, home: str, user: str
) -> None:
    places = Places({"tmp": tmp, "home": home, "user-name": user})
    bits = [tmp, home, user, f"file://{tmp}", "://", "<", "<=", "tmp", ":url", ">", "\\/", "/", " ", "\udcfe"]
    bits += [os.fsdecode(write(os.fsencode(path))) for write in WRITINGS.values() for path in (tmp, home)]
    text = "".join(data.draw(st.lists(st.sampled_from(bits), max_size=8)))
    assert places.reveal_text(places.conceal_text(text)) == text


@given(st.binary(max_size=60), PATHS)
def test_revealing_undoes_concealing_of_bytes_wherever_the_places_are(data: bytes, tmp: str) -> None:
    places = Places({"tmp": tmp})
    assert places.reveal(places.conceal(data)) == data


# -- comparing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "taped, here, asked",
    [
        ("<cwd>/a", {"root": "/r", "cwd": "/r"}, "/r/a"),
        ("<home>/a", {"home": "/t", "tempdir": "/t"}, "/t/a"),
        ("<real-tmp>/a", {"tmp": "/t"}, "/t/a"),
        ("<user-name>", {"user-name": "root"}, "root"),
        ("alexandra", {"user-name": "alexandra"}, "alexandra"),
        ("<venv>/bin/x", {"venv": "/usr"}, "/usr/bin/x"),
        ("cat <root>/a", {"root": "/my dir"}, "cat '/my dir/a'"),
        ("cat '<root>/a'", {"root": "/r"}, "cat /r/a"),
        ("file://<root>/a", {"root": "/my dir"}, "file:///my dir/a"),
        ("--token=<redacted:A_TOKEN>", {}, "--token=whatever it is"),
        ("--token=<redacted>", {}, "--token="),
        ("<redacted>@<root>", {"root": "/r"}, "x@/r"),
    ],
)
def test_what_means_the_same_here_is_alike(taped: str, here: dict[str, str], asked: str) -> None:
    places = Places(here)
    assert places.alike(taped, places.conceal_text(asked))


@pytest.mark.parametrize(
    "taped, asked",
    [
        ("<root>/a", "/srv/repo/b"),
        ("<root>/a", "/home/me/a"),
        ("a b", "a 'b'"),
        ("--token=<redacted>", "--password=x"),
        ("<redacted>!", "x"),
        ("<=root>", "/srv/repo"),
        ("plain", "other"),
    ],
)
def test_what_differs_is_not_alike(places: Places, taped: str, asked: str) -> None:
    assert not places.alike(taped, places.conceal_text(asked))


def test_what_is_the_same_anywhere() -> None:
    rules = rules_from(["job = /job-[0-9]+/"], ["hunter[0-9]"], [])
    places = Places({"root": "/home/me/project", "tempdir": "/tmp"}, rules)
    there = Places({"root": "/builds/7", "tempdir": "/var/tmp"}, rules)
    mine = b"in /home/me/project by job-1 and job-22 with /tmp/tmpab12cd3x/out <root>"
    assert places.anywhere(mine) == there.anywhere(
        b"in /builds/7 by job-333 and job-1 with /var/tmp/tmpzz98yy7w/out <root>"
    )
    assert places.anywhere(mine) != places.anywhere(mine + b".")
    assert places.anywhere(b"plain words") == b"plain words"
    assert places.anywhere(b"it is hunter2") == b"it is hunter2"
    # Nothing was captured for it.
    assert places.names.recorded == {}
