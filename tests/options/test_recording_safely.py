"""Recording: a good tape is only ever replaced by a better one, whatever goes wrong on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.options.project import PLUGIN, Project, counted, summary

ONE = r"""
    import os, subprocess, sys
    import pytest

    def say(word):
        return subprocess.run(["echo", word], capture_output=True, text=True).stdout

    def test_it(tape):
        assert say("old") == "old\n"
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with a good tape."""
    project.write(ONE)
    project.record()
    return project


def attempt(project: Project, test: str = "test_it") -> Path:
    path = project.tape(test)
    return path.with_name(path.name + ".failed")


# -- a test that fails -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        'assert say("new") == "other"',
        'say("new"); raise ValueError',
        'say("new"); pytest.fail("no")',
        'say("new"); sys.exit(3)',
        'subprocess.run(["false"], check=True)',
    ],
)
def test_a_failing_test_does_not_replace_a_good_tape(recorded: Project, body: str) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit('assert say("old") == "old\\n"', body)
    result = recorded.run("--record-tapes")
    result.assert_outcomes(failed=1)
    assert recorded.tape().read_bytes() == before
    entries = json.loads(attempt(recorded).read_bytes())["entries"]
    assert len(entries) == 1
    (line,) = [line for line in summary(result) if "test_it.py::test_it" in line]
    assert "not recorded" in line
    assert attempt(recorded).name in line


def test_the_attempt_is_named_by_a_path_that_leads_there(recorded: Project) -> None:
    recorded.edit('== "old\\n"', '== "other"')
    result = recorded.run("--record-tapes")
    (line,) = [line for line in summary(result) if "kept in " in line]
    assert (recorded.path / line.partition("kept in ")[2]).samefile(attempt(recorded))


def test_a_failing_test_without_a_tape_gets_none(project: Project) -> None:
    project.write(ONE)
    project.edit('== "old\\n"', '== "other"')
    project.run("--record-tapes").assert_outcomes(failed=1)
    assert project.tapes() == ["test_it/test_it.json.failed"]
    assert "no tape" in project.replay(failed=1).stdout.str()
    assert str(attempt(project).name) in project.replay(failed=1).stdout.str()


def test_a_good_recording_removes_the_attempt(recorded: Project) -> None:
    recorded.edit('== "old\\n"', '== "other"')
    recorded.run("--record-tapes").assert_outcomes(failed=1)
    assert attempt(recorded).exists()
    recorded.edit('== "other"', '== "old\\n"')
    recorded.record()
    assert recorded.tapes() == ["test_it/test_it.json"]


def test_an_error_in_setup_or_teardown_keeps_the_good_tape(recorded: Project) -> None:
    before = recorded.tape().read_bytes()
    for setup, teardown in (("assert not say('new')", "pass"), ("pass", "assert not say('new')")):
        recorded.write(ONE)
        recorded.edit(
            "def test_it(tape):",
            f"@pytest.fixture\ndef ready(tape):\n    {setup}\n    yield\n    {teardown}\n\n"
            "def test_it(ready):",
        )
        result = recorded.run("--record-tapes")
        assert result.parseoutcomes().get("error", result.parseoutcomes().get("errors")) == 1
        assert recorded.tape().read_bytes() == before
        assert attempt(recorded).exists()
        attempt(recorded).unlink()


def test_an_attempt_in_vain_without_spawns_leaves_the_tape(recorded: Project) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit('assert say("old") == "old\\n"', "assert False")
    recorded.run("--record-tapes").assert_outcomes(failed=1)
    assert recorded.tape().read_bytes() == before
    assert recorded.tapes() == ["test_it/test_it.json"]


def test_an_expected_failure_is_recorded(project: Project) -> None:
    project.write(ONE)
    project.edit("def test_it", "@pytest.mark.xfail(strict=True)\ndef test_it")
    project.edit('== "old\\n"', '== "other"')
    project.record(xfailed=1)
    assert project.tapes() == ["test_it/test_it.json"]
    project.replay(xfailed=1)


def test_an_expected_failure_that_passes_strictly_is_not_recorded(recorded: Project) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit("def test_it", "@pytest.mark.xfail(strict=True)\ndef test_it")
    recorded.edit('assert say("old") == "old\\n"', 'say("new")')
    recorded.run("--record-tapes").assert_outcomes(failed=1)
    assert recorded.tape().read_bytes() == before


# -- a test that does not run ------------------------------------------------------------------

NOT_RUN = {
    "skip": "@pytest.mark.skip\ndef test_it",
    "skipif": "@pytest.mark.skipif(True, reason='no tool')\ndef test_it",
    "xfail(run=False)": "@pytest.mark.xfail(run=False)\ndef test_it",
}


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new", "--record-tapes=missing"])
@pytest.mark.parametrize("how", NOT_RUN)
def test_a_test_that_is_not_run_keeps_its_tape(recorded: Project, how: str, flag: str) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit("def test_it", NOT_RUN[how])
    result = recorded.run(flag)
    assert result.ret == pytest.ExitCode.OK
    assert recorded.tape().read_bytes() == before
    assert counted(result) == ""


@pytest.mark.parametrize("body", ["pytest.skip('no tool')", "say('new'); pytest.skip('no tool')"])
def test_a_test_that_skips_itself_keeps_its_tape(recorded: Project, body: str) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit('assert say("old") == "old\\n"', body)
    recorded.run("--record-tapes").assert_outcomes(skipped=1)
    assert recorded.tape().read_bytes() == before


def test_a_fixture_that_skips_keeps_the_tape(recorded: Project) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit(
        "def test_it(tape)", "@pytest.fixture\ndef tool(): pytest.skip('no')\n\ndef test_it(tape, tool)"
    )
    recorded.run("--record-tapes").assert_outcomes(skipped=1)
    assert recorded.tape().read_bytes() == before


@pytest.mark.parametrize("option", ["--collect-only", "--setup-only", "--setup-plan", "--setup-show"])
def test_options_that_only_show_what_would_be_done_keep_the_tapes(recorded: Project, option: str) -> None:
    before = recorded.tape().read_bytes()
    result = recorded.run("--record-tapes", option)
    assert result.ret == pytest.ExitCode.OK
    assert recorded.tape().read_bytes() == before


# -- a run that is cut short -------------------------------------------------------------------

CUTS = {
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "pytest.exit": "pytest.exit('enough')",
    "os._exit": "os._exit(3)",
    "kill": "os.kill(os.getpid(), 9)",
    "SIGTERM": "os.kill(os.getpid(), 15)",
}


@pytest.mark.parametrize(
    "how, where",
    [
        *((how, "test") for how in CUTS),
        ("KeyboardInterrupt", "setup"),
        ("KeyboardInterrupt", "teardown"),
        ("kill", "teardown"),
    ],
)
def test_a_run_that_is_cut_short_leaves_the_old_tape(recorded: Project, how: str, where: str) -> None:
    before = recorded.tape().read_bytes()
    recorded.write(ONE)
    cut = f"say('new'); {CUTS[how]}"
    places = {"test": "pass", "setup": "pass", "teardown": "pass", where: cut}
    recorded.edit(
        'def test_it(tape):\n    assert say("old") == "old\\n"',
        f"@pytest.fixture\ndef ready(tape):\n    {places['setup']}\n    yield\n    {places['teardown']}\n\n"
        f"def test_it(ready):\n    {places['test']}\n",
    )
    result = recorded.run_apart("--record-tapes")
    assert result.ret != pytest.ExitCode.OK
    assert recorded.tape().read_bytes() == before
    assert [name for name in recorded.tapes() if not name.endswith(".failed")] == ["test_it/test_it.json"]


def test_tests_before_the_cut_are_recorded_and_those_behind_keep_their_tapes(project: Project) -> None:
    project.write(
        ONE.replace("test_it", "test_a") + ONE.replace("test_it", "test_b") + ONE.replace("test_it", "test_c")
    )
    project.record(passed=3)
    before = {name: project.tape(name).read_bytes() for name in ("test_b", "test_c")}
    project.edit('"old"', '"new"')
    project.edit('"old\\n"', '"new\\n"')
    project.edit("def test_b(tape):\n", 'def test_b(tape):\n    say("cut"); raise KeyboardInterrupt\n')
    result = project.run_apart("--record-tapes")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.commands("test_a") == ["echo new"]
    assert {name: project.tape(name).read_bytes() for name in before} == before


def test_what_is_patched_is_undone_behind_an_interrupt(recorded: Project) -> None:
    recorded.write(
        """
        import os, subprocess

        BEFORE = (os.waitpid, subprocess._fork_exec)

        def pytest_unconfigure(config):
            print("undone:", (os.waitpid, subprocess._fork_exec) == BEFORE)
            print("real:", subprocess.run(["echo", "at the end"], capture_output=True, text=True).stdout)
        """,
        "conftest.py",
    )
    recorded.edit('assert say("old")', 'raise KeyboardInterrupt\n    assert say("old")')
    for flag in ("--record-tapes", "--replay-tapes"):
        result = recorded.run_apart("-s", flag)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines(["undone: True", "real: at the end"])


def test_a_run_killed_while_it_writes_leaves_the_old_tape_or_the_new_one(recorded: Project) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit('"old"', '"new"')
    recorded.edit('"old\\n"', '"new\\n"')
    # The moment between the temporary file and its name is the worst one.
    recorded.write(
        """
        import os

        real = os.replace

        def replace(*args, **kwargs):
            os._exit(9)

        os.replace = replace
        """,
        "conftest.py",
    )
    recorded.run_apart("--record-tapes")
    assert recorded.tape().read_bytes() == before
    (recorded.path / "conftest.py").unlink()
    recorded.replay(failed=1)
    recorded.record(passed=1)
    recorded.replay(passed=1)


def test_ctrl_c_while_a_child_runs_leaves_the_old_tape_and_no_child(recorded: Project) -> None:
    before = recorded.tape().read_bytes()
    recorded.edit(
        'assert say("old") == "old\\n"',
        """
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"ready"); process.stdin.flush()
    assert process.stdout.read(5) == b"ready"
    print(f"pid {process.pid}.", flush=True)
    process.wait()
    """,
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *PLUGIN, "-s", "--record-tapes"],
        cwd=recorded.path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    with run:
        for line in run.stdout:
            if "pid " in line:
                break
        run.send_signal(signal.SIGINT)
        run.stdout.read()
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert recorded.tape().read_bytes() == before


# -- what a recording leaves in the directory --------------------------------------------------


def test_nothing_but_tapes_is_left(recorded: Project) -> None:
    assert recorded.tapes() == ["test_it/test_it.json"]


def test_a_child_that_outlives_its_test_is_noted(project: Project) -> None:
    project.write(
        """
        import subprocess

        CHILDREN = []

        def test_it(tape):
            CHILDREN.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE))

        def test_behind():
            CHILDREN[0].communicate()
        """
    )
    project.record(passed=2)
    (entry,) = project.entries()
    assert entry["running"] is True
    assert "still running" in entry["note"]
