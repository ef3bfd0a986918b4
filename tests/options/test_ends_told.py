"""How a child ended: exited, signalled, timed out, spawn failed, output limit, still running, told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.cli import main
from tests.options.project import Project, summary

TESTS = """
    import subprocess, pytest
    from contextlib import suppress

    @pytest.fixture(autouse=True)
    def told(tape):
        yield
        with open("told", "a") as file:
            for child in tape.children:
                print(child.status, "|", child.returncode, "|", child.end_s is None, "|", child, file=file)

    def test_exited(tape):
        subprocess.run(["sh", "-c", "exit 3"])

    def test_signalled(tape):
        subprocess.run(["sh", "-c", "kill -9 $$"])

    @pytest.mark.tape(spawn_timeout=0.2)
    def test_timed_out(tape):
        subprocess.run(["sleep", "600"])

    @pytest.mark.tape(max_output=10)
    def test_output_limit(tape):
        subprocess.run(["yes"], capture_output=True)

    def test_spawn_failed(tape):
        with suppress(FileNotFoundError):
            subprocess.run(["no-such-tool"])

    def test_running(tape):
        subprocess.Popen(["sleep", "600"]).returncode = 0  # nobody asks for it
"""
STATUSES = {
    "exited": "exited | 3 | False",
    "signalled": "signalled | -9 | False",
    "timed_out": "timed out | -15 | False",
    "output_limit": "output limit | -15 | False",
    "spawn_failed": "spawn failed | None | False",
    "running": "running | None | True",
}
SHOWN = {
    "exited": "exit code 3",
    "signalled": "ended by SIGKILL",
    "timed_out": "timed out after 200 ms (marker); ended by SIGTERM",
    "output_limit": "wrote more than 10 bytes (tapes_max_output); ended by SIGTERM",
    "spawn_failed": "could not be started: ENOENT",
    "running": "still running",
}
OPTIONS = ("-o", "tapes_kill_leaked=true", "--tapes-log=run.log")


def statuses(project: Project) -> dict[str, str]:
    path = project.path / "told"
    lines = path.read_text().splitlines()
    path.unlink()
    return {name: line.rpartition(" | ")[0] for name, line in zip(STATUSES, lines, strict=True)}


def logged(path: Path) -> dict[str, Any]:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return {one["test"].partition("::test_")[2]: one["end"] for one in events if one["event"] == "end"}


@pytest.fixture
def recorded(project: Project) -> tuple[Project, pytest.RunResult]:
    project.write(TESTS)
    return project, project.record(*OPTIONS, passed=4, failed=2)


def test_children_and_the_log_tell_them_apart_in_both_modes(
    recorded: tuple[Project, pytest.RunResult],
) -> None:
    project, _ = recorded
    assert statuses(project) == STATUSES
    expected = {name: status.partition(" | ")[0] for name, status in STATUSES.items()}
    assert logged(project.path / "run.log") == expected
    project.replay(*OPTIONS, passed=4, failed=2)
    assert statuses(project) == STATUSES
    assert logged(project.path / "run.log") == expected


def test_the_report_tells_them_apart(recorded: tuple[Project, pytest.RunResult]) -> None:
    _, result = recorded
    text = result.stdout.str()
    assert "SpawnTimeout: `sleep 600` timed out after 200 ms (marker)" in text
    assert "OutputLimitExceeded: `yes` wrote more than 10 bytes (tapes_max_output)" in text
    told = summary(result)
    limited = "recorded though the test failed, of a limit, as it had no tape: test_it.py::test_"
    assert [line for line in told if line.startswith(limited)] == [
        f"{limited}timed_out: tapes/test_it/test_timed_out.json",
        f"{limited}output_limit: tapes/test_it/test_output_limit.json",
    ]
    running = [line for line in told if line.startswith("still running when")]
    assert len(running) == 1
    assert running[0].startswith("still running when test_it.py::test_running ended: `sleep 600` (pid ")
    assert "started at test_it.py:30 in test_running()" in running[0]


@pytest.mark.parametrize("name", SHOWN)
def test_show_tells_them_apart(
    recorded: tuple[Project, pytest.RunResult],
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, _ = recorded
    monkeypatch.chdir(project.path)
    capsys.readouterr()
    run: Callable[..., int] = main
    assert run(["show", str(project.tape(f"test_{name}"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    end = next(line for line in lines if line.startswith("    "))
    assert end.strip().rpartition(" after ")[0] in (SHOWN[name], "") or end.strip() == SHOWN[name]
