"""What is called with no frame of Python behind it, as by atexit."""

from __future__ import annotations

import pytest

from tests.options.project import Project


@pytest.mark.parametrize("name", ["run", "call"])
def test_what_a_test_leaves_to_atexit_runs_for_real(project: Project, name: str) -> None:
    project.write(
        f"""
        import atexit, subprocess

        def test_it(tape):
            subprocess.run(["echo", "one"])
            atexit.register(subprocess.{name}, ["echo", "at the end"])
        """
    )
    for flags in (("--record-tapes",), ()):
        result = project.pytester.runpytest_subprocess("-p", "pytest_proctape.plugin", *flags)
        result.assert_outcomes(passed=1)
        assert result.outlines[-1] == "at the end"
        assert result.stderr.str() == ""
    assert project.commands() == ["echo one"]
