"""`use_tape`: limits, the log, children that outlive the block, and drift; with pytest and without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pytest_proctape
from tests.options.project import Project, summary

SOURCE = str(Path(pytest_proctape.__file__).parents[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory that looks like a project's."""
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def python(folder: Path, *lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the project."""
    head = ["import subprocess, sys, time", "from pytest_proctape import use_tape, SpawnTimeout, Drift"]
    (folder / "script.py").write_text("\n".join([*head, *lines]))
    env = {**os.environ, "PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [sys.executable, "-W", "always::ResourceWarning", "script.py"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def in_pytest(project: Project, settings: str, code: str) -> None:
    project.write(f"""
        import subprocess
        from pytest_proctape import use_tape

        def test_it():
            with use_tape("x.json"{settings}) as tape:
                {code}
    """)


def log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- without pytest ----------------------------------------------------------------------------


def test_limits_hold(folder: Path) -> None:
    block = (
        'with use_tape("x.json", spawn_timeout=0.1) as tape:',
        "    try:",
        '        subprocess.run(["sleep", "600"])',
        "    except SpawnTimeout as error:",
        '        print(str(error).splitlines()[0], "|", tape.children[0].status)',
        "        raise",
    )
    recorded = python(folder, *block, PROCTAPE_MODE="record")
    assert "timed out after 100 ms (use_tape" in recorded.stdout
    assert recorded.stdout.endswith("| timed out\n")
    assert recorded.stderr.splitlines()[0].startswith("Traceback")
    replayed = python(folder, *block)
    assert replayed.stdout == recorded.stdout


def test_the_environment_names_a_log(folder: Path) -> None:
    block = ('for name in "ab":', "    with use_tape(f'{name}.json'):", '        subprocess.run(["true"])')
    python(folder, *block, PROCTAPE_MODE="record", PROCTAPE_LOG="recorded.log")
    for name in ("a.log", "b.log"):
        assert python(folder, *block, PROCTAPE_LOG=name).stderr == ""
    assert (folder / "a.log").read_bytes() == (folder / "b.log").read_bytes()
    told = [(one["seq"], one["test"], one["event"]) for one in log(folder / "a.log")]
    assert [one[1:] for one in told if one[2] != "close"] == [
        ("a.json", "spawn"),
        ("a.json", "end"),
        ("b.json", "spawn"),
        ("b.json", "end"),
    ]
    assert [one[0] for one in told] == list(range(1, len(told) + 1))
    assert {one["mode"] for one in log(folder / "recorded.log")} == {"record"}


def test_a_log_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "file").touch()
    done = python(folder, 'with use_tape("x.json"): pass', PROCTAPE_LOG="file/x.log")
    assert "the environment variable PROCTAPE_LOG:" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("kill", [False, True])
def test_children_that_outlive_the_block_are_told_and_ended_if_asked_for(folder: Path, kill: bool) -> None:
    done = python(
        folder,
        f'with use_tape("x.json", kill_leaked={kill}):',
        '    child = subprocess.Popen(["sleep", "600"])',
        "print(child.poll())",
        "child.kill(); child.wait()",
        PROCTAPE_MODE="record",
    )
    assert "ResourceWarning: still running when x.json ended: `sleep 600` (pid " in done.stderr
    assert "started at script.py:4" in done.stderr
    assert done.stdout == ("-15\n" if kill else "None\n")


def test_drift_is_an_error_at_the_end_of_the_block(folder: Path) -> None:
    (folder / "said").write_text("one\n")
    block = ('with use_tape("x.json"):', '    print(subprocess.check_output(["cat", "said"]))')
    python(folder, *block, PROCTAPE_MODE="record")
    assert python(folder, *block, PROCTAPE_MODE="verify").returncode == 0
    (folder / "said").write_text("two\n")
    done = python(folder, *block, PROCTAPE_MODE="verify")
    assert done.stdout == "b'two\\n'\n"
    assert done.stderr.splitlines()[-3:] == [
        "pytest_proctape.errors.Drift: output_mismatch: x.json, entry 1 `cat said`: stdout, line 1",
        "  tape: one",
        "  now:  two",
    ]


# -- inside of pytest --------------------------------------------------------------------------


def test_limits_of_the_ini_file_hold_too(project: Project) -> None:
    project.ini("tapes_max_output = 3")
    in_pytest(project, "", 'subprocess.run(["echo", "four"], stdout=subprocess.PIPE)')
    result = project.run("--record-tapes")
    result.assert_outcomes(failed=1)
    assert "wrote more than 3 bytes (tapes_max_output)" in result.stdout.str()


def test_the_argument_wins_over_the_ini_file(project: Project) -> None:
    project.ini("tapes_max_output = 3")
    in_pytest(project, ", max_output=5", 'subprocess.run(["echo", "four"], stdout=subprocess.PIPE)')
    project.run("--record-tapes").assert_outcomes(passed=1)


def test_the_log_of_the_run_has_it(project: Project) -> None:
    in_pytest(project, "", 'subprocess.run(["echo", "four"], stdout=subprocess.PIPE)')
    project.run("--record-tapes")
    project.run("--tapes-log=a.log")
    assert [(one["test"], one["event"]) for one in log(project.path / "a.log")] == [
        ("x.json", "spawn"),
        ("x.json", "output"),
        ("x.json", "end"),
    ]


def test_children_that_outlive_it_are_in_the_summary(project: Project) -> None:
    code = 'child = subprocess.Popen(["sleep", "600"])'
    in_pytest(project, ", kill_leaked=True", code)
    project.edit(code, f"{code}\n    assert child.wait() == -15")
    told = [line for line in summary(project.run("--record-tapes")) if "still running" in line]
    assert len(told) == 1
    assert told[0].startswith("still running when x.json ended: `sleep 600` (pid ")


def test_drift_is_in_the_summary(project: Project) -> None:
    project.ini("tapes_volatile = [0-9]")
    project.write("one 1\n", "said")
    in_pytest(project, "", 'subprocess.run(["cat", "said"], stdout=subprocess.PIPE)')
    project.run("--record-tapes")
    project.write("one 2\n", "said")
    assert project.run("--verify-tapes").ret == 0
    project.write("two 2\n", "said")
    result = project.run("--verify-tapes")
    assert result.ret == 8
    assert "output_mismatch: x.json, entry 1 `cat said`: stdout, line 1" in summary(result)
