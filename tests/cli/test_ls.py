from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_proctape.tape import Entry
from tests.cli.conftest import ONE, Project

TWO = "tests/test_tar.py::test_pack"


def test_what_a_tape_is_made_of(project: Project) -> None:
    stream = project.store.encode(b"\0" * 100_000)
    path = project.save(Entry(program="git", stdout=stream), Entry(program="git", stderr=stream))
    project.save(Entry(program="tar"), test=TWO, recorded=None)
    project.commit("Tapes of git")
    one, two = project.run("ls", "--json").json
    assert one["path"] == "tapes/tests/test_git/test_log.json"
    assert one["test"] == ONE
    assert one["entries"] == 2
    assert one["size"] == path.stat().st_size
    assert one["payload_size"] == 100_000  # one file, though two entries name it
    assert one["recorded_at"] == "2026-11-20T14:00:00Z"
    assert one["commit"]["subject"] == "Tapes of git"
    assert (two["test"], two["recorded_at"]) == (TWO, None)


def test_the_commit_is_the_last_one_that_touched_the_tape(project: Project) -> None:
    project.save(Entry(program="git"))
    project.save(Entry(program="tar"), test=TWO)
    project.commit("first")
    project.save(Entry(program="tar", args=("-x",)), test=TWO)
    project.commit("second, with \x1b[31m in it")
    project.write("tapes/tests/täst/ü.json", "[]")
    told = {Path(one["path"]).name: one["commit"] for one in project.run("ls", "--json").json}
    assert told["test_log.json"]["subject"] == "first"
    assert told["test_pack.json"]["subject"] == "second, with \x1b[31m in it"
    assert told["test_pack.json"]["at"] == 1795219200
    assert told["ü.json"] is None
    project.commit("odd names")
    told = {Path(one["path"]).name: one["commit"] for one in project.run("ls", "--json").json}
    assert told["ü.json"]["subject"] == "odd names"


def test_as_a_table(project: Project) -> None:
    project.save(Entry(program="git"), Entry(program="git"))
    project.save(Entry(program="tar"), test=TWO, recorded=None)
    project.commit("Tapes of git")
    first, second, total = project.run("ls").lines
    assert first.startswith("tapes/tests/test_git/test_log.json   2 entries")
    assert first.endswith(" Tapes of git")
    assert second.startswith("tapes/tests/test_tar/test_pack.json    1 entry")
    assert " by hand " in second
    assert total.startswith("2 tapes, 3 entries, ")


def test_without_git(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.save(Entry(program="git"))
    assert project.run("ls", "--json").json[0]["commit"] is None

    def gone(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "run", gone)
    result = project.run("ls", "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json[0]["commit"] is None


def test_tapes_by_directory_file_and_node_id(project: Project) -> None:
    project.save(Entry(program="git"))
    project.save(Entry(program="tar"), test=TWO)

    def listed(*names: str) -> list[str]:
        return [one["test"] for one in project.run("ls", "--json", *names).json]

    assert listed() == listed(".") == listed("tapes") == [ONE, TWO]
    assert listed("tapes/tests/test_tar") == [TWO]
    assert listed(TWO) == [TWO]
    assert listed("tapes/tests/test_tar/test_pack.json", TWO, "tapes") == [TWO, ONE]


def test_the_others_are_listed_beside_one_that_is_broken(project: Project) -> None:
    project.save(Entry(program="git"))
    project.write("tapes/bad.json", "[")
    result = project.run("ls")
    assert result.code == 1
    assert "tapes/bad.json: the file is truncated" in result.err
    assert result.lines[-1].startswith("1 tape, 1 entry, ")


@pytest.mark.parametrize(
    "name, text",
    [
        ("pytest.ini", "[pytest]\ntapes_dir = elsewhere\n"),
        (".pytest.ini", "[pytest]\ntapes_dir = elsewhere\n"),
        ("pytest.toml", '[pytest]\ntapes_dir = "elsewhere"\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntapes_dir = "elsewhere"\n'),
        ("pyproject.toml", '[tool.pytest]\ntapes_dir = "elsewhere"\n'),
        ("tox.ini", "[tox]\n[pytest]\ntapes_dir=elsewhere\n"),
        ("setup.cfg", "[tool:pytest]\ntapes_dir: elsewhere\n"),
    ],
)
def test_the_ini_file_says_where_the_tapes_are(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    project.path.joinpath("pytest.ini").unlink()
    project.write(name, text)
    project.write("elsewhere/x.json", "[]")
    project.write("inner/setup.cfg", "[metadata]\nname = x\n")
    monkeypatch.chdir(project.path / "inner")
    assert [Path(one["path"]).name for one in project.run("ls", "--json").json] == ["x.json"]


def test_tapes_that_are_not_below_their_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.save(Entry(program="git"))
    project.write("examples/a/pytest.ini", "[pytest]\ntapes_dir = ../../tapes\n")
    project.commit("both")
    monkeypatch.chdir(project.path / "examples" / "a")
    (told,) = project.run("ls", "--json").json
    assert told["path"] == str(project.store.path_for(ONE))
    assert told["commit"]["subject"] == "both"


def test_an_ini_file_that_cannot_be_read(project: Project) -> None:
    project.path.joinpath("pytest.ini").unlink()
    project.write("pyproject.toml", "[tool.pytest")
    result = project.run("ls")
    assert result.code == 2
    assert "pyproject.toml can't be read" in result.err
