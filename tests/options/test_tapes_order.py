"""``order`` of the marker and ``tapes_order``: spawns come in the tape's order, or in any."""

from __future__ import annotations

import pytest

from tests.options.project import Project

HEAD = r"""
import subprocess, threading
import pytest

def say(*words, cwd=None):
    return subprocess.run(["echo", *words], capture_output=True, text=True, cwd=cwd).stdout

"""
ANY = '@pytest.mark.tape(order="any")\n'


def test_a_strict_tape_is_the_default(project: Project) -> None:
    project.write(HEAD + "def test_it(tape):\n    say('a'); say('b')\n")
    project.record()
    project.edit("say('a'); say('b')", "say('b'); say('a')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*Divergence: the test asked for something else than the tape has next"])


@pytest.mark.parametrize("by", ["marker", "ini"])
def test_any_order_replays_in_any(project: Project, by: str, run_options: tuple[str, ...]) -> None:
    if by == "ini":
        project.ini("tapes_order = any")
    body = "def test_it(tape):\n    for word in 'abcab':\n        assert say(word) == word + '\\n'\n"
    project.write(HEAD + (ANY if by == "marker" else "") + body)
    project.record()
    project.edit("'abcab'", "'bbaac'")
    project.replay(*run_options)


def test_the_marker_overrules_the_ini_file(project: Project) -> None:
    project.ini("tapes_order = any")
    project.write(HEAD + "@pytest.mark.tape(order='strict')\ndef test_it():\n    say('a'); say('b')\n")
    project.record()
    project.edit("say('a'); say('b')", "say('b'); say('a')")
    project.replay(failed=1)


@pytest.mark.parametrize("value", ["'anny'", "3"])
def test_an_order_that_is_not_known_is_told(project: Project, value: str) -> None:
    project.write(HEAD + f"@pytest.mark.tape(order={value})\ndef test_it():\n    pass\n")
    result = project.run()
    result.stderr.fnmatch_lines(["ERROR: *tape(order=...)*strict, any*"])


def test_equal_commands_are_served_in_the_order_in_which_they_were_recorded(project: Project) -> None:
    project.write(
        HEAD
        + ANY
        + r"""
def test_it(tape, tmp_path):
    (tmp_path / "f").write_text("")
    seen = []
    for word in WORDS:
        with open(tmp_path / "f", "a") as file:
            file.write(word)
        seen.append(subprocess.run(["cat", "f"], cwd=tmp_path, capture_output=True, text=True).stdout)
        say(word)
    assert seen == ["a", "ab", "abc"]
""".replace("WORDS", "'abc'")
    )
    project.record()
    project.replay()


def test_threads_that_race_replay_whatever_comes_first(project: Project) -> None:
    project.write(
        HEAD
        + ANY
        + r"""
def test_it(tape):
    # Each thread is let go by the one before it, so the order is the one of ORDER.
    gates = {word: threading.Event() for word in "abcd"}
    said = {}
    ORDER = "abcd"
    def work(word):
        gates[word].wait()
        said[word] = say(word)
        following = ORDER[ORDER.index(word) + 1:][:1]
        if following:
            gates[following].set()
    threads = [threading.Thread(target=work, args=(word,)) for word in ORDER]
    for thread in threads:
        thread.start()
    gates[ORDER[0]].set()
    for thread in threads:
        thread.join()
    assert said == {word: word + "\n" for word in "abcd"}
"""
    )
    project.record()
    project.edit('ORDER = "abcd"', 'ORDER = "dbca"')
    project.replay()


def test_a_strict_tape_met_by_threads_says_what_to_do(project: Project) -> None:
    project.write(
        HEAD
        + r"""
def test_it(tape):
    for word in "ab":
        thread = threading.Thread(target=say, args=(word,))
        thread.start()
        thread.join()
"""
    )
    project.record()
    project.edit('"ab"', '"ba"')
    result = project.replay("-W", "ignore", failed=1)
    result.stdout.fnmatch_lines(
        [
            "*entry 2 (further on) is exactly this command",
            "*the test starts processes in threads, so their order may be chance: then mark it with",
            '*@pytest.mark.tape(order="any"), or make the order certain',
        ]
    )


@pytest.mark.parametrize("maximum", [1, 9])
def test_a_test_of_hypothesis_says_what_to_do(project: Project, maximum: int) -> None:
    project.write(
        HEAD
        + r"""
from hypothesis import HealthCheck, given, settings, strategies

@given(strategies.integers(3, 3))
@settings(suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
def test_it(tape, number):
    say(str(number))
"""
    )
    project.record("-W", "ignore")
    project.replay("-W", "ignore")
    project.edit("(3, 3)", f"(0, {maximum})")
    result = project.replay("-W", "ignore", failed=1)
    result.stdout.fnmatch_lines(
        [
            "*hypothesis draws other examples in every run*",
            "*@settings(derandomize=True), and record it again",
        ]
    )


def test_a_strict_tape_met_in_another_order_says_what_to_do(project: Project) -> None:
    project.write(HEAD + "def test_it(tape):\n    for word in 'abc':\n        say(word)\n")
    project.record()
    project.edit("'abc'", "'acb'")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*entry 3 (further on) is exactly this command",
            "*if the order of these commands is another one in every run, as that of a set, mark the test*",
            '*@pytest.mark.tape(order="any"), or make the order certain',
        ]
    )


def test_a_command_that_is_not_asked_for_any_more_is_no_matter_of_order(project: Project) -> None:
    project.write(HEAD + "def test_it(tape):\n    say('a'); say('b', 'c'); say('d')\n")
    project.record()
    project.edit("say('b', 'c'); ", "")
    told = project.replay(failed=1).stdout
    told.fnmatch_lines(["*entry 3 (further on) is exactly this command"])
    told.no_fnmatch_line("*order=*")


def test_arguments_in_another_order_are_told(project: Project) -> None:
    project.write(HEAD + "def test_it(tape):\n    subprocess.run(['echo', 'x', *'abc'])\n")
    project.record()
    project.edit("'abc'", "'cba'")
    told = project.replay(failed=1).stdout
    told.fnmatch_lines(["*the arguments are the same in another order: *", "*sorted() makes it certain"])
    project.edit("'cba'", "'abd'")
    told = project.replay(failed=1).stdout
    told.no_fnmatch_line("*in another order*")


# -- reports -------------------------------------------------------------------------------------


def test_one_time_too_many_says_how_often_it_was_recorded(project: Project) -> None:
    project.write(HEAD + ANY + "def test_it():\n    say('a'); say('b'); say('a')\n")
    project.record()
    project.edit("say('a'); say('b'); say('a')", "say('a'); say('a'); say('a')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Exhaustion: the test asked for more than the tape has",
            "*the tape has this command 2 times, and the test asks for it a 3rd time",
        ]
    )
    assert "(already replayed)" not in result.stdout.str()


def test_a_command_that_is_not_there_is_told_with_the_nearest_that_is_left(project: Project) -> None:
    project.write(HEAD + ANY + "def test_it():\n    say('a', 'x'); say('b', 'y'); say('c', 'z')\n")
    project.record()
    project.edit("say('b', 'y'); say('c', 'z')", "say('b', 'w')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Divergence: the test asked for something that the tape does not have",
            "*the tape has (entry 2 of 3 in *",
            "*echo b y",
            "*args[[]1]  tape: y",
            "*test: w",
        ]
    )


def test_what_was_not_asked_for_is_left_over(project: Project) -> None:
    project.write(HEAD + ANY + "def test_it():\n    say('a'); say('b'); say('c')\n")
    project.record()
    project.edit("say('a'); say('b'); say('c')", "say('b')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ["*Leftover*: 2 entries were not replayed", "*entry 1: echo a", "*entry 3: echo c"]
    )


# -- recording -----------------------------------------------------------------------------------


def test_recorded_again_in_another_order_leaves_the_file_as_it_is(project: Project) -> None:
    project.write(HEAD + ANY + "def test_it():\n    [say(one) for one in 'abcdb']\n")
    project.record()
    before = project.tape().read_bytes()
    project.edit("'abcdb'", "'bdbca'")
    result = project.record()
    assert project.tape().read_bytes() == before
    assert "1 unchanged" in result.stdout.str()


def test_recorded_again_a_change_is_in_its_old_place(project: Project) -> None:
    project.write(HEAD + ANY + "def test_it():\n    [say(one) for one in 'abcd']\n")
    project.record()
    project.edit("'abcd'", "'dxcb'")
    project.record()
    # a is gone; x is new and came behind d.
    assert project.commands() == ["echo b", "echo c", "echo d", "echo x"]


def test_new_records_what_is_missing_and_replays_the_rest_in_any_order(project: Project) -> None:
    project.write(HEAD + ANY + "def test_it():\n    [say(one) for one in 'abc']\n")
    project.record()
    project.edit("'abc'", "'cxa'")
    result = project.run("--record-tapes=new")
    result.assert_outcomes(passed=1)
    assert len(project.real) == 1
    assert project.commands() == ["echo a", "echo c", "echo x"]
    project.replay()


def test_new_in_strict_order_forgets_what_was_passed_over(project: Project) -> None:
    project.write(HEAD + "def test_it(tape):\n    [say(one) for one in 'abc']\n")
    project.record()
    project.edit("'abc'", "'acx'")
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert len(project.real) == 1
    assert project.commands() == ["echo a", "echo c", "echo x"]
