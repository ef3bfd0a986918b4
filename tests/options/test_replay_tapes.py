"""--replay-tapes, which is the default, too: what is matched, and what a test without a tape gets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from tests.options.project import Project, counted

ONE = r"""
    import subprocess

    def test_it(tape):
        done = subprocess.run(["echo", "one"], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", "")
"""

LIST = r"""
    import subprocess
    import pytest
    from pytest_proctape import Divergence

    WORDS = ["a", "b"]

    def test_it(tape):
        for word in WORDS:
            done = subprocess.run(["echo", word], capture_output=True, text=True)
            assert done.stdout == word + "\n"
"""


@pytest.mark.parametrize("flags", [(), ("--replay-tapes",)], ids=["default", "flag"])
def test_replay_starts_no_process(project: Project, flags: tuple[str, ...]) -> None:
    project.write(ONE)
    project.record()
    assert counted(project.replay(*flags, passed=1)) == "tests: 1 replayed; spawns: 1 replayed"


def test_the_tape_and_not_the_tool_decides(project: Project) -> None:
    project.write_tape(
        {"program": "echo", "args": ["one"], "stdout": "tape\n", "stderr": "e", "exit_code": 3}
    )
    project.write(ONE)
    project.edit('(0, "one\\n", "")', '(3, "tape\\n", "e")')
    project.replay(passed=1)


def test_a_tape_in_the_plain_form_of_a_bare_list_is_a_tape(project: Project) -> None:
    project.write_tape(
        {
            "program": "echo",
            "args": ["one"],
            "cwd": None,
            "env": None,
            "stdout": "one\n",
            "stderr": "",
            "exit_code": 0,
            "duration_ms": 12.5,
        }
    )
    project.write(ONE)
    project.replay(passed=1)


@pytest.mark.parametrize("flags", [(), ("--replay-tapes",)], ids=["default", "flag"])
def test_without_a_tape_the_first_spawn_fails_and_names_the_command_that_records_it(
    project: Project, flags: tuple[str, ...]
) -> None:
    project.write(ONE)
    result = project.replay(*flags, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*TapeNotFound: */tapes/test_it/test_it.json: *`echo one` at test_it.py:4 in test_it()*no tape",
            "*pytest --record-tapes test_it.py::test_it",
            "test_it.py:4: TapeNotFound",
        ]
    )
    assert not (project.path / "tapes").exists()


def test_the_command_that_a_test_without_a_tape_prints_records_it(project: Project) -> None:
    project.write(ONE.replace("test_it(tape)", "test_it(tape, word)"))
    project.edit('["echo", "one"]', '["echo", word]')
    project.edit(
        "def test_it",
        "import pytest\n\n@pytest.mark.parametrize('word', ['one', 'a b\"c'])\ndef test_it",
    )
    project.edit('"one\\n"', 'word + "\\n"')
    result = project.replay(failed=2)
    for command in recording_commands(result):
        assert command[0] == "pytest"
        project.run(*command[1:]).assert_outcomes(passed=1)
    project.replay(passed=2)


def recording_commands(result: pytest.RunResult) -> list[list[str]]:
    found = [line.partition("pytest --record-tapes ") for line in result.outlines]
    commands = [shlex.split("pytest --record-tapes " + rest) for _, match, rest in found if match]
    assert commands
    return commands


@pytest.mark.parametrize("flags", [(), ("--replay-tapes",)], ids=["default", "flag"])
def test_a_taped_test_that_never_spawns_needs_no_tape(project: Project, flags: tuple[str, ...]) -> None:
    project.write("def test_it(tape): assert (tape.entries, tape.spawns) == ((), [])")
    result = project.replay(*flags, passed=1)
    assert counted(result) == ""


def test_replay_writes_nothing(project: Project) -> None:
    project.write(LIST)
    project.record()
    before = {name: (project.path / "tapes" / name).stat().st_mtime_ns for name in project.tapes()}
    project.edit('"a", "b"', '"a", "x"')
    project.replay(failed=1)
    assert {name: (project.path / "tapes" / name).stat().st_mtime_ns for name in project.tapes()} == before


# -- order -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["b a", "b", "a a b", "a x", "x"])
def test_entries_are_asked_for_in_their_order_or_diverge(project: Project, words: str) -> None:
    project.write(LIST)
    project.record()
    project.edit('["a", "b"]', repr(words.split()))
    result = project.replay(failed=1)
    assert "Divergence" in result.stdout.str()


def test_more_than_the_tape_has_exhausts_it(project: Project) -> None:
    project.write(LIST)
    project.record()
    project.edit('["a", "b"]', '["a", "b", "c"]')
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*Exhaustion: the test asked for more than the tape has", "*echo c*"])


def test_less_than_the_tape_has_leaves_entries_over(project: Project) -> None:
    project.write(LIST)
    project.record()
    project.edit('["a", "b"]', '["a"]')
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ["*Leftover: the test asked for less than the tape has*", "*entry 2: echo b*", "*--record-tapes*"]
    )


def test_no_spawn_at_all_leaves_all_entries_over(project: Project) -> None:
    project.write(LIST)
    project.record()
    project.edit('["a", "b"]', "[]")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*2 entries were not replayed*", "*entry 1: echo a", "*entry 2: echo b"])


def test_a_mismatch_leaves_the_cursor_where_it_is(project: Project) -> None:
    project.write_tape(
        {"program": "echo", "args": ["a"], "stdout": "a\n"},
        {"program": "echo", "args": ["b"], "stdout": "b\n"},
    )
    project.write(
        r"""
        import subprocess
        import pytest
        from pytest_proctape import Divergence

        def say(word):
            return subprocess.run(["echo", word], capture_output=True, text=True).stdout

        def test_it(tape):
            for _ in range(3):
                with pytest.raises(Divergence) as caught:
                    say("x")
                assert caught.value.near[0].index == 1 and not caught.value.near[0].consumed
            assert say("a") == "a\n"
            with pytest.raises(Divergence):
                say("y")
            assert say("b") == "b\n"
            assert [spawn.args for spawn in tape.spawns] == [["a"], ["b"]]
            print("went all the way")
        """
    )
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*went all the way*"])
    assert "AssertionError" not in result.stdout.str()


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda entries: entries[1:], "Divergence: "),
        (lambda entries: entries[:1], "Exhaustion: "),
        (lambda entries: [*entries, entries[0]], "Leftover: "),
        (lambda entries: [entries[0], entries[0], entries[1]], "Divergence: "),
        (lambda entries: entries[::-1], "Divergence: "),
        (lambda entries: [], "Exhaustion: "),
        (lambda entries: [entries[0], {**entries[1], "args": ["c"]}], "Divergence: "),
    ],
    ids=["first deleted", "last deleted", "added", "inserted", "swapped", "all deleted", "changed"],
)
def test_a_tape_edited_by_hand_is_held_to(
    project: Project, change: Callable[[list[Any]], list[Any]], told: str
) -> None:
    project.write(LIST)
    project.record()
    tape = json.loads(project.tape().read_bytes())
    tape["entries"] = change(tape["entries"])
    project.tape().write_text(json.dumps(tape))
    assert told in project.replay(failed=1).stdout.str()


# -- what is compared --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, field",
    [
        ({"program": "printf"}, "program"),
        ({"args": ["two"]}, "args[0]"),
        ({"args": ["one", "two"]}, "args[1]"),
        ({"args": []}, "args[0]"),
        ({"args": [""]}, "args[0]"),
        ({"cwd": "elsewhere"}, "cwd"),
        ({"argv0": "other"}, "argv0"),
    ],
    ids=str,
)
def test_program_args_and_cwd_are_compared(project: Project, change: dict[str, object], field: str) -> None:
    entry: dict[str, object] = {"program": "echo", "args": ["one"], "stdout": "one\n"}
    project.write(ONE)
    project.write_tape(entry)
    project.replay(passed=1)
    project.write_tape(entry | change)
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*Divergence*", "*they differ in", f"*{field.replace('[', '[[]')}*tape: *"])


CWD = r"""
    import os, subprocess, sys

    def test_it(tape, tmp_path):
        subprocess.run(["true"], cwd=tmp_path)
        (tmp_path / "sub").mkdir()
        subprocess.run(["true"], cwd=tmp_path / "sub")
"""


def test_a_null_cwd_matches_any(project: Project) -> None:
    project.write(CWD)
    project.write_tape({"program": "true", "cwd": None}, {"program": "true"})
    project.replay(passed=1)


def test_a_recorded_cwd_matches_the_same_place_in_another_run(project: Project) -> None:
    project.write(CWD)
    project.record()
    assert [entry["cwd"] for entry in project.entries()] == ["<tmp>", "<tmp>/sub"]
    project.replay(passed=1)


def test_another_cwd_diverges(project: Project) -> None:
    project.write(CWD)
    project.record()
    project.edit('cwd=tmp_path / "sub"', "cwd=tmp_path")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*cwd  tape: <tmp>/sub", "*test: <tmp>"])


def test_the_tests_own_directory_is_no_cwd(project: Project) -> None:
    project.write(ONE)
    project.record()
    assert "cwd" not in project.entries()[0]
    project.edit("capture_output=True", "cwd='.', capture_output=True")
    project.replay(passed=1)


def test_a_directory_that_the_test_changed_to_is_a_cwd(project: Project) -> None:
    project.write(ONE)
    project.edit("test_it(tape):", "test_it(tape, tmp_path, monkeypatch):\n    monkeypatch.chdir(tmp_path)")
    project.record()
    assert project.entries()[0]["cwd"] == "<tmp>"
    project.replay(passed=1)
    project.edit("chdir(tmp_path)", "chdir('/')")
    project.replay(failed=1)


# -- random order and selections ---------------------------------------------------------------

MANY = r"""
    import subprocess
    import pytest

    @pytest.mark.parametrize("word", [f"w{i}" for i in range(6)])
    def test_it(tape, word):
        for one in (word, word * 2):
            done = subprocess.run(["echo", one], capture_output=True, text=True)
            assert done.stdout == one + "\n"
"""

SHUFFLED = """
    import random

    def pytest_collection_modifyitems(items):
        random.Random({seed}).shuffle(items)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_tests_does_not_matter(project: Project, seed: int) -> None:
    project.write(MANY)
    project.write(SHUFFLED.format(seed=seed), "conftest.py")
    project.record()
    project.write(SHUFFLED.format(seed=seed + 100), "conftest.py")
    project.replay(passed=6)


@pytest.mark.parametrize(
    "options, outcomes",
    [
        (("-k", "w3"), {"passed": 1, "deselected": 5}),
        (("test_it.py::test_it[w3]",), {"passed": 1}),
        (("-x",), {"passed": 6}),
        (("--lf",), {"passed": 6}),
        (("--ff",), {"passed": 6}),
    ],
    ids=["k", "nodeid", "x", "lf", "ff"],
)
def test_any_selection_replays(project: Project, options: tuple[str, ...], outcomes: dict[str, int]) -> None:
    project.write(MANY)
    project.record()
    project.replay(*options, **outcomes)


def test_x_stops_at_the_first_divergence_and_lf_comes_back_to_it(project: Project) -> None:
    project.write(MANY)
    project.record()
    project.edit("(word, word * 2)", "(word, word * (3 if word == 'w2' else 2))")
    project.replay("-x", failed=1, passed=2)
    project.replay("--lf", failed=1)
    project.record("--lf", passed=1)
    project.replay(passed=6)


def test_one_test_can_be_run_many_times_in_a_process(project: Project) -> None:
    project.write(MANY)
    project.record()
    project.write("def pytest_collection_modifyitems(items): items.extend(list(items))", "conftest.py")
    project.replay(passed=12)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_pytest_randomly_does_not_matter(project: Project, seed: str) -> None:
    pytest.importorskip("pytest_randomly")
    project.write(MANY)
    project.record()
    project.replay("-p", "randomly", f"--randomly-seed={seed}", passed=6)


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new", "--replay-tapes", "--live-tapes"])
def test_no_mode_warns_of_anything(project: Project, flag: str) -> None:
    project.write(MANY)
    project.record()
    project.run("-W", "error", flag).assert_outcomes(passed=6, warnings=0)


def test_a_test_that_replaces_what_files_are_read_with_replays(project: Project) -> None:
    project.write(
        """
        import builtins, os, subprocess
        from unittest import mock

        def test_it(tape):
            with (
                mock.patch.object(builtins, "open", side_effect=OSError),
                mock.patch.object(os, "listdir", side_effect=OSError),
                mock.patch.object(os.path, "exists", side_effect=OSError),
                mock.patch.object(os.path, "realpath", side_effect=OSError),
            ):
                assert subprocess.run(["true"]).returncode == 0
        """
    )
    project.record(passed=1)
    project.replay(passed=1)
