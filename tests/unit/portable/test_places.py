"""Placeholders: what leaves for the tape comes back as it was, on this machine and as another's on that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.portable import NAMES, Places

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
