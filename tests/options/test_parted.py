"""A child that one test starts and others talk to: who has left it running is told where they fail."""

from __future__ import annotations

import pytest

from tests.options.project import Project, summary

SHARED = """
    import subprocess

    made = []

    def ask(text):
        if not made:
            made.append(subprocess.Popen(["cat"], stdin=-1, stdout=-1, text=True, bufsize=1))
        made[0].stdin.write(text + "\\n")
        return made[0].stdout.readline()

    def test_first(tape):
        assert ask("one") == "one\\n"

    def test_second(tape):
        assert ask("two") == "two\\n"

    def test_last():
        try:
            made[0].communicate()
        except BrokenPipeError:
            pass
        made[0].wait()
"""

TOLD = (
    "left running by test_it.py::test_first, and over with it on replay: `cat`, "
    "started at test_it.py:7 in ask(); what other tests say to it is on no tape: *a fixture of wider scope*"
)
NEXT = "what another test says to one of these is on no tape: let a fixture of wider scope start it"


@pytest.mark.parametrize("auto", [False, True])
def test_who_fails_of_it_is_told_whose_child_it_was(project: Project, auto: bool) -> None:
    project.write(SHARED.replace("(tape)", "()") if auto else SHARED)
    project.ini(f"tapes_auto = {str(auto).lower()}")
    assert NEXT in summary(project.record(passed=3))

    result = project.replay(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*- tape -*", TOLD])
    assert NEXT in summary(result)


def test_a_fixture_of_wider_scope_is_what_helps(project: Project) -> None:
    project.write(SHARED)
    project.edit("made = []", "import pytest\n\nmade = []\n\nCAT = ['cat']")
    project.edit(
        "def ask(text):",
        "@pytest.fixture(scope='module', autouse=True)\n"
        "def cat():\n"
        "    with subprocess.Popen(CAT, stdin=-1, stdout=-1, text=True, bufsize=1) as one:\n"
        "        made.append(one)\n"
        "        yield\n\n"
        "def ask(text):",
    )
    project.edit("def test_last", "def not_a_test")
    assert NEXT not in summary(project.record(passed=2))
    project.replay(passed=2)


@pytest.mark.parametrize(
    "left",
    [
        "subprocess.Popen(['sleep', '9'])",
        "subprocess.Popen(['sleep', '9'], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)",
    ],
)
def test_one_that_nobody_can_talk_to_is_not_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    project.write(
        f"""
        import os, subprocess

        made = []

        def test_leaves(tape):
            made.append({left})

        def test_ends_it():
            made[0].kill()
            made[0].wait()

        def test_fails(tape):
            assert "FAIL" not in os.environ
        """
    )
    assert NEXT not in summary(project.record(passed=3))
    monkeypatch.setenv("FAIL", "1")
    project.replay(passed=2, failed=1).stdout.no_fnmatch_line("*left running*")


def test_one_that_was_let_go_of_is_not_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(
        """
        import os, subprocess

        def test_leaves(tape):
            child = subprocess.Popen(["cat"], stdin=-1, stdout=-1)
            child.stdin.close()
            child.stdout.close()
            child.returncode = 0

        def test_fails(tape):
            assert "FAIL" not in os.environ
        """
    )
    project.record(passed=2)
    monkeypatch.setenv("FAIL", "1")
    project.replay(passed=1, failed=1).stdout.no_fnmatch_line("*left running*")
