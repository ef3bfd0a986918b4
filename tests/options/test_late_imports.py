"""What a taped test imports itself, early, late or lazily, starts what it starts on its tape."""

from __future__ import annotations

import sys

import pytest

from tests.options.project import Project

LATE = """
    import sys

    def test_it(tape):
        assert "concurrent.futures.thread" not in sys.modules
        from concurrent.futures import ThreadPoolExecutor
        from subprocess import check_output

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(check_output, ["echo", "a"]).result() == b"a\\n"
        assert len(tape.spawns) == 1
"""

LAZY = """
    import os
    lazy import subprocess
    lazy from concurrent.futures import ThreadPoolExecutor
    lazy from os import posix_spawnp, system, waitpid
    lazy from subprocess import check_output, run

    def work():
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(check_output, ["echo", "a"]).result() == b"a\\n"
        assert run(["true"]).returncode == subprocess.call(["true"]) == system("true") == 0
        assert waitpid(posix_spawnp("true", ["true"], os.environ), 0)[1] == 0

    def test_it(tape):
        work()
        assert len(tape.spawns) == 5

    def test_with_what_the_first_has_loaded():
        work()
"""


def test_a_pool_that_is_imported_late(project: Project) -> None:
    project.write(LATE)
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    project.run_apart().assert_outcomes(passed=1)


@pytest.mark.skipif(sys.version_info < (3, 15), reason="no lazy imports before 3.15")
def test_names_that_are_imported_when_they_are_used(project: Project) -> None:
    project.write(LAZY)
    project.run_apart("--record-tapes").assert_outcomes(passed=2)
    project.run_apart().assert_outcomes(passed=2)
