"""Which paths are watched: whole directories, globs, what is left out, and what nobody writes to."""

from __future__ import annotations

import re

import pytest

from pytest_proctape.effects import Roots, glob_regex


def chosen(*wanted: str) -> Roots:
    roots = Roots()
    for one in wanted:
        roots.choose(one, "/w")
    return roots


@pytest.mark.parametrize(
    "wanted, inside, outside",
    [
        ("build", ["/w/build", "/w/build/a", "/w/build/a/b"], ["/w", "/w/builds", "/w/a/build", "/build"]),
        ("/x/y", ["/x/y", "/x/y/z"], ["/x", "/w/x/y"]),
        ("..", ["/a", "/w/a"], []),
        (".", ["/w", "/w/a"], ["/", "/x"]),
        ("*.log", ["/w/a.log", "/w/a.log/b"], ["/w", "/w/a.txt", "/w/b/a.log"]),
        ("**/*.log", ["/w/a.log", "/w/b/a.log", "/w/b/c/a.log"], ["/w/a.txt", "/x/a.log"]),
        ("out/[ab]?/x", ["/w/out/a1/x", "/w/out/b2/x/y"], ["/w/out/c1/x", "/w/out/a/x", "/w/out/a12/x"]),
        ("out/[!a]", ["/w/out/b"], ["/w/out/a", "/w/out"]),
    ],
)
def test_a_path_or_a_glob(wanted: str, inside: list[str], outside: list[str]) -> None:
    roots = chosen(wanted)

    assert [path for path in inside if roots.root_of(path) is None] == []
    assert [path for path in outside if roots.root_of(path) is not None] == []


def test_a_home_directory_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert [root.path for root in chosen("~/out")] == ["/home/me/out"]


def test_a_directory_takes_in_those_below_it() -> None:
    assert [root.path for root in chosen("a/b", "a/b/*.log", "c", "a", "a/b")] == ["/w/c", "/w/a"]


@pytest.mark.parametrize(
    "name, inside, outside",
    [
        ("tmpab12_d34", ["tmpab12_d34", "tmpab12_d34.gz", "tmpab12_d34/x"], ["tmpab12_d3", "tmp", "x"]),
        (
            "tmpab12_d34.c",
            ["tmpab12_d34.c", "tmpab12_d34.o", "tmpab12_d34.d/x"],
            ["x.c", "tmp/tmpab12_d34.c"],
        ),
        ("my.file-ab12cd34", ["my.file-ab12cd34.o"], ["my.o", "my.file-x"]),
        ("pyproject-ab12cd34.c", ["pyproject-ab12cd34.o"], ["pyproject-x.o", "pyproject"]),
        ("a.b", ["a.b", "a.b.c"], ["a", "a.c", "axb"]),
    ],
)
def test_what_stands_beside_a_temporary_file(name: str, inside: list[str], outside: list[str]) -> None:
    roots = Roots()
    roots.add_near(f"/t/{name}")
    (root,) = roots

    assert [path for path in inside if roots.root_of(f"/t/{path}") is None] == []
    assert [path for path in outside if roots.root_of(f"/t/{path}") is not None] == []
    assert root.leads_to(f"/t/{inside[0]}", folder=True)
    assert not root.leads_to("/t/other", folder=True)


def test_all_temporary_files_of_a_directory_have_one_root() -> None:
    roots, other = Roots(), Roots()
    roots.add_near("/t/tmpab12cd34")
    roots.add_near("/t/tmpef56ab78.c")
    other.add_near("/t/tmpaaaaaaaa")
    roots.copy_to(other)

    assert [root.path for root in (*roots, *other)] == ["/t", "/t"]
    assert all(other.root_of(f"/t/{name}.o") for name in ("tmpab12cd34", "tmpef56ab78", "tmpaaaaaaaa"))
    other.add("/t")
    assert [(root.path, root.near) for root in other] == [("/t", False)]


def test_the_whole_file_system_can_be_watched() -> None:
    roots = chosen("/")
    (root,) = roots

    assert roots.root_of("/etc/x") is root
    assert root.relative("/etc/x") == "etc/x"


@pytest.mark.parametrize("path, forbidden", [("/w/tapes", True), ("/w/tapes/a", True), ("/w/tapes2", False)])
def test_where_the_tapes_are_nobody_writes(path: str, forbidden: bool) -> None:
    assert Roots(never=["/w/tapes"]).is_forbidden(path) is forbidden
    assert ("tapes" in Roots(never=["/w/tapes"]).plain_names("/w")) is True
    assert "tapes" not in Roots(never=["/w/tapes"]).plain_names("/x")


def test_what_is_left_out_by_name_or_by_path() -> None:
    roots = Roots(ignore=["cache/", "*.pyc", "a/*/tmp", "**/deep"])
    roots.add("/w")
    (root,) = roots

    assert "cache" in roots.plain_names("/w/x")
    left_out = ["/w/x/y.pyc", "/w/a/b/tmp", "/w/deep", "/w/x/y/deep"]
    kept = ["/w/x/y.py", "/w/a/tmp", "/w/b/a/b/tmp", "/w/deeper"]
    assert [path for path in left_out if not roots.ignores(root, path.rpartition("/")[2], path)] == []
    assert [path for path in kept if roots.ignores(root, path.rpartition("/")[2], path)] == []


@pytest.mark.parametrize("name", ["a.b", "(x)", "[", "a\\b", "+", "é\n"])
def test_a_name_without_wildcards_is_itself(name: str) -> None:
    assert re.fullmatch(glob_regex(name), name, re.DOTALL)
    assert not re.fullmatch(glob_regex(name), name + "x", re.DOTALL)
