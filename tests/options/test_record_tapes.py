"""--record-tapes, plain and with =all, =missing and =new."""

from __future__ import annotations

import pytest

from tests.options.project import Project, counted

TWO = r"""
    import subprocess

    def say(word):
        return subprocess.run(["echo", word], capture_output=True, text=True, check=True).stdout

    def test_one(tape):
        assert say("one") == "one\n"

    def test_two(tape):
        assert say("two") == "two\n"
"""

THREE_SPAWNS = r"""
    import subprocess

    WORDS = ["a", "b", "c"]

    def test_it(tape):
        for word in WORDS:
            done = subprocess.run(["echo", word], capture_output=True, text=True)
            assert done.stdout == word + "\n"
"""


def test_what_was_recorded_is_replayed_without_a_process(
    project: Project, run_options: tuple[str, ...]
) -> None:
    project.write(TWO)
    recorded = project.record(*run_options, passed=2)
    assert project.tapes() == ["test_it/test_one.json", "test_it/test_two.json"]
    assert counted(recorded) == "tests: 2 recorded; spawns: 2 real"
    replayed = project.replay(*run_options, passed=2)
    assert counted(replayed) == "tests: 2 replayed; spawns: 2 replayed"


def test_recording_starts_the_real_commands(project: Project) -> None:
    project.write(TWO)
    project.record(passed=2)
    assert len(project.real) == 2


def test_recording_again_what_did_not_change_leaves_the_file_as_it_is(project: Project) -> None:
    project.write(TWO)
    project.record()
    before = {name: (project.path / "tapes" / name).stat() for name in project.tapes()}
    text = project.tape("test_one").read_bytes()
    result = project.record()
    after = {name: (project.path / "tapes" / name).stat() for name in project.tapes()}
    assert project.tape("test_one").read_bytes() == text
    assert [one.st_ino for one in after.values()] == [one.st_ino for one in before.values()]
    assert counted(result) == "tests: 2 unchanged; spawns: 2 real"


def test_only_the_selected_tests_are_recorded_anew(project: Project) -> None:
    project.write(TWO)
    project.record()
    before = project.tape("test_two").read_bytes()
    project.edit('"one"', '"uno"')
    project.edit("one\\n", "uno\\n")
    project.edit('"two"', '"due"')
    project.record("-k", "one", passed=1, deselected=1)
    assert project.commands("test_one") == ["echo uno"]
    assert project.tape("test_two").read_bytes() == before


def test_a_changed_command_is_recorded_anew(project: Project) -> None:
    project.write(THREE_SPAWNS)
    project.record()
    project.edit('"a", "b", "c"', '"a", "x"')
    project.replay(failed=1)
    project.record(passed=1)
    assert project.commands() == ["echo a", "echo x"]
    project.replay(passed=1)


def test_all_is_the_flag_without_a_value(project: Project) -> None:
    project.write(TWO)
    project.record()
    project.edit('"one"', '"uno"')
    project.edit("one\\n", "uno\\n")
    project.run("--record-tapes=all").assert_outcomes(passed=2)
    assert project.commands("test_one") == ["echo uno"]
    assert len(project.real) == 2


def test_a_file_behind_the_flag_is_a_file(project: Project) -> None:
    project.write(TWO, "tests/test_a.py")
    project.write(TWO, "tests/test_b.py")
    result = project.run("--record-tapes", "tests/test_a.py")
    result.assert_outcomes(passed=2)
    assert project.tapes() == ["tests/test_a/test_one.json", "tests/test_a/test_two.json"]


def test_an_unknown_value_is_a_usage_error_that_names_the_right_ones(project: Project) -> None:
    project.write(TWO)
    result = project.run("--record-tapes=mising")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*result.errlines, *result.outlines])
    assert "'mising'" in told
    for right in ("--record-tapes=all", "--record-tapes=missing", "--record-tapes=new"):
        assert right in told
    assert project.tapes() == []


# -- missing -----------------------------------------------------------------------------------


def test_missing_records_only_tests_without_a_tape(project: Project) -> None:
    project.write(TWO)
    project.record("-k", "one", passed=1, deselected=1)
    before = project.tape("test_one").read_bytes()
    result = project.run("--record-tapes=missing")
    result.assert_outcomes(passed=2)
    assert len(project.real) == 1
    assert project.tape("test_one").read_bytes() == before
    assert project.commands("test_two") == ["echo two"]
    assert counted(result) == "tests: 1 replayed, 1 recorded; spawns: 1 replayed, 1 real"
    project.replay(passed=2)


def test_missing_replays_a_test_that_has_a_tape_and_so_fails_one_that_changed(project: Project) -> None:
    project.write(TWO)
    project.record()
    before = project.tape("test_one").read_bytes()
    project.edit('"one"', '"uno"')
    project.run("--record-tapes=missing").assert_outcomes(passed=1, failed=1)
    assert project.real == []
    assert project.tape("test_one").read_bytes() == before


def test_missing_records_nothing_for_a_test_that_never_spawns(project: Project) -> None:
    project.write("def test_it(tape): pass")
    project.run("--record-tapes=missing").assert_outcomes(passed=1)
    assert project.tapes() == []


# -- new ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, real",
    [
        (["a", "b", "c"], 0),
        (["a", "x", "b", "c"], 1),
        (["x", "a", "b", "c"], 1),
        (["a", "b", "c", "x", "y"], 2),
        (["a", "x", "c"], 1),
        (["x", "y", "z"], 3),
        (["a", "c"], 0),
        (["b"], 0),
        (["c", "b", "a"], 2),
        (["a", "a", "b", "c"], 1),
        (["a", "b", "b", "c"], 1),
    ],
    ids=lambda value: "".join(value) if isinstance(value, list) else str(value),
)
def test_new_records_in_its_place_what_is_not_there(project: Project, words: list[str], real: int) -> None:
    project.write(THREE_SPAWNS)
    project.record()
    old = project.entries()
    project.edit('["a", "b", "c"]', repr(words))
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert project.commands() == [f"echo {word}" for word in words]
    assert len(project.real) == real
    kept = [entry for entry in project.entries() if entry in old]
    assert len(kept) == len(words) - real
    project.replay(passed=1)


def test_new_with_nothing_new_leaves_the_file_as_it_is(project: Project) -> None:
    project.write(THREE_SPAWNS)
    project.record()
    before = project.tape().stat().st_ino, project.tape().read_bytes()
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert (project.tape().stat().st_ino, project.tape().read_bytes()) == before


def test_new_records_a_test_without_a_tape(project: Project) -> None:
    project.write(TWO)
    result = project.run("--record-tapes=new")
    result.assert_outcomes(passed=2)
    assert counted(result) == "tests: 2 recorded; spawns: 2 real"
    project.replay(passed=2)


def test_new_keeps_a_hand_written_entry_that_is_still_asked_for(project: Project) -> None:
    project.write_tape({"program": "echo", "args": ["b"], "stdout": "b\n", "note": "by hand"})
    project.write(THREE_SPAWNS)
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert project.commands() == ["echo a", "echo b", "echo c"]
    assert project.entries()[1]["note"] == "by hand"
    project.replay(passed=1)


def test_new_of_a_failing_test_keeps_the_tape(project: Project) -> None:
    project.write(THREE_SPAWNS)
    project.record()
    before = project.tape().read_bytes()
    project.edit('"a", "b", "c"', '"a", "x", "b"')
    project.edit('== word + "\\n"', '== "a\\n"')
    project.run("--record-tapes=new").assert_outcomes(failed=1)
    assert project.tape().read_bytes() == before


# -- a test without spawns ---------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new", "--record-tapes=missing"])
def test_a_test_that_never_spawns_gets_no_tape(project: Project, flag: str) -> None:
    project.write("def test_it(tape): assert tape.spawns == []")
    result = project.run(flag)
    result.assert_outcomes(passed=1)
    assert not (project.path / "tapes").exists()
    assert counted(result) == ""


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new"])
def test_the_stale_tape_of_a_test_that_spawns_no_more_is_removed(project: Project, flag: str) -> None:
    project.write(TWO)
    project.record()
    project.edit('assert say("two") == "two\\n"', "pass")
    project.replay(passed=1, failed=1)
    result = project.run(flag)
    result.assert_outcomes(passed=2)
    assert project.tapes() == ["test_it/test_one.json"]
    assert "1 removed" in counted(result)
    project.replay(passed=2)
