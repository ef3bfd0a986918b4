"""``--verify-tapes``: the real tools are held against the tapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.options.project import Project, counted, summary

DRIFT = 8

TEST = """
    import subprocess

    def ask(*args):
        done = subprocess.run(["./tool", *args], capture_output=True, text=True)
        return done.stdout

    def test_it(tape):
        said = ask("list")
        for word in said.split():
            ask("show", word)
        ask("date")
"""

TOOL = """
    #!/bin/sh
    case $1 in
    list) echo one; echo two;;
    show) echo "this is $2"; echo "in version 1" >&2;;
    date) echo "made by 12345";;
    esac
"""


@pytest.fixture
def verified(project: Project) -> Project:
    """A project with a tool of its own, recorded."""
    project.write(TEST)
    tool(project)
    project.record()
    return project


def tool(project: Project, old: str = "", new: str = "") -> Path:
    path = project.write(TOOL, "tool")
    path.chmod(0o755)
    if old:
        project.edit(old, new, "tool")
    return path


def verify(project: Project, *args: str) -> pytest.RunResult:
    before = project.tape().read_bytes() if project.tape().exists() else None
    result = project.run("--verify-tapes", *args)
    assert (project.tape().read_bytes() if project.tape().exists() else None) == before
    assert project.tapes() in ([], ["test_it/test_it.json"])
    return result


def drift(result: pytest.RunResult) -> list[str]:
    assert result.ret == DRIFT, result.stdout.str()
    result.assert_outcomes(passed=1)
    told = summary(result)
    assert told[-1] == "if the tools are right, record the tapes again: pytest --record-tapes"
    return told[1:-1]


def test_tools_that_do_as_recorded(verified: Project, run_options: tuple[str, ...]) -> None:
    result = verify(verified, *run_options)
    assert result.ret == 0
    assert counted(result) == "tests: 1 verified; spawns: 4 real"
    assert len(summary(result)) == 1


def test_a_line_of_output(verified: Project, run_options: tuple[str, ...]) -> None:
    tool(verified, 'version 1"', 'version 2"')
    assert drift(verify(verified, *run_options)) == [
        "output_mismatch: test_it.py::test_it, entry 2 `./tool show one`: stderr, line 1",
        "  tape: in version 1",
        "  now:  in version 2",
        "output_mismatch: test_it.py::test_it, entry 3 `./tool show two`: stderr, line 1",
        "  tape: in version 1",
        "  now:  in version 2",
    ]


def test_a_line_more_and_a_line_less(verified: Project) -> None:
    tool(verified, 'echo "made by 12345"', 'echo "made by 12345"; echo "on a day"')
    assert drift(verify(verified)) == [
        "output_mismatch: test_it.py::test_it, entry 4 `./tool date`: stdout, line 2",
        "  tape: (nothing)",
        "  now:  on a day",
    ]
    tool(verified, 'echo "made by 12345"', "true")
    assert drift(verify(verified))[1:] == ["  tape: made by 12345", "  now:  (nothing)"]


def test_how_it_ends(verified: Project) -> None:
    tool(verified, 'echo "made by 12345"', 'echo "made by 12345"; exit 3')
    assert drift(verify(verified)) == [
        "end_mismatch: test_it.py::test_it, entry 4 `./tool date`: end",
        "  tape: exit code 0",
        "  now:  exit code 3",
    ]


def test_one_spawn_more(verified: Project) -> None:
    tool(verified, "echo two", "echo two; echo three")
    assert drift(verify(verified)) == [
        "output_mismatch: test_it.py::test_it, entry 1 `./tool list`: stdout, line 3",
        "  tape: (nothing)",
        "  now:  three",
        "length_mismatch: test_it.py::test_it: the tape has 4 entries, the test made 5 spawns",
        "  only now: `./tool show three`",
    ]


def test_one_spawn_less(verified: Project) -> None:
    tool(verified, "echo one; echo two", "echo two")
    assert drift(verify(verified))[3:] == [
        "length_mismatch: test_it.py::test_it: the tape has 4 entries, the test made 3 spawns",
        "  only on the tape: `./tool show one`",
    ]


def test_another_spawn(verified: Project) -> None:
    tool(verified, "echo two", "echo too")
    assert drift(verify(verified))[3:] == [
        "spawn_mismatch: test_it.py::test_it, entry 3 `./tool show two`: command",
        "  tape: ./tool show two",
        "  now:  ./tool show too",
    ]


def test_one_question_more(project: Project) -> None:
    project.write("""
        import subprocess

        def test_it(tape):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            with subprocess.Popen(["./tool"], **pipes, text=True) as child:
                for line in child.stdout:
                    if line.endswith("?\\n"):
                        child.stdin.write("yes\\n")
                        child.stdin.flush()
    """)
    asks = "echo 'sure?'; read a; "
    for code in (asks, asks + "echo 'really?'; read a; "):
        project.write(f"#!/bin/sh\n{code}echo done", "tool").chmod(0o755)
        if not project.tape().exists():
            project.record()
    assert drift(verify(project)) == [
        "output_mismatch: test_it.py::test_it, entry 1 `./tool`: stdin, line 2",
        "  tape: (nothing)",
        "  now:  yes",
        "output_mismatch: test_it.py::test_it, entry 1 `./tool`: stdout, line 2",
        "  tape: done",
        "  now:  really?",
    ]


def test_what_is_volatile_does_not_count(verified: Project) -> None:
    tool(verified, "12345", "99")
    assert len(drift(verify(verified))) == 3
    verified.ini("tapes_volatile = by \\d+")
    assert verify(verified).ret == 0


def test_a_pattern_that_is_none(verified: Project) -> None:
    verified.ini("tapes_volatile = (")
    result = verified.run_apart("--verify-tapes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'(' is no regular expression" in result.stderr.str()


def test_a_tool_that_is_not_installed_is_skipped(project: Project) -> None:
    project.write("""
        import subprocess

        def test_it(tape):
            try:
                subprocess.run(["./tool", "date"], capture_output=True)
            except FileNotFoundError:
                pass
    """)
    path = tool(project)
    project.record()
    path.unlink()
    result = verify(project)
    assert result.ret == 0
    assert summary(result)[1:] == [
        "skipped: test_it.py::test_it, entry 1 `./tool date`: ./tool is not installed here"
    ]


def test_without_a_tape_nothing_can_be_said(project: Project) -> None:
    project.write(TEST)
    tool(project)
    result = verify(project)
    assert result.ret == 0
    assert summary(result)[1:] == ["skipped: test_it.py::test_it: there is no tape to hold 4 spawns against"]


def test_a_test_that_fails_fails_and_its_drift_is_told(verified: Project) -> None:
    verified.edit('ask("date")', 'assert ask("date") == "made by 12345\\\\n"')
    tool(verified, "12345", "99")
    result = verify(verified)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "  now:  made by 99" in summary(result)


def test_a_test_that_stops_half_way_owes_no_spawns(verified: Project) -> None:
    verified.edit('ask("date")', "assert False")
    result = verify(verified)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not [line for line in summary(result) if "mismatch" in line]


def test_paths_of_this_run_do_not_count(project: Project) -> None:
    project.write("""
        import subprocess

        def test_it(tape, tmp_path):
            subprocess.run(["sh", "-c", f"echo {tmp_path}"], cwd=tmp_path, capture_output=True)
    """)
    project.record()
    assert verify(project, "--basetemp=elsewhere").ret == 0


def test_a_tape_that_cannot_be_read_is_an_error(verified: Project) -> None:
    verified.tape().write_text("{")
    result = verify(verified)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "TapeCorrupt" in result.stdout.str()


def test_it_is_not_had_with_another_mode(verified: Project) -> None:
    result = verified.run_apart("--verify-tapes", "--record-tapes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--record-tapes and --verify-tapes can't be had at once" in result.stderr.str()


def test_what_the_test_answers_in_an_entrys_place_is_not_missing(verified: Project) -> None:
    overridden = 'tape.override("./tool", ["date"], exit_code=1)'
    verified.edit("def test_it(tape):", f"def test_it(tape):\n    {overridden}")
    assert verify(verified).ret == 0


def test_an_entry_with_a_pattern_is_held_against_what_it_stands_for(verified: Project) -> None:
    text = verified.tape().read_text()
    verified.tape().write_text(text.replace('"date"', '{"glob": "d*"}'))
    assert verify(verified).ret == 0
    tool(verified, "12345", "99")
    assert len(drift(verify(verified))) == 3


def test_what_does_not_have_to_match_is_not_compared(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("""
        import os, subprocess

        def test_it(tape, tmp_path):
            sent = os.environ["SENT"].encode()
            cwd = tmp_path if sent == b"b" else None
            subprocess.run(["cat"], input=sent, cwd=cwd, stdout=subprocess.DEVNULL)
    """)
    monkeypatch.setenv("SENT", "a")
    project.record()
    monkeypatch.setenv("SENT", "b")
    assert len(drift(verify(project))) == 3
    project.ini("tapes_match_on = program args")
    assert verify(project).ret == 0
