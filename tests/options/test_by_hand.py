"""Answers that a test gives itself, recorded commands that it overrides, and tapes written by hand."""

from __future__ import annotations

import json

import pytest

from tests.options.project import Project, one_error
from tests.patience import patiently

HEAD = r"""
import asyncio, os, subprocess, sys
import pytest

def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, **options)

"""
MODES = ["--replay-tapes", "--record-tapes", "--record-tapes=new", "--record-tapes=missing", "--live-tapes"]


def body(project: Project, text: str, *, decorator: str = "") -> None:
    lines = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
    project.write(HEAD + f"{decorator}\ndef test_it(tape, tmp_path):\n{lines}")


def starts_nothing(project: Project, *args: str) -> None:
    result = project.run(*args)
    assert project.real == []
    result.assert_outcomes(passed=1)


# -- tape.add ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_needs_no_tape_and_starts_nothing_in_any_mode(project: Project, mode: str) -> None:
    body(
        project,
        """
tape.add(["git", "push"], exit_code=1, stdout="out", stderr="rejected\\n")
result = run("git", "push")
assert (result.returncode, result.stdout, result.stderr) == (1, "out", "rejected\\n")
assert tape.spawns[0].argv == ["git", "push"]
made = tape.spawns[0]
assert (made.returncode, made.stderr, made.replayed) == (1, b"rejected\\n", True)
""",
    )
    starts_nothing(project, mode)
    assert project.tapes() == []


def test_answers_come_beside_the_tape_wherever_it_is(project: Project) -> None:
    body(
        project,
        """
tape.add(["git", "push"], stdout="pushed")
tape.add(["git", "push"], stdout="again")
assert run("echo", "a").stdout == "a\\n"
assert run("git", "push").stdout == "pushed"
assert run("echo", "b").stdout == "b\\n"
assert run("git", "push").stdout == "again"
""",
    )
    project.record()
    assert project.commands() == ["echo a", "echo b"]
    project.replay()


def test_an_answer_holds_for_as_many_spawns_as_it_says(project: Project) -> None:
    body(
        project,
        """
tape.add(["git", ...], stdout="any", times=None)
tape.add(["true"], exit_code=1, times=2)
assert [run("git", *words).stdout for words in ((), ("a",), ("a", "b"))] == ["any"] * 3
assert [run("true").returncode for _ in range(3)] == [1, 1, 0]
""",
    )
    project.record()
    assert project.commands() == ["true"]
    project.replay()


@pytest.mark.parametrize(
    "call, check",
    [
        ("signal='SIGKILL'", "run('git', 'x').returncode == -9"),
        ("signal=15", "run('git', 'x').returncode == -15"),
        ("exit_code=255", "run('git', 'x').returncode == 255"),
        ("stdout=b'\\xff\\x00'", "subprocess.check_output(['git', 'x']) == b'\\xff\\x00'"),
        ("stdout='x' * 300_000", "len(run('git', 'x').stdout) == 300_000"),
        ("stdin='in'", "run('git', 'x', input='in').returncode == 0"),
        ("cwd=tmp_path", "run('git', 'x', cwd=tmp_path).returncode == 0"),
        ("cwd=os.getcwd()", "run('git', 'x').returncode == 0"),
        ("times=1", "run('git', 'x', input='anything').returncode == 0"),
        ("", "os.spawnlp(os.P_WAIT, 'git', 'git', 'x') == 0"),
        ("stdout='<tmp>'", "run('git', 'x').stdout == '<tmp>'"),
        ("stdout=str(tmp_path)", "run('git', 'x').stdout == str(tmp_path)"),
    ],
)
def test_what_an_answer_can_say(project: Project, call: str, check: str) -> None:
    body(project, f"tape.add(['git', 'x'], {call})\nassert {check}")
    starts_nothing(project)


def test_a_shells_command_line_is_an_argument_of_the_shell(project: Project) -> None:
    body(
        project,
        """
tape.add(["/bin/sh", "-c", "x | y"], stdout="a", stderr="b")
assert subprocess.getoutput("x | y") == "ab"
""",
    )
    starts_nothing(project)


def test_a_command_can_be_missing(project: Project) -> None:
    body(
        project,
        """
tape.add(["git", "x"], spawn_error="ENOENT")
tape.add(["git", "y"], spawn_error=13)
with pytest.raises(FileNotFoundError, match="No such file or directory: 'git'"):
    run("git", "x")
with pytest.raises(PermissionError):
    run("git", "y")
""",
    )
    starts_nothing(project)


def test_a_command_can_hang_until_it_is_killed(project: Project) -> None:
    body(
        project,
        """
tape.add(["git", "x"], hangs=True, stdout="begun", times=4)
with pytest.raises(subprocess.TimeoutExpired) as caught:
    run("git", "x", timeout=1000)
assert caught.value.stdout == b"begun"

child = subprocess.Popen(["git", "x"], stdout=subprocess.PIPE)
for _ in range(3):
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(1000)
assert child.poll() is None
child.terminate()
assert child.wait() == -15
assert child.stdout.read() == b"begun"
child.stdout.close()

async def main():
    child = await asyncio.create_subprocess_exec("git", "x", stdout=subprocess.PIPE)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(child.wait(), 1000)
    child.kill()
    assert await child.wait() == -9
    assert await child.stdout.read() == b"begun"

asyncio.run(main())
child = subprocess.Popen(["git", "x"], stdout=subprocess.DEVNULL)
child.kill()
assert child.wait() == -9
""",
    )
    starts_nothing(project)


def test_other_input_than_an_answer_wants_is_a_divergence(project: Project) -> None:
    body(project, "tape.add(['git', 'x'], stdin='in')\nrun('git', 'x', input='other')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Divergence: the test sent something else than it said itself",
            "*stdin*tape: in",
            "*test: ot",
            "*tape.add at test_it.py:9 in test_it(): git x",
        ]
    )


def test_an_answer_that_nobody_asks_for_fails_the_test(project: Project) -> None:
    body(project, "tape.add(['git', 'push'], times=3)\nrun('git', 'push')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Leftover: the test said of a command what was not asked for",
            "*tape.add at test_it.py:9 in test_it(): git push was started 1 of 3 times",
        ]
    )
    result = project.run("--record-tapes")
    result.assert_outcomes(failed=1)


def test_an_answer_of_a_fixture_may_be_for_its_teardown(project: Project) -> None:
    project.write(
        HEAD
        + """
@pytest.fixture
def clean(tape):
    tape.add(["git", "clean"])
    yield
    run("git", "clean")

def test_it(clean):
    pass
"""
    )
    starts_nothing(project)
    project.edit('    run("git", "clean")\n', "")
    project.replay(passed=1, errors=1)


@pytest.mark.parametrize(
    "call, told",
    [
        ("tape.add('git push')", 'takes a list of words, as ["git", "push"]'),
        ("tape.add([])", "takes a list of words"),
        ("tape.add(['git', 3])", "without 3"),
        ("tape.add(['git'], exit_code=1, signal=9)", "not by exit_code and signal"),
        ("tape.add(['git'], exit_code=-9)", "say signal=9"),
        ("tape.add(['git'], exit_code=256)", "from 0 to 255"),
        ("tape.add(['git'], signal='SIGWHAT')", "'SIGWHAT' is not known"),
        ("tape.add(['git'], spawn_error='ENOPE')", "'ENOPE' is not known"),
        ("tape.add(['git'], stdout=3)", "stdout is text or bytes"),
        ("tape.add(['git'], times=0)", "from 1 on"),
        ("tape.override('git', cut_stdout=-1)", "from 0 on"),
        ("tape.override('git')", "changes nothing"),
        ("tape.override('git', 'x', exit_code=1)", "args is a list of words"),
    ],
)
def test_what_cant_be_said_is_told(project: Project, call: str, told: str) -> None:
    body(project, call)
    result = project.replay(failed=1)
    assert "UsageError" in result.stdout.str()
    assert told in result.stdout.str()


# -- tape.override -------------------------------------------------------------------------------

TWO = """
first = run("sh", "-c", "echo one; echo two >&2; exit 3")
assert (first.stdout, first.stderr, first.returncode) == ("one\\n", "two\\n", 3)
assert run("echo", "end").stdout == "end\\n"
"""


@pytest.mark.parametrize(
    "call, seen",
    [
        ("exit_code=128", ("one\n", "two\n", 128)),
        ("exit_code=0", ("one\n", "two\n", 0)),
        ("signal='SIGKILL'", ("one\n", "two\n", -9)),
        ("stdout='other'", ("other", "two\n", 3)),
        ("stderr=''", ("one\n", "", 3)),
        ("cut_stdout=2", ("on", "two\n", 3)),
        ("cut_stdout=0, cut_stderr=1, exit_code=1", ("", "t", 1)),
        ("cut_stdout=999", ("one\n", "two\n", 3)),
    ],
)
@pytest.mark.parametrize("order", ["strict", "any"])
def test_what_is_not_said_is_as_recorded(
    project: Project, call: str, seen: tuple[str, str, int], order: str
) -> None:
    project.ini(f"tapes_order = {order}")
    body(project, TWO)
    project.record()
    body(project, f"tape.override('sh', ['-c', ...], {call})\n" + TWO)
    project.edit('("one\\n", "two\\n", 3)', repr(seen))
    project.replay()


def test_an_override_holds_for_as_many_spawns_as_it_says(project: Project) -> None:
    body(project, "for _ in range(3):\n    run('echo', 'a')")
    project.record()
    body(
        project,
        "tape.override(program='echo', args=['a'], exit_code=7, times=2)\n"
        "assert [run('echo', 'a').returncode for _ in range(3)] == [7, 7, 0]",
    )
    project.replay()


def test_a_test_that_goes_another_way_owes_nothing_of_the_rest(project: Project) -> None:
    body(project, "run('echo', 'fetch'); run('echo', 'merge'); run('echo', 'end'); run('echo', 'more')")
    project.record()
    body(
        project,
        "tape.override(args=['fetch', ...], exit_code=1)\n"
        "if run('echo', 'fetch').returncode == 0:\n    run('echo', 'merge')\n"
        "assert run('echo', 'end').stdout == 'end\\n'",
    )
    project.replay()
    project.edit("run('echo', 'end')", "run('echo', 'never')")
    project.replay(failed=1)


def test_a_recorded_command_can_be_made_to_hang_and_to_be_missing(project: Project) -> None:
    body(project, "run('echo', 'a'); run('echo', 'b')")
    project.record()
    body(
        project,
        """
tape.override("echo", ["a"], hangs=True)
tape.override("echo", ["b"], spawn_error="ENOENT")
with pytest.raises(subprocess.TimeoutExpired) as caught:
    run("echo", "a", timeout=1000)
assert caught.value.stdout == b"a\\n"
with pytest.raises(FileNotFoundError):
    run("echo", "b")
""",
    )
    project.replay()


def test_what_was_killed_can_be_made_to_end_well(project: Project) -> None:
    killed = """
try:
    result = run("sh", "-c", "echo begun; exec sleep 60", timeout={})
except subprocess.TimeoutExpired:
    result = None
"""

    def attempt(limit_s: float) -> str:
        text = killed.format(limit_s)
        body(project, text + "assert result is None")
        project.record()
        return text

    text = patiently(attempt, lambda _: "stdout" in project.entries()[0])
    body(project, "tape.override('sh', exit_code=0)" + text + "assert result.stdout == 'begun\\n'")
    project.replay()


@pytest.mark.parametrize("mode", ["--record-tapes", "--record-tapes=new", "--live-tapes"])
def test_an_overridden_command_is_not_run_while_recording(project: Project, mode: str) -> None:
    body(
        project,
        """
tape.override("sh", exit_code=5)
assert run("sh", "-c", "touch made", cwd=tmp_path).returncode == 5
assert not (tmp_path / "made").exists()
assert run("echo", "a").stdout == "a\\n"
""",
    )
    result = project.run(mode)
    result.assert_outcomes(passed=1)
    assert len(project.real) == 1
    if mode != "--live-tapes":
        assert project.commands() == ["echo a"]
        project.replay()


def test_new_records_the_rest_when_an_override_leads_elsewhere(project: Project) -> None:
    body(project, "run('echo', 'fetch'); run('echo', 'merge'); run('echo', 'end')")
    project.record()
    body(
        project,
        "tape.override(args=['fetch'], exit_code=1)\n"
        "run('echo', 'fetch'); run('echo', 'abort'); run('echo', 'end')",
    )
    project.replay(failed=1)
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert project.commands() == ["echo abort", "echo end"]
    project.replay()


def test_an_override_that_nobody_asks_for_fails_the_test(project: Project) -> None:
    body(project, "run('echo', 'a')")
    project.record()
    body(project, "tape.override('git', ['fetch', ...], exit_code=1)\nrun('echo', 'a')")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ['*tape.override at test_it.py:9 in test_it(): git fetch {"any_args": true} was started 0 of 1 times']
    )


# -- tapes ---------------------------------------------------------------------------------------


def test_a_bare_list_from_elsewhere_replays_as_it_is(project: Project) -> None:
    path = project.write_tape(
        {
            "program": "git",
            "args": ["describe", "--tags"],
            "cwd": None,
            "env": {"LC_ALL": "C"},
            "stdout": "v1.2\n",
            "stderr": "",
            "exit_code": 0,
            "duration_ms": 3.25,
        },
        {
            "program": "git",
            "args": ["push"],
            "cwd": "/",
            "env": None,
            "stdout": "",
            "stderr": "fatal: no upstream\n",
            "exit_code": 128,
            "duration_ms": 7,
        },
        {"program": "true"},
    )
    before = path.read_bytes()
    body(
        project,
        """
result = run("git", "describe", "--tags", cwd=tmp_path, env={"LC_ALL": "C", "HOME": "/"})
assert (result.stdout, result.stderr, result.returncode) == ("v1.2\\n", "", 0)
result = run("git", "push", cwd="/", input="anything")
assert (result.stdout, result.stderr, result.returncode) == ("", "fatal: no upstream\\n", 128)
assert tape.spawns[1].duration_s == 0.007
run("true", cwd=tmp_path)
""",
    )
    project.replay()
    assert path.read_bytes() == before
    project.edit('cwd="/", input', 'cwd="/tmp", input')
    project.replay(failed=1)


def test_patterns_stand_for_words_and_for_input(project: Project) -> None:
    project.write_tape(
        {
            "program": {"glob": "*/git"},
            "args": [{"regex": "v[0-9.]+"}, {"any": True}, "x", {"any_args": True}],
            "cwd": {"glob": "<tmp>*"},
            "stdin": {"regex": "(?s)begin.*end"},
            "stdout": "ok\n",
        }
    )
    body(
        project,
        "words = ('/usr/bin/git', 'v1.2', 'whatever', 'x', 'y', 'z')\n"
        "result = run(*words, cwd=tmp_path, input='begin\\n1\\nend\\n')\n"
        "assert result.stdout == 'ok\\n'",
    )
    project.replay()
    project.edit("'v1.2'", "'w1.2'")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        [
            '*{"glob": "[*]/git"} {"regex": "v[[]0-9.[]]+"} {"any": true} x {"any_args": true}    (in *',
            '*args[[]0]  tape: {"regex": "v[[]0-9.[]]+"}',
            "*test: w1.2",
        ]
    )
    project.edit("'w1.2'", "'v1.2'")
    project.edit("input='begin", "input='began")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(['*stdin  tape: {"regex": *', "*test: *began*"])


def test_a_pattern_stands_for_a_line_of_a_dialog(project: Project) -> None:
    project.write_tape(
        {
            "program": "bc",
            "timeline": [
                {"stdin": {"regex": "[0-9]+ *[+] *[0-9]+"}},
                {"stdout": "3\n"},
                {"stdin": {"any": True}},
                {"stdout": "4\n"},
                {"close": "stdin"},
            ],
        }
    )
    body(
        project,
        r"""
child = subprocess.Popen(["bc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
child.stdin.write("1 + 2\n")
assert child.stdout.readline() == "3\n"
child.stdin.write("whatever\n")
assert child.stdout.readline() == "4\n"
assert child.communicate() == ("", None)
assert child.returncode == 0
""",
    )
    project.replay()
    project.edit('"1 + 2\\n"', '"1 - 2\\n"')
    project.replay(failed=1)


def test_a_pattern_is_kept_when_a_new_recording_fits_it(project: Project) -> None:
    body(project, "run('echo', 'a', 'v1'); run('cat', input='text'); run('echo', 'b')")
    project.record()
    tape = json.loads(project.tape().read_bytes())
    tape["entries"][0]["args"] = ["a", {"glob": "v*"}]
    tape["entries"][1]["stdin"] = {"regex": "te.t"}
    project.tape().write_text(json.dumps(tape, indent=2) + "\n")
    project.replay()
    before = project.tape().read_bytes()
    project.record()
    assert project.tape().read_bytes() == before
    body(project, "run('echo', 'a', 'v2'); run('cat', input='test'); run('echo', 'c')")
    project.record()
    entries = project.entries()
    assert [one.get("args") for one in entries] == [["a", {"glob": "v*"}], None, ["c"]]
    assert entries[0]["stdout"] == ["a v2\n"]
    assert (entries[1]["stdin"], entries[1]["stdout"]) == ({"regex": "te.t"}, ["test"])
    body(project, "run('echo', 'a', 'w3'); run('cat', input='other')")
    project.record()
    entries = project.entries()
    assert entries[0]["args"] == ["a", "w3"]
    assert entries[1]["stdin"] == ["other"]


def test_a_pattern_of_a_tape_that_was_written_by_hand_is_kept_as_well(project: Project) -> None:
    project.write_tape({"program": "echo", "args": [{"any": True}], "stdout": "x\n"}, {"program": "true"})
    body(project, "run('echo', 'a'); run('true')")
    project.record()
    assert [one.get("args") for one in project.entries()] == [[{"any": True}], None]
    assert project.entries()[0]["stdout"] == ["a\n"]
    project.replay()


@pytest.mark.parametrize(
    "entry, told",
    [
        ({"program": "git", "args": "status"}, ["words one by one"]),
        ({"command": "git status"}, ["unknown field 'command'", "words one by one"]),
        ({"program": "git", "returncode": 1}, ["unknown field 'returncode'", "exit_code, or signal"]),
        ({"program": "git", "args": [{"regex": "("}]}, ["[0].args[0].regex", "a regular expression"]),
        ({"program": "git", "args": [{"rgex": "x"}]}, ["did you mean 'regex'?"]),
    ],
)
def test_common_mistakes_say_what_is_meant(
    project: Project, entry: dict[str, object], told: list[str]
) -> None:
    project.write_tape(entry)
    body(project, "run('git', 'status')")
    project.replay(failed=1)
    text = one_error(project.run())
    for one in told:
        assert one in text
