"""``match_on`` of the marker and ``tapes_match_on``: what of a spawn has to be as on the tape."""

from __future__ import annotations

import pytest

from tests.options.project import Project

HEAD = r"""
import os, subprocess, sys
import pytest

def say(*words, program="echo", **options):
    return subprocess.run([program, *words], capture_output=True, text=True, **options).stdout

"""


def tape_with(*names: str) -> str:
    return f"@pytest.mark.tape(match_on={list(names)!r})\n"


CHANGES = {
    "program": ('program="echo"', 'program="/bin/echo"'),
    "args": ('"one"', '"two"'),
    "cwd": ("cwd='/'", "cwd='/tmp'"),
    "stdin": ("input='a'", "input='b'"),
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_counts_unless_it_is_left_out(project: Project, field: str) -> None:
    body = (
        HEAD
        + """MARK
def test_it(tape):
    assert say("one", program="echo", cwd='/', input='a') == "one\\n"
"""
    )
    project.write(body.replace("MARK", ""))
    project.record()
    project.edit(*CHANGES[field])
    project.edit(' == "one\\n"', "")
    result = project.run("-p", "no:warnings")
    if field == "stdin":
        # echo reads nothing, so what it was sent is on no tape.
        result.assert_outcomes(passed=1)
    else:
        result.assert_outcomes(failed=1)
    others = [one for one in ("program", "args", "cwd", "env", "stdin") if one != field]
    project.edit("\ndef test_it", tape_with(*others) + "def test_it")
    project.replay()


@pytest.mark.parametrize(
    "line",
    ["program, cwd", "program cwd", "\n  program\n  cwd", "cwd program program"],
)
def test_the_ini_file_names_fields_in_any_way(project: Project, line: str) -> None:
    project.ini(f"tapes_match_on = {line}")
    project.write(HEAD + "def test_it(tape):\n    say('one')\n")
    project.record()
    project.edit("say('one')", "say('two')")
    project.replay()
    project.edit("say('two')", "say('two', cwd='/')")
    project.replay()  # A recorded null is any directory.
    project.edit("say('two', cwd='/')", "say('two', program='printf')")
    project.replay(failed=1)


@pytest.mark.parametrize(
    "marker, told",
    [
        ("match_on=['arg']", "did you mean 'args'?"),
        ("match_on=[]", "names nothing"),
        ("match_on=3", "a list of some of program, args, cwd, env, stdin"),
        ("match_on=[3]", "one of program, args, cwd, env, stdin"),
    ],
)
def test_what_is_not_understood_is_told(project: Project, marker: str, told: str) -> None:
    project.write(HEAD + f"@pytest.mark.tape({marker})\ndef test_it():\n    pass\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


def test_an_entrys_environment_is_compared_and_can_be_left_out(project: Project) -> None:
    project.write_tape({"program": "echo", "env": {"LANG": "C", "GONE": None}, "stdout": "x"})
    project.write(HEAD + "def test_it(tape):\n    assert say(env={'LANG': 'C', 'MORE': '1'}) == 'x'\n")
    project.replay()
    project.edit("'LANG': 'C'", "'LANG': 'de', 'GONE': ''")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ["*env[[]LANG]  tape: C", "*test: de", "*env[[]GONE]  tape: (nothing)", "*test: ''"]
    )
    project.edit("\ndef test_it", tape_with("program", "args") + "def test_it")
    project.replay()


def test_the_tests_own_environment_is_what_a_spawn_without_one_has(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_tape({"program": "echo", "env": {"OF_THE_TEST": "1"}})
    project.write(HEAD + "def test_it(tape, monkeypatch):\n    say()\n")
    project.replay(failed=1)
    monkeypatch.setenv("OF_THE_TEST", "1")
    project.replay()


# -- stdin ---------------------------------------------------------------------------------------

SWITCH = "@pytest.mark.tape(match_on='program args cwd env')\n"


@pytest.mark.parametrize(
    "sent", ["'one\\n'", "''", "'another and much longer\\n' * 20_000", "'no end of line'"]
)
def test_any_input_is_taken_where_stdin_does_not_count(project: Project, sent: str) -> None:
    project.write(
        HEAD + SWITCH + "def test_it(tape):\n    assert say(program='cat', input='one\\n') == 'one\\n'\n"
    )
    project.record()
    project.edit("input='one\\n'", f"input={sent}")
    project.replay()


def test_what_was_sent_is_what_the_handle_tells(project: Project) -> None:
    project.write(HEAD + SWITCH + "def test_it(tape):\n    say(program='cat', input='one')\n    SENT\n")
    project.edit("SENT", "assert tape.spawns[0].stdin == b'one'")
    project.record()
    project.replay()
    project.edit("input='one'", "input='two'")
    project.edit("stdin == b'one'", "stdin == b'two'")
    project.replay()


DIALOG = (
    HEAD
    + 'LINES = ["1", "2"]\n\n'
    + SWITCH
    + r"""def test_it(tape):
    script = "while read x; do echo answer; done; echo bye"
    child = subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    said = []
    for line in LINES:
        child.stdin.write(f"{line}\n")
        child.stdin.flush()
        said.append(child.stdout.readline())
    child.stdin.close()
    said.append(child.stdout.read())
    child.stdout.close()
    assert child.wait() == 0
    assert said == ["answer\n", "answer\n", "bye\n"]
"""
)


@pytest.mark.parametrize("lines", [["a", "b"], ["", ""], ["long " * 50, "x"], ["1", "2"]])
def test_a_dialog_goes_on_at_each_line_whatever_it_says(project: Project, lines: list[str]) -> None:
    project.write(DIALOG)
    project.record()
    project.edit('["1", "2"]', repr(lines))
    project.replay()


def test_a_dialogs_requests_can_be_sent_all_at_once(project: Project) -> None:
    project.write(DIALOG)
    project.record()
    project.edit(
        r"""    for line in LINES:
        child.stdin.write(f"{line}\n")
        child.stdin.flush()
        said.append(child.stdout.readline())
""",
        r"""    child.stdin.write("x\ny\n")
    child.stdin.flush()
    for line in LINES:
        said.append(child.stdout.readline())
""",
    )
    project.replay()


def test_a_dialogs_line_can_be_sent_in_pieces(project: Project) -> None:
    project.write(DIALOG)
    project.record()
    project.edit(
        r'        child.stdin.write(f"{line}\n")',
        "        os.write(child.stdin.fileno(), b'pie')\n"
        "        child.poll()\n"
        "        os.write(child.stdin.fileno(), b'ces\\n')",
    )
    project.replay()


def test_a_dialog_that_is_closed_early_still_ends(project: Project) -> None:
    project.write(DIALOG)
    project.record()
    project.edit('LINES = ["1", "2"]', "LINES = []")
    project.edit('said == ["answer\\n", "answer\\n", "bye\\n"]', "said == ['answer\\nanswer\\nbye\\n']")
    project.replay()
