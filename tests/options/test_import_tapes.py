"""With tapes_auto, what is started while pytest imports and collects has tapes of its own."""

from __future__ import annotations

import json

import pytest

from tests.options.project import ON_WORKERS, Project, one_error

ASKING = """
    import subprocess
    VERSION = subprocess.check_output(["echo", "NAME"], text=True)
"""
TESTS = """
    import subprocess
    import pytest

    HERE = subprocess.run(["printf", "%s", "here"], capture_output=True, text=True).stdout

    @pytest.mark.skipif(subprocess.call(["true"]) != 0, reason="no true")
    def test_it():
        assert HERE == "here"

    def test_lazy():
        from helper import VERSION
        assert VERSION == "helper\\n"
"""


@pytest.fixture
def suite(project: Project) -> Project:
    """Two modules, a conftest and a helper, all of which start processes at import."""
    project.ini("tapes_auto = true", "pythonpath = .")
    project.write(ASKING.replace("NAME", "helper"), "helper.py")
    project.write(ASKING.replace("NAME", "root"), "conftest.py")
    project.write(ASKING.replace("NAME", "sub"), "sub/conftest.py")
    project.write(TESTS, "test_it.py")
    project.write(TESTS, "sub/test_sub.py")
    return project


def record_apart(suite: Project, *args: str, **outcomes: int) -> None:
    suite.run_apart("--record-tapes", *args).assert_outcomes(**outcomes)


def replay_apart(suite: Project, *args: str, **outcomes: int) -> pytest.RunResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        result = suite.run_apart(*args)
    result.assert_outcomes(**outcomes)
    return result


IMPORT_TAPES = [
    "conftest/@import.json",
    "helper/@import.json",
    "sub/conftest/@import.json",
    "sub/test_sub/@import.json",
    "test_it/@import.json",
]


def test_each_file_has_a_tape_of_its_own(suite: Project) -> None:
    record_apart(suite, passed=4)
    assert suite.tapes() == IMPORT_TAPES
    assert suite.commands("@import") == ["printf %s here", "true"]
    assert json.loads(suite.tape("@import").read_bytes())["test"] == "test_it.py::@import"
    result = replay_apart(suite, passed=4)
    assert "shared: 5 replayed; spawns: 7 replayed" in str(result.stdout)


@pytest.mark.parametrize(
    "options, passed",
    [
        (["test_it.py::test_lazy"], 1),
        (["sub/test_sub.py"], 2),
        (["sub/test_sub.py::test_lazy", "test_it.py::test_lazy"], 2),
        (["--import-mode=importlib"], 4),
        ([*ON_WORKERS], 4),
        ([*ON_WORKERS, "--dist", "loadfile"], 4),
    ],
)
def test_any_selection_and_any_distribution_replays(suite: Project, options: list[str], passed: int) -> None:
    record_apart(suite, passed=4)
    replay_apart(suite, *options, passed=passed)


@pytest.mark.parametrize("options", [[*ON_WORKERS], ["--import-mode=importlib"]])
def test_they_are_recorded_by_any_distribution(suite: Project, options: list[str]) -> None:
    record_apart(suite, *options, passed=4)
    assert suite.tapes() == IMPORT_TAPES
    replay_apart(suite, passed=4)


def test_recording_again_what_did_not_change_leaves_the_files_as_they_are(suite: Project) -> None:
    record_apart(suite, passed=4)
    before = {name: (suite.path / "tapes" / name).read_bytes() for name in suite.tapes()}
    record_apart(suite, passed=4)
    record_apart(suite, *ON_WORKERS, passed=4)
    record_apart(suite, "sub/test_sub.py::test_lazy", passed=1)
    assert {name: (suite.path / "tapes" / name).read_bytes() for name in suite.tapes()} == before


def test_what_an_import_no_longer_asks_for_leaves_its_tape(suite: Project) -> None:
    record_apart(suite, passed=4)
    suite.edit('"here"], c', '"there"], c')
    suite.edit('== "here"', '== "there"')
    record_apart(suite, passed=4)
    assert suite.commands("@import") == ["printf %s there", "true"]


def test_missing_records_what_is_missing(suite: Project) -> None:
    record_apart(suite, passed=4)
    suite.edit('["true"]', '["false"]')
    suite.run_apart("--record-tapes=missing").assert_outcomes(passed=3, skipped=1)
    assert suite.commands("@import") == ["printf %s here", "true", "false"]
    replay_apart(suite, passed=3, skipped=1)


def test_an_import_without_a_tape_fails_its_module_alone(suite: Project) -> None:
    record_apart(suite, passed=4)
    suite.edit('["true"]', '["true", "1"]')
    suite.tape("@import").unlink()
    result = replay_apart(suite, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR collecting test_it.py*", "TapeNotFound: *@import.json: test_it.py asked*"]
    )
    result.stdout.fnmatch_lines(["*next: *record it: pytest --record-tapes*"])


def test_an_import_that_diverges_and_swallows_it_fails(suite: Project) -> None:
    record_apart(suite, passed=4)
    suite.write(
        """
        import subprocess
        try:
            subprocess.run(["printf", "other"])
        except Exception:
            pass

        def test_it():
            pass
        """
    )
    result = replay_apart(suite, "test_it.py", errors=1)
    result.stdout.fnmatch_lines(["Divergence: an import asked for something*", "*printf other*"])


def test_a_conftest_that_diverges_stops_the_run(suite: Project) -> None:
    record_apart(suite, passed=4)
    suite.edit("root", "other", "conftest.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        result = suite.run_apart()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = str(result.stderr)
    assert told.startswith("ERROR: Divergence before any test: an import asked for something"), told
    assert "echo other" in told
    assert "Traceback" not in told


def test_a_tool_that_is_missing_is_missing_on_replay(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write(
        """
        import subprocess
        import pytest

        try:
            subprocess.run(["no-such-tool"])
        except FileNotFoundError:
            pytest.skip("no tool", allow_module_level=True)

        def test_it():
            pass
        """
    )
    record_apart(project, skipped=1)
    replay_apart(project, skipped=1)


def test_without_tapes_auto_imports_are_real(project: Project) -> None:
    project.write(ASKING.replace("NAME", "real") + "\n    def test_it(tape): pass\n")
    project.run_apart().assert_outcomes(passed=1)
    assert not (project.path / "tapes").exists()


def test_live_tapes_leave_imports_alone(suite: Project) -> None:
    suite.run_apart("--live-tapes").assert_outcomes(passed=4)
    assert not (suite.path / "tapes").exists()


def test_a_corrupt_tape_of_an_import_is_told(suite: Project) -> None:
    record_apart(suite, passed=4)
    suite.tape("@import").write_text("{")
    result = replay_apart(suite, errors=1)
    result.stdout.fnmatch_lines(["TapeCorrupt: *@import.json*"])


def test_a_cached_probe_is_found_on_whichever_tape_it_is(project: Project) -> None:
    project.ini("tapes_auto = true", "pythonpath = .")
    project.write(
        """
        import functools, subprocess

        @functools.cache
        def has_tool():
            return subprocess.call(["true"]) == 0
        """,
        "helper.py",
    )
    for name in ("a", "b"):
        project.write(
            """
            import helper, pytest

            @pytest.mark.skipif(not helper.has_tool(), reason="no tool")
            def test_it():
                pass
            """,
            f"test_{name}.py",
        )
    record_apart(project, passed=2)
    assert project.tapes() == ["test_a/@import.json"]
    replay_apart(project, "test_b.py", passed=1)


def test_one_error_is_all_that_is_told_of_a_lazy_import(suite: Project) -> None:
    record_apart(suite, passed=4)
    (suite.path / "tapes/helper/@import.json").unlink()
    told = one_error(suite.run_apart("test_it.py", "--tb=short"))
    assert "helper.py asked for `echo helper`" in told
