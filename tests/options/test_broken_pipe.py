"""A test that fails of a broken pipe: its report leads with how the child had ended."""

from __future__ import annotations

import pytest

from tests.options.project import Project

TEST = """
    import subprocess

    def test_it(tape):
        tool = ["sh", "-c", TOOL]
        with subprocess.Popen(tool, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            child.stdin.write(b"x\\n")
            child.stdin.flush()
            child.stderr.read()
            child.wait()
            child.stdin.write(b"more\\n")
            child.stdin.flush()
"""


def recorded(project: Project, tool: str) -> None:
    """A project with such a test, its failed recording in the tape's place."""
    project.write(TEST.replace("TOOL", repr(tool)))
    project.run("--record-tapes").assert_outcomes(failed=1)
    project.tape().with_name("test_it.json.failed").rename(project.tape())


@pytest.mark.parametrize("style", ["auto", "short", "native", "line"])
@pytest.mark.parametrize("options", [(), ("--record-tapes",)], ids=["replay", "record"])
def test_the_exit_code_leads(
    project: Project, options: tuple[str, ...], style: str, run_options: tuple[str, ...]
) -> None:
    recorded(project, "read a; echo no such thing >&2; exit 3")
    result = project.run(*options, f"--tb={style}", *run_options)
    result.assert_outcomes(failed=1)
    tool = "`sh -c 'read a; echo no such thing >&2; exit 3'`"
    told = f"exit code 3: {tool}, started at test_it.py:5 in test_it(), before it was written to"
    error = "BrokenPipeError: [Errno 32] Broken pipe"
    assert any(one.startswith("FAILED test_it.py::test_it - exit code 3: `sh") for one in result.outlines)
    if style in ("auto", "short"):
        lines = [one[1:].strip() for one in result.outlines if one.startswith("E ")]
        assert lines == [told, "its stderr: no such thing", error, error]
    elif style == "line":
        assert any(f": {told}: {error}" in one for one in result.outlines)
    else:
        assert told in result.outlines


def test_a_signal_leads_as_well(project: Project) -> None:
    recorded(project, "read a; kill -9 $$")
    result = project.run()
    assert any("ended by SIGKILL: `sh -c" in one for one in result.outlines if one.startswith("E "))


def test_nothing_is_said_where_no_child_has_ended(project: Project) -> None:
    project.write("""
        import os, subprocess

        def test_it(tape):
            child = subprocess.Popen(["sleep", "600"])
            child.returncode = 0  # nobody asks for it
            raise BrokenPipeError(32, "Broken pipe")
    """)
    result = project.run("--record-tapes", "-o", "tapes_kill_leaked=true")
    assert [one for one in result.outlines if one.startswith("E ")] == [
        "E       BrokenPipeError: [Errno 32] Broken pipe"
    ]
