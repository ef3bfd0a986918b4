"""pytest-rerunfailures: an attempt starts at the tape's beginning; when recording, the last one wins."""

from __future__ import annotations

import pytest

from tests.options.project import Project, counted, summary

pytest.importorskip("pytest_rerunfailures")
RERUNS = ("-p", "rerunfailures", "--reruns", "2")

FLAKY = """
    import pathlib, subprocess
    import pytest

    ATTEMPTS = pathlib.Path("attempts")

    @pytest.fixture
    def number():
        with ATTEMPTS.open("a") as file:
            file.write("x")
        return len(ATTEMPTS.read_text())

    def ask(word):
        return subprocess.check_output(["echo", word], text=True)

    @pytest.mark.tape
    def test_it(number):
        assert ask("first") == "first\\n"
        assert number == 3, "not yet"
        assert ask("last") == "last\\n"

    def test_other(tape):
        assert ask("other") == "other\\n"
"""


@pytest.fixture
def flaky(project: Project) -> Project:
    project.write(FLAKY)
    return project


def test_the_attempt_that_passed_is_the_recording(flaky: Project) -> None:
    result = flaky.run("--record-tapes", *RERUNS)
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}
    assert flaky.commands() == ["echo first", "echo last"]
    assert not flaky.tape("test_it").with_name("test_it.json.failed").exists()
    # Nothing is said of the attempts before, but that they started something.
    assert summary(result) == ["tests: 2 recorded; spawns: 5 real"]


def test_an_attempt_on_replay_starts_at_the_beginning(flaky: Project) -> None:
    flaky.run("--record-tapes", *RERUNS)
    (flaky.path / "attempts").unlink()
    result = flaky.run(*RERUNS)
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}
    assert flaky.real == []
    assert "tests: 2 replayed; spawns: 5 replayed" in counted(result)


def test_a_divergence_diverges_in_every_attempt(flaky: Project) -> None:
    flaky.run("--record-tapes", *RERUNS)
    flaky.edit('ask("first")', 'ask("other")')
    result = flaky.run(*RERUNS)
    assert result.parseoutcomes() == {"failed": 1, "passed": 1, "rerun": 2}
    result.stdout.fnmatch_lines(["E *Divergence: *"])
    assert "1 replayed, 1 diverged" in counted(result)


@pytest.mark.parametrize("parallel", [(), ("-p", "xdist", "-n", "2")], ids=["one", "workers"])
def test_each_test_is_told_of_once(flaky: Project, parallel: tuple[str, ...]) -> None:
    result = flaky.run(*RERUNS, *parallel)
    assert result.parseoutcomes()["rerun"] == 4
    assert "2 tests have no tape" in result.stdout.str()

    (flaky.path / "attempts").unlink()
    result = flaky.run("--record-tapes", *RERUNS, *parallel)
    assert "tests: 2 recorded" in counted(result)
    (flaky.path / "attempts").unlink()
    flaky.edit('["echo", word]', '["echo", word, "x"]')
    result = flaky.run("--verify-tapes", *RERUNS, *parallel)
    assert len([line for line in summary(result) if "test_other" in line]) == 1


def test_the_last_attempt_of_a_failed_recording_is_kept_beside(flaky: Project) -> None:
    flaky.edit("number == 3", "number == 99")
    result = flaky.run("--record-tapes", *RERUNS)
    assert result.parseoutcomes() == {"failed": 1, "passed": 1, "rerun": 2}
    assert not flaky.tape().exists()
    assert flaky.tape().with_name("test_it.json.failed").exists()
    assert "1 recorded" in counted(result)
