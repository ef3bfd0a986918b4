"""What a process asks once and remembers replays in any order, and with any test alone."""

from __future__ import annotations

import json

import pytest

from tests.options.project import ON_WORKERS, Project

HELPER = """
    import functools, subprocess

    def ask(*command):
        return subprocess.run(command, capture_output=True, text=True).stdout

    @functools.cache
    def version():
        return ask("echo", "1.0")

    class Tool:
        @functools.cached_property
        def name(self):
            return ask("echo", "tool")

        @classmethod
        @functools.lru_cache
        def kind(cls):
            return ask("echo", "kind")

    TOOL = Tool()
"""
TESTS = """
    import pytest
    from helper import TOOL, Tool, ask, version

    def everything():
        return version() + TOOL.name + Tool.kind()

    @pytest.mark.parametrize("name", ["a", "b", "c"])
    def test_it(name):
        assert ask("echo", "before") == "before\\n"
        assert everything() == "1.0\\ntool\\nkind\\n"
        assert ask("echo", name) == name + "\\n"

    def test_own_object():
        assert Tool().name == "tool\\n"
"""


@pytest.fixture
def suite(project: Project) -> Project:
    project.ini("tapes_auto = true", "pythonpath = .")
    project.write(HELPER, "helper.py")
    project.write(TESTS)
    return project


def replay_apart(suite: Project, *args: str, **outcomes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        suite.run_apart(*args).assert_outcomes(**outcomes)


@pytest.mark.parametrize("recording", [(), ON_WORKERS], ids=["plain", "xdist"])
def test_any_selection_any_order_and_any_distribution_replays(
    suite: Project, recording: tuple[str, ...]
) -> None:
    suite.run_apart("--record-tapes", *recording).assert_outcomes(passed=4)
    document = json.loads((suite.path / "tapes/@cached.json").read_bytes())
    assert document["test"] == "@cached"
    assert [entry["args"] for entry in document["entries"]] == [["1.0"], ["kind"], ["tool"]]

    replay_apart(suite, passed=4)
    replay_apart(suite, *ON_WORKERS, passed=4)
    for name in "abc":
        replay_apart(suite, f"test_it.py::test_it[{name}]", passed=1)
    suite.write("def pytest_collection_modifyitems(items): items.reverse()", "conftest.py")
    replay_apart(suite, passed=4)


def test_recording_again_leaves_the_file_as_it_is(suite: Project) -> None:
    suite.run_apart("--record-tapes").assert_outcomes(passed=4)
    before = (suite.path / "tapes/@cached.json").read_bytes()
    suite.run_apart("--record-tapes", *ON_WORKERS).assert_outcomes(passed=4)
    suite.run_apart("--record-tapes", "test_it.py::test_it[b]").assert_outcomes(passed=1)
    assert (suite.path / "tapes/@cached.json").read_bytes() == before


def test_other_commands_diverge_and_are_left_over_as_ever(suite: Project) -> None:
    suite.run_apart("--record-tapes").assert_outcomes(passed=4)
    suite.edit('"echo", name) ==', '"echo", "other") ==')
    replay_apart(suite, failed=3, passed=1)
    suite.write(TESTS)
    suite.edit('assert ask("echo", name) == name + "\\n"', "pass")
    replay_apart(suite, failed=3, passed=1)


def test_a_cache_that_tests_clear_replays_what_each_recorded(suite: Project) -> None:
    suite.write(
        """
        import os, subprocess
        import pytest
        from helper import version
        import helper

        @pytest.mark.parametrize("said", ["one", "two"])
        def test_it(said, tmp_path, monkeypatch):
            tool = tmp_path / "echo"
            tool.write_text(f"#!/bin/sh\\nprintf {said}")
            tool.chmod(0o755)
            monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
            version.cache_clear()
            assert version() == said
            version.cache_clear()
        """
    )
    suite.run_apart("--record-tapes").assert_outcomes(passed=2)
    assert not json.loads((suite.path / "tapes/@cached.json").read_bytes())["entries"]
    replay_apart(suite, passed=2)
    replay_apart(suite, "-k", "two", passed=1, deselected=1)


def test_without_tapes_auto_there_is_no_such_tape(suite: Project) -> None:
    suite.ini("pythonpath = .")
    suite.write(TESTS.replace("(name)", "(tape, name)"))
    suite.run_apart("--record-tapes").assert_outcomes(passed=4)
    assert "@cached.json" not in suite.tapes()
