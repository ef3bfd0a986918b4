"""What the standard library starts behind one's back is on one tape of the suite, in any order."""

from __future__ import annotations

import json

import pytest

from tests.options.project import ON_WORKERS, Project

# Which of these spawn depends on the machine, so a tool of the project stands in for uname.
SUITE = """
    import os, platform, subprocess
    import pytest

    def processor():
        # platform remembers what it was told; so does a process that has run other tests before.
        return platform._Processor.from_subprocess()

    @pytest.fixture(autouse=True)
    def tools(monkeypatch):
        monkeypatch.setenv("PATH", os.path.abspath("bin") + ":" + os.environ["PATH"])

    def test_first(tape):
        assert processor() == "one of ours"
        assert subprocess.check_output(["echo", "own"]) == b"own\\n"
        assert len(tape.spawns) == 1

    def test_second(tape):
        assert processor() == processor() == "one of ours"
        assert tape.spawns == []

    def test_third(tape):
        pass
"""


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(SUITE)
    project.write("#!/bin/sh\necho one of ours\n", "bin/uname").chmod(0o755)
    return project


def ambient(suite: Project) -> list[str]:
    document = json.loads((suite.path / "tapes/@ambient.json").read_bytes())
    assert document["test"] == "@ambient"
    return [" ".join([entry["program"], *entry.get("args", [])]) for entry in document["entries"]]


def test_it_is_recorded_once_and_is_on_no_tests_tape(suite: Project) -> None:
    suite.record(passed=3)
    assert suite.tapes() == ["@ambient.json", "test_it/test_first.json"]
    assert ambient(suite) == ["uname -p"]
    assert suite.commands("test_first") == ["echo own"]


@pytest.mark.parametrize("selection", [(), ("-k", "second"), ("-k", "first"), ON_WORKERS])
def test_any_selection_replays(suite: Project, selection: tuple[str, ...]) -> None:
    suite.record(passed=3)
    (suite.path / "bin/uname").unlink()
    assert suite.replay(*selection).ret == 0


def test_any_order_replays(suite: Project) -> None:
    suite.write("def pytest_collection_modifyitems(items): items.reverse()", "conftest.py")
    suite.record(passed=3)
    suite.write("", "conftest.py")
    suite.replay(passed=3)


def test_recording_again_leaves_the_file_as_it_is(suite: Project) -> None:
    suite.record(passed=3)
    before = (suite.path / "tapes/@ambient.json").read_bytes()
    suite.record(passed=3)
    suite.record("-k", "second", passed=1, deselected=2)
    suite.record(*ON_WORKERS, passed=3)
    assert (suite.path / "tapes/@ambient.json").read_bytes() == before


def test_what_changed_is_changed(suite: Project) -> None:
    suite.record(passed=3)
    suite.write("#!/bin/sh\necho another\n", "bin/uname")
    suite.edit('"one of ours"', '"another"')
    suite.record("-k", "first", passed=1, deselected=2)
    suite.replay("-k", "first", passed=1, deselected=2)
    assert ambient(suite) == ["uname -p"]


def test_missing_keeps_it_and_adds_to_it(suite: Project) -> None:
    suite.record("-k", "first", passed=1, deselected=2)
    suite.write("#!/bin/sh\necho another\n", "bin/uname")
    result = suite.run("--record-tapes=missing")
    result.assert_outcomes(passed=3)
    suite.replay(passed=3)


def test_one_that_is_not_on_it_fails_the_test_and_says_what_to_do(suite: Project) -> None:
    suite.record(passed=3)
    suite.edit("from_subprocess()", "from_subprocess() or platform.architecture('./bin/uname')")
    (suite.path / "tapes/@ambient.json").unlink()
    result = suite.replay("-k", "second", failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        [
            "E *TapeNotFound: *@ambient.json: the standard library asked for `uname -p`*",
            "E *next: *record it: pytest --record-tapes test_it.py::test_second",
        ]
    )
    suite.path.joinpath("tapes/@ambient.json").write_text('[{"program": "file"}]')
    result = suite.replay("-k", "second", failed=1, deselected=2)
    result.stdout.fnmatch_lines(["E *Divergence: the standard library asked for something that the ambient*"])


def test_helpers_are_told_from_commands_of_the_tests_own(project: Project) -> None:
    project.write(
        """
        import ctypes.util, os, platform, subprocess, uuid

        def test_it(tape):
            platform.architecture(os.__file__)
            ctypes.util.find_library("c")
            nodes = [getter() for getter in uuid._OS_GETTERS]
            subprocess.getoutput("uname -p")
            os.popen("true").close()
            os.system("true")
            assert len(tape.spawns) == 3
        """
    )
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert len(project.entries()) == 3
    before = [(project.path / "tapes" / name).read_bytes() for name in project.tapes()]
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert [(project.path / "tapes" / name).read_bytes() for name in project.tapes()] == before
    project.run().assert_outcomes(passed=1)


def test_a_fixture_of_wider_scope_shares_it(suite: Project) -> None:
    suite.edit("def test_second(tape):", "def test_second(tape, wide):")
    suite.write(
        SUITE
        + """
    @pytest.fixture(scope="module")
    def wide():
        assert processor()

    def test_fourth(tape, wide):
        pass
    """
    )
    suite.record(passed=4)
    assert suite.tapes() == ["@ambient.json", "test_it/test_first.json"]
    suite.replay(passed=4)
