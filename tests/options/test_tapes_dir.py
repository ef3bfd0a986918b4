"""The ini option tapes_dir, and where in it the tape of a test is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.options.project import Project, one_error

ONE = r"""
    import subprocess

    def test_it(tape):
        assert subprocess.check_output(["echo", "one"]) == b"one\n"
        print(f"path is {tape.path}.")
"""


def test_a_relative_directory_is_relative_to_the_root(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.ini("tapes_dir = data/cassettes")
    project.write(ONE, "sub/test_it.py")
    monkeypatch.chdir(project.path / "sub")
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert project.tapes("data/cassettes") == ["sub/test_it/test_it.json"]
    assert not (project.path / "sub" / "data").exists()
    project.replay(passed=1)


def test_an_absolute_directory_is_as_it_is(project: Project, tmp_path: Path) -> None:
    project.ini(f"tapes_dir = {tmp_path}/elsewhere")
    project.write(ONE)
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert (tmp_path / "elsewhere/test_it/test_it.json").exists()
    project.replay(passed=1)


def test_the_default_is_tapes_below_the_root(project: Project) -> None:
    project.write(ONE)
    result = project.record("-s")
    assert f"path is {project.path}/tapes/test_it/test_it.json." in result.stdout.str()
    assert project.tapes() == ["test_it/test_it.json"]


def test_a_committed_directory_moves_with_the_project(project: Project) -> None:
    project.write(ONE)
    project.record()
    (project.path / "moved").mkdir()
    for name in ("tapes", "test_it.py"):
        (project.path / name).rename(project.path / "moved" / name)
    project.replay("--rootdir", "moved", "moved", passed=1)


ASKING = r"""
    asked = []

    def pytest_collect_file(file_path):
        asked.append(str(file_path))

    def pytest_collection_finish(session):
        found = [one for one in asked if "/tapes/" in one]
        print("asked for", sorted(one.partition("/tapes/")[2] for one in found))
"""


def test_pytest_need_not_look_for_tests_among_tapes(project: Project) -> None:
    project.ini("tapes_payload_threshold = 1")
    for name in ("test_it.py", "sub/test_other.py"):
        project.write(ONE, name)
    project.record(passed=2)
    project.write(ASKING, "conftest.py")
    assert len(project.tapes()) == 3
    project.replay("-s", passed=2).stdout.fnmatch_lines(["*asked for []*"])


@pytest.mark.parametrize(
    "name, text",
    [
        ("test_it/test_more.py", "def test_more(): pass"),
        ("test_it/zero.json", '{"of": "another tool"}'),
        ("test_it/more/test_more.py", "def test_more(): pass"),
    ],
)
def test_what_else_is_there_is_looked_at(project: Project, name: str, text: str) -> None:
    project.write(ONE)
    project.record()
    project.write(text, f"tapes/{name}")
    if name.endswith(".json"):
        project.tape().unlink()
    project.write(ASKING, "conftest.py")
    output = project.run("-s", "--collect-only").stdout.str()
    assert f"'{name}'" in output


NAMES = r"""
    import subprocess
    import pytest

    class TestClass:
        class TestInner:
            def test_method(self, tape):
                subprocess.check_output(["echo", "method"])

    @pytest.mark.parametrize("value", {values!r})
    def test_value(tape, value):
        subprocess.check_output(["echo", value.encode("utf-8", "surrogateescape")])

    def test_case(tape):
        subprocess.check_output(["echo", "lower"])

    def test_CASE(tape):
        subprocess.check_output(["echo", "upper"])
"""

VALUES = [
    "plain",
    "a-b",
    "a/b",
    "../../../escape",
    "/absolute",
    "..",
    ".",
    "a b",
    "a::b",
    "",
    "é",
    "日本",
    "x" * 400,
    "y" * 400 + "1",
    "y" * 400 + "2",
    "A",
    "a",
    "con",
    "a\\b",
    "a\nb",
    "%s",
    "*?",
    "CON.txt",
]


def test_each_test_has_a_tape_of_its_own_and_none_leaves_the_directory(
    project: Project, run_options: tuple[str, ...]
) -> None:
    project.write(NAMES.format(values=VALUES))
    count = len(VALUES) + 3
    before = {path for path in project.path.rglob("*") if path.name.endswith(".json")}
    project.record(*run_options, passed=count)
    tapes = project.tapes()
    assert "test_it/TestClass.TestInner.test_method.json" in tapes
    assert "test_it/test_value[a-b].json" in tapes
    assert len(tapes) == count
    assert len({name.lower() for name in tapes}) == count
    assert all(len(Path(name).name.encode()) <= 143 for name in tapes)
    owners = {json.loads((project.path / "tapes" / name).read_bytes())["test"] for name in tapes}
    assert len(owners) == count
    outside = set(project.path.rglob("*.json")) - before
    assert all(path.is_relative_to(project.path / "tapes") for path in outside)
    project.replay(*run_options, passed=count)


def test_tests_of_one_name_in_two_modules_have_two_tapes(project: Project) -> None:
    project.write(ONE, "a/test_a.py")
    project.write(ONE, "a/test_b.py")
    project.write(ONE, "b/test_c.py")
    project.record(passed=3)
    assert project.tapes() == ["a/test_a/test_it.json", "a/test_b/test_it.json", "b/test_c/test_it.json"]


def test_the_tape_of_a_test_outside_the_root_is_inside_the_directory(project: Project) -> None:
    project.write(ONE, "outside/test_it.py")
    (project.path / "inside").mkdir()
    options = ("--rootdir", "inside", "outside")
    project.record(*options)
    written = {path.relative_to(project.path).parts[:2] for path in project.path.rglob("*.json")}
    assert written == {("inside", "tapes")}
    project.replay(*options, passed=1)


# -- directories that can't be written ---------------------------------------------------------


def read_only(project: Project, kind: str) -> str:
    """A value for tapes_dir, where nobody can write, root neither."""
    if kind == "a file":
        (project.path / "tapes").write_text("in the way")
        return "tapes"
    if kind == "below a file":
        (project.path / "file").write_text("in the way")
        return "file/tapes"
    return "/proc/self/no-such-place/tapes"


@pytest.mark.parametrize("kind", ["a file", "below a file", "the kernel's"])
def test_a_directory_that_cannot_be_written_is_one_readable_error(project: Project, kind: str) -> None:
    if kind == "the kernel's" and not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    directory = read_only(project, kind)
    project.ini(f"tapes_dir = {directory}")
    project.write(ONE)
    told = one_error(project.run("--record-tapes"))
    assert "TapeWriteError" in told or "TapeError" in told
    assert "tapes" in told
    assert "can't be written" in told or "can't be read" in told


@pytest.mark.parametrize("kind", ["a file", "below a file"])
def test_replay_of_a_directory_that_is_a_file_is_one_readable_error(project: Project, kind: str) -> None:
    project.ini(f"tapes_dir = {read_only(project, kind)}")
    project.write(ONE)
    assert "tapes" in one_error(project.run())


def test_live_does_not_care_about_the_directory(project: Project) -> None:
    project.ini(f"tapes_dir = {read_only(project, 'below a file')}")
    project.write(ONE)
    project.edit('print(f"path is {tape.path}.")', "")
    project.run("--live-tapes").assert_outcomes(passed=1)


def test_a_tape_that_cannot_be_written_leaves_the_old_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(ONE)
    project.record()
    before = project.tape().read_bytes()
    project.edit('"one"]', '"two"]')
    project.edit('b"one\\n"', 'b"two\\n"')

    import errno
    import os

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        told = one_error(project.run("--record-tapes"))
    assert "TapeWriteError: " in told
    assert "test_it.json" in told
    assert "No space left" in told
    assert "make room" in told
    assert project.tape().read_bytes() == before
    assert project.tapes() == ["test_it/test_it.json"]


@pytest.mark.parametrize("threshold", [1, 1000])
def test_a_tape_or_payload_that_cannot_be_written_is_counted(project: Project, threshold: int) -> None:
    project.ini(f"tapes_payload_threshold = {threshold}")
    project.write(ONE)
    in_the_way = "_payloads" if threshold == 1 else "test_it"
    (project.path / "tapes").mkdir()
    (project.path / "tapes" / in_the_way).write_text("in the way")
    told = project.run("--record-tapes").stdout
    told.fnmatch_lines(
        [
            "tests: 1 failed to record; spawns: 1 real",
            "not recorded, as it can't be written: Not a directory: test_it.py::test_it",
        ]
    )
    assert "TapeWriteError: " in one_error(project.run("--record-tapes"))


def test_a_symbolic_link_out_of_the_directory_is_refused(project: Project, tmp_path: Path) -> None:
    project.write(ONE)
    (project.path / "tapes").mkdir()
    (project.path / "tapes" / "test_it").symlink_to(tmp_path)
    assert "symbolic link" in one_error(project.run("--record-tapes"))
    assert list(tmp_path.glob("*.json*")) == []
