"""The fixture `tape`: mode, path, the entries, and the spawns made so far with their results."""

from __future__ import annotations

import pytest

from tests.options.project import Project

SPAWNS = r"""
    import subprocess, sys
    import pytest
    from pytest_proctape import TapeHandle, TapedSpawn

    def test_it(tape):
        assert isinstance(tape, TapeHandle)
        assert tape.spawns == []
        subprocess.run(["sh", "-c", "cat; echo err >&2; exit 3"], input=b"in\n", capture_output=True)
        assert [spawn.args for spawn in tape.spawns] == [["-c", "cat; echo err >&2; exit 3"]]
        with pytest.raises(FileNotFoundError):
            subprocess.run(["no-such-program", "x"])
        subprocess.run(["sh", "-c", "kill -TERM $$"])
        null = subprocess.DEVNULL
        subprocess.run(["true"], stdout=null, stderr=null, cwd="/", env={"A": "b"})
        first, missing, killed, quiet = tape.spawns
        assert all(isinstance(spawn, TapedSpawn) for spawn in tape.spawns)
        assert first.program == "sh"
        assert first.argv == ["sh", "-c", "cat; echo err >&2; exit 3"]
        assert (first.returncode, first.stdin, first.stdout, first.stderr) == (3, b"in\n", b"in\n", b"err\n")
        assert first.error is None
        assert first.cwd is None and first.env is None
        assert first.duration_s > 0
        assert (missing.program, missing.args) == ("no-such-program", ["x"])
        assert missing.returncode is None
        assert missing.error.errno == "ENOENT"
        assert killed.returncode == -15
        assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, None, None)
        assert quiet.cwd == "/"
        assert quiet.env == {"A": "b"}
        assert {spawn.replayed for spawn in tape.spawns} == {tape.mode == "replay"}
        print(f"mode={tape.mode} entries={len(tape.entries)} path={tape.path}.")
"""


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new", "--record-tapes=missing"])
def test_spawns_tell_what_was_asked_and_what_came_of_it(project: Project, flag: str) -> None:
    project.write(SPAWNS)
    project.run(flag).assert_outcomes(passed=1)
    project.replay(passed=1)


def test_mode_path_and_entries_in_each_mode(project: Project) -> None:
    project.write(SPAWNS)
    recorded = project.record("-s")
    assert f"mode=record entries=0 path={project.tape()}." in recorded.stdout.str()
    replayed = project.replay("-s")
    assert f"mode=replay entries=4 path={project.tape()}." in replayed.stdout.str()


def test_while_updating_replayed_and_recorded_spawns_are_told_apart(project: Project) -> None:
    project.write_tape({"program": "echo", "args": ["old"], "stdout": "old\n"})
    project.write(
        r"""
        import subprocess

        def test_it(tape):
            assert tape.mode == "update"
            assert [entry.args for entry in tape.entries] == [("old",)]
            for word in ("new", "old"):
                subprocess.run(["echo", word], capture_output=True)
            assert [(s.args, s.replayed, s.stdout) for s in tape.spawns] == [
                (["new"], False, b"new\n"),
                (["old"], True, b"old\n"),
            ]
        """
    )
    project.run("--record-tapes=new").assert_outcomes(passed=1)


def test_a_running_child_has_no_returncode_yet(project: Project) -> None:
    project.write(
        r"""
        import subprocess

        def test_it(tape):
            with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                assert tape.spawns[0].returncode is None
                assert process.communicate(b"x") == (b"x", None)
            assert tape.spawns[0].returncode == 0
        """
    )
    project.record()
    project.replay(passed=1)


def test_spawns_of_fixtures_are_told_too(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.fixture
        def ready(tape):
            subprocess.run(["echo", "ready"], capture_output=True)
            yield
            subprocess.run(["echo", "done"], capture_output=True)
            assert [spawn.args for spawn in tape.spawns] == [["ready"], ["test"], ["done"]]

        def test_it(ready, tape):
            assert [spawn.args for spawn in tape.spawns] == [["ready"]]
            subprocess.run(["echo", "test"], capture_output=True)
        """
    )
    project.record()
    assert [entry.get("phase", "call") for entry in project.entries()] == ["setup", "call", "teardown"]
    project.replay(passed=1)


def test_each_test_has_a_tape_object_of_its_own(project: Project) -> None:
    project.write(
        r"""
        import subprocess

        seen = []

        def test_one(tape):
            subprocess.run(["true"])
            assert len(tape.spawns) == 1
            seen.append(tape)

        def test_two(tape):
            assert tape.spawns == []
            subprocess.run(["true"])
            assert tape not in seen
            assert len(seen[0].spawns) == len(tape.spawns) == 1
            assert seen[0].path != tape.path
        """
    )
    project.record()
    project.replay(passed=2)


def test_the_list_of_spawns_is_the_callers_own(project: Project) -> None:
    project.write(
        """
        import subprocess

        def test_it(tape):
            tape.spawns.append("junk")
            assert tape.spawns == []
            subprocess.run(["true"])
            before = tape.spawns
            subprocess.run(["true"])
            assert (len(before), len(tape.spawns)) == (1, 2)
        """
    )
    project.record()
    project.replay(passed=1)


def test_the_object_is_typed_and_shows_itself(project: Project) -> None:
    project.write(
        """
        import subprocess

        def test_it(tape):
            assert repr(tape) == f"<tape {tape.path} (record, 0 spawns)>"
            subprocess.run(["true"])
            assert repr(tape) == f"<tape {tape.path} (record, 1 spawn)>"
        """
    )
    project.record()


def test_a_fixture_that_asks_for_the_tape_tapes_its_test(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.fixture
        def git(tape):
            return tape

        def test_it(git):
            assert subprocess.check_output(["echo", "one"]) == b"one\n"
        """
    )
    project.record()
    assert project.tapes() == ["test_it/test_it.json"]
    project.replay(passed=1)


def test_a_fixture_asked_for_while_the_test_runs_says_what_to_do(project: Project) -> None:
    project.write("def test_it(request): request.getfixturevalue('tape')")
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    assert "KeyError" not in text
    assert "StashKey" not in text
    assert "pytest.mark.tape" in text


def test_usefixtures_tapes_a_test(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.mark.usefixtures("tape")
        def test_it():
            assert subprocess.check_output(["echo", "one"]) == b"one\n"
        """
    )
    project.record()
    project.replay(passed=1)


def test_pytest_lists_the_fixture_with_its_docstring(project: Project) -> None:
    project.write("def test_it(tape): pass")
    project.run("--fixtures").stdout.fnmatch_lines(["tape -- *", "    The tape of this test: *"])


def test_what_the_project_calls_tape_is_none(project: Project) -> None:
    project.write("""
        import subprocess
        import pytest

        @pytest.mark.parametrize("tape", ["video", "audio"])
        def test_parameter(tape):
            assert subprocess.run(["echo", tape], capture_output=True, text=True).stdout == tape + "\\n"

        class TestOwn:
            @pytest.fixture
            def tape(self):
                return "sticky"

            def test_it(self, tape):
                assert tape == "sticky" and subprocess.run(["true"]).returncode == 0

        class TestOverOurs:
            @pytest.fixture
            def tape(self, tape):
                return [tape.mode]

            def test_it(self, tape):
                assert tape == ["record"] and subprocess.run(["true"]).returncode == 0
    """)
    project.run("--record-tapes").assert_outcomes(passed=4)
    assert project.tapes() == ["test_it/TestOverOurs.test_it.json"]
    project.run("-k", "not OverOurs").assert_outcomes(passed=3, deselected=1)
