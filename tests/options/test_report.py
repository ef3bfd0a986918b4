"""What the report of a failed replay says: spawn, place, entry, difference, and what to do."""

from __future__ import annotations

import shlex

import pytest

from tests.options.project import ON_WORKERS, Project, foreign_frames

CODE = r"""
    import subprocess

    def log(*args, cwd=None):
        return subprocess.run(["echo", "log", *args], cwd=cwd, capture_output=True, text=True).stdout

    def status():
        return subprocess.check_output(["printf", "clean"])
"""
TEST = r"""
    import code_under_test
    import pytest

    def test_it(tape):
        code_under_test.log("--oneline", "-n", "5")
        code_under_test.status()
        code_under_test.log("--stat")
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with a tape of three entries."""
    project.write(CODE, "code_under_test.py")
    project.write(TEST)
    project.write("", "conftest.py")
    project.record()
    return project


def report_of(result: pytest.RunResult) -> list[str]:
    """The lines of the error's text."""
    return [line[1:].strip() for line in result.outlines if line.startswith("E ")]


def test_the_whole_report_of_a_divergence(recorded: Project) -> None:
    recorded.edit('"-n", "5"', '"-n", "6"')
    lines = report_of(recorded.replay(failed=1))
    assert [line for line in lines if line] == [
        "pytest_proctape.errors.Divergence: the test asked for something else than the tape has next",
        "the test asked for (spawn 1) at code_under_test.py:4 in log()",
        "echo log --oneline -n 6",
        "the tape has (entry 1 of 3 in tapes/test_it/test_it.json)",
        "echo log --oneline -n 5",
        "they differ in",
        "args[3]  tape: 5",
        "test: 6",
        "entry 3 (further on) is like it but for args[1], args[2], args[3]: echo log --stat",
        "if the change is meant, record this test again:",
        "pytest --record-tapes test_it.py::test_it",
    ]


def test_arguments_are_told_one_by_one(recorded: Project) -> None:
    recorded.edit('"--oneline", "-n", "5"', '"--one line", "-n"')
    lines = report_of(recorded.replay(failed=1))
    at = lines.index("they differ in")
    assert lines[at + 1 : at + 5] == [
        "args[1]  tape: --oneline",
        "test: --one line",
        "args[3]  tape: 5",
        "test: (nothing)",
    ]
    assert "echo log '--one line' -n" in lines


@pytest.mark.parametrize(
    "argument, shown",
    [
        ("", "test: ''"),
        (" ", "test: ' '"),
        ("a\\nb", "test: 'a\\nb'"),
        ("\\t", "test: '\\t'"),
        ("\\x1b[31m", "test: '\\x1b[31m'"),
        ("é", "test: é"),
        ("\\udcff", "test: '\\udcff'"),
    ],
)
def test_an_argument_that_is_hard_to_see_is_quoted(recorded: Project, argument: str, shown: str) -> None:
    recorded.edit('"5"', f'"{argument}"')
    result = recorded.replay(failed=1)
    assert shown in report_of(result)
    assert "\x1b" not in result.stdout.str()


def test_an_argument_that_is_not_unicode_is_told_by_workers_too(recorded: Project) -> None:
    pytest.importorskip("xdist")
    recorded.edit('"5"', '"\\udcff"')
    result = recorded.replay(*ON_WORKERS, failed=1)
    assert "test: '\\udcff'" in report_of(result)


def test_a_very_long_argument_is_cut(recorded: Project) -> None:
    recorded.edit('"5"', '"x" * 100_000')
    result = recorded.replay(failed=1)
    assert len(result.stdout.str()) < 6_000
    assert any("100000 characters" in line for line in report_of(result))


def test_another_program_is_told(recorded: Project) -> None:
    recorded.edit('["echo", "log", *args]', '["git", "log", *args]', "code_under_test.py")
    lines = report_of(recorded.replay(failed=1))
    at = lines.index("they differ in")
    assert lines[at + 1 : at + 3] == ["program  tape: echo", "test: git"]


def test_another_cwd_is_told_with_placeholders(recorded: Project) -> None:
    recorded.edit('"-n", "5"', '"-n", "5", cwd="/"')
    recorded.write_tape({"program": "echo", "args": ["log", "--oneline", "-n", "5"], "cwd": "<root>/sub"})
    lines = report_of(recorded.replay(failed=1))
    at = lines.index("they differ in")
    assert lines[at + 1 : at + 3] == ["cwd  tape: <root>/sub", "test: /"]


def test_the_expected_entry_and_an_exact_one_further_on(recorded: Project) -> None:
    recorded.edit('code_under_test.log("--oneline", "-n", "5")', 'code_under_test.log("--stat")')
    lines = report_of(recorded.replay(failed=1))
    assert "entry 3 (further on) is exactly this command" in lines


def test_an_exact_entry_that_was_replayed_already(recorded: Project) -> None:
    recorded.edit("code_under_test.status()", 'code_under_test.log("--oneline", "-n", "5")')
    lines = report_of(recorded.replay(failed=1))
    assert "the test asked for (spawn 2) at code_under_test.py:4 in log()" in lines
    assert "the tape has (entry 2 of 3 in tapes/test_it/test_it.json)" in lines
    assert "entry 1 (already replayed) is exactly this command" in lines


def test_the_report_of_an_exhaustion(recorded: Project) -> None:
    recorded.edit('log("--stat")', 'log("--stat")\n    code_under_test.log("--stat")')
    lines = report_of(recorded.replay(failed=1))
    assert [line for line in lines if line] == [
        "pytest_proctape.errors.Exhaustion: the test asked for more than the tape has",
        "the test asked for (spawn 4) at code_under_test.py:4 in log()",
        "echo log --stat",
        "the tape is tapes/test_it/test_it.json (3 entries)",
        "entry 3 (already replayed) is exactly this command",
        "entry 1 (already replayed) is like it but for args[1], args[2], args[3]: echo log --oneline -n 5",
        "if the change is meant, record this test again:",
        "pytest --record-tapes test_it.py::test_it",
    ]


def test_the_report_of_what_is_left_over(recorded: Project) -> None:
    recorded.edit('code_under_test.log("--stat")', "")
    recorded.edit("code_under_test.status()", "")
    result = recorded.replay(failed=1)
    assert [line for line in report_of(result) if line] == [
        (
            "pytest_proctape.errors.Leftover: the test asked for less than the tape has: "
            "2 entries were not replayed"
        ),
        "the tape is tapes/test_it/test_it.json (3 entries)",
        "entry 2: printf clean",
        "entry 3: echo log --stat",
        "if the change is meant, record this test again:",
        "pytest --record-tapes test_it.py::test_it",
    ]


def test_many_entries_left_over_are_not_all_told(project: Project) -> None:
    project.write("def test_it(tape): pass")
    project.write_tape(*({"program": "echo", "args": [str(number)]} for number in range(25)))
    result = project.replay(failed=1)
    lines = report_of(result)
    assert "entry 10: echo 9" in lines
    assert "and 15 more" in lines
    assert "entry 11: echo 10" not in lines


# -- frames ------------------------------------------------------------------------------------

FRAMES = {
    "raised": 'code_under_test.log("other")',
    "check_output": "import subprocess; subprocess.check_output(['other'])",
    "system": "import os; os.system('other')",
    "popen": "import os; os.popen('other')",
    "asyncio": "import asyncio; asyncio.run(asyncio.create_subprocess_exec('other'))",
    "swallowed": "try: code_under_test.log('other')\n    except Exception: pass",
    "nothing": "pass",
}


@pytest.mark.parametrize("how", FRAMES)
@pytest.mark.parametrize("options", [(), ("--tb=short",), ("--tb=long",)], ids=["auto", "short", "long"])
def test_only_frames_of_the_user_are_shown(recorded: Project, how: str, options: tuple[str, ...]) -> None:
    recorded.edit('code_under_test.log("--oneline", "-n", "5")', FRAMES[how])
    recorded.edit("code_under_test.status()", "")
    recorded.edit('code_under_test.log("--stat")', "")
    result = recorded.replay(*options, failed=1)
    assert foreign_frames(result) == []
    assert "pytest_proctape/" not in result.stdout.str()
    if how == "raised":
        result.stdout.fnmatch_lines(["test_it.py:5:*", "code_under_test.py:4: *"])


@pytest.mark.parametrize("how", ["raised", "swallowed", "nothing"])
def test_tb_is_respected(recorded: Project, how: str) -> None:
    recorded.edit('code_under_test.log("--oneline", "-n", "5")', FRAMES[how])
    recorded.edit("code_under_test.status()", "")
    recorded.edit('code_under_test.log("--stat")', "")
    assert report_of(recorded.replay("--tb=no", failed=1)) == []
    by_line = recorded.replay("--tb=line", failed=1)
    assert not [line for line in by_line.outlines if line.startswith(">")]
    native = recorded.replay("--tb=native", failed=1)
    assert "pytest_proctape.errors." in native.stdout.str()
    assert "pytest_proctape/" not in native.stdout.str()


def test_the_short_summary_names_the_kind(recorded: Project) -> None:
    recorded.edit('"-n", "5"', '"-n", "6"')
    result = recorded.replay(failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_it - Divergence: args[[]3[]] is 6, on the tape 5"])


def test_the_short_summary_names_the_kind_of_what_is_left_over(recorded: Project) -> None:
    recorded.edit('code_under_test.log("--stat")', "")
    result = recorded.replay(failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_it - Leftover: not replayed: echo log --stat"])


# -- the place in the user's code --------------------------------------------------------------


def test_the_place_is_the_innermost_of_the_users(recorded: Project) -> None:
    recorded.edit('code_under_test.log("--oneline", "-n", "5")', FRAMES["check_output"])
    lines = report_of(recorded.replay(failed=1))
    assert "the test asked for (spawn 1) at test_it.py:5 in test_it()" in lines


def test_the_place_of_an_asyncio_spawn_is_in_the_users_code(project: Project) -> None:
    project.write_tape({"program": "true"})
    project.write(
        """
        import asyncio

        async def work():
            await asyncio.create_subprocess_exec("other")

        def test_it(tape):
            asyncio.run(work())
        """
    )
    lines = report_of(project.replay(failed=1))
    assert "the test asked for (spawn 1) at test_it.py:4 in work()" in lines


def test_the_place_in_a_thread_is_in_the_users_code(project: Project) -> None:
    project.write_tape({"program": "true"})
    project.write(
        """
        import subprocess
        from concurrent.futures import ThreadPoolExecutor

        def work():
            try:
                subprocess.run(["other"])
            except Exception:
                pass

        def test_it(tape):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(work)
        """
    )
    lines = report_of(project.replay(failed=1))
    assert "the test asked for (spawn 1) at test_it.py:6 in work()" in lines


# -- the command -------------------------------------------------------------------------------

ODD = r"""
    import subprocess
    import pytest

    WORDS = ["a b", "it's", '"', "$HOME", "[x]", "a::b", "é", "\\", "a\nb", ";", "*"]

    @pytest.mark.parametrize("word", WORDS)
    def test_it(tape, word):
        subprocess.run(["echo", "NOW"], capture_output=True)
"""


def test_the_command_really_records_the_test_again(project: Project) -> None:
    project.write(ODD, "tests/a dir/test_odd.py")
    project.record(passed=11)
    project.edit("NOW", "THEN", "tests/a dir/test_odd.py")
    result = project.replay(failed=11)
    lines = report_of(result)
    commands = [shlex.split(line) for line in lines if line.startswith("pytest --record-tapes ")]
    assert len(commands) == 11
    for command in commands:
        project.run(*command[1:]).assert_outcomes(passed=1)
    project.replay(passed=11)


def test_the_command_works_from_the_directory_that_pytest_was_started_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.ini()
    project.write(TEST, "sub/test_it.py")
    project.write(CODE, "sub/code_under_test.py")
    monkeypatch.chdir(project.path / "sub")
    result = project.replay(failed=1)
    (line,) = [line for line in report_of(result) if line.startswith("next:")]
    command = shlex.split(line[line.index("pytest ") :])
    project.run(*command[1:]).assert_outcomes(passed=1)
    assert project.tapes() == ["sub/test_it/test_it.json"]
    project.edit('"5"', '"6"', "sub/test_it.py")
    lines = report_of(project.replay(failed=1))
    project.run(*shlex.split(lines[-1])[1:]).assert_outcomes(passed=1)
    project.replay(passed=1)


# -- the errors as objects ---------------------------------------------------------------------


def test_the_error_carries_what_the_report_says(project: Project) -> None:
    project.write_tape({"program": "echo", "args": ["a"]}, {"program": "echo", "args": ["b"]})
    project.write(
        """
        import subprocess
        from pytest_proctape import Divergence, Exhaustion, ReplayError

        def test_it(tape):
            try:
                subprocess.run(["echo", "b"])
            except Divergence as error:
                assert isinstance(error, ReplayError)
                assert error.headline == "the test asked for something else than the tape has next"
                assert error.spawn.argv == ("echo", "b")
                (one,) = error.differences
                assert (one.field, one.expected, one.actual) == ("args[0]", "a", "b")
                (near,) = error.near
                assert (near.index, near.differences, near.consumed) == (1, (), False)
                assert error.place == "test_it.py:6 in test_it()"
                assert error.next_step == "pytest --record-tapes test_it.py::test_it"
                assert error.report == str(error)
                print("all of it")
        """
    )
    project.replay(failed=1).stdout.fnmatch_lines(["all of it"])


# -- stdin and outputs -------------------------------------------------------------------------


def test_other_input_is_told(project: Project) -> None:
    project.write(
        r"""
        import subprocess

        def test_it(tape):
            subprocess.run(["cat"], input=b"one\ntwo\nthree\n", capture_output=True)
        """
    )
    project.record()
    project.edit("two", "zwei")
    lines = report_of(project.replay(failed=1))
    at = lines.index("they differ in")
    assert lines[at + 1].startswith("stdin, byte 4  tape: ")
    assert "two" in lines[at + 1]
    assert "zwei" in lines[at + 2]


def test_an_output_that_was_not_recorded_is_told(project: Project) -> None:
    project.write(
        """
        import subprocess

        def test_it(tape):
            subprocess.run(["echo", "x"], stdout=subprocess.DEVNULL)
        """
    )
    project.record()
    project.edit("DEVNULL", "PIPE")
    lines = report_of(project.replay(failed=1))
    at = lines.index("they differ in")
    assert lines[at + 1 : at + 3] == ["stdout  tape: (discarded)", "test: (looked at)"]
