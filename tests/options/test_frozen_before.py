"""A conftest file that freezes the time before anything of ours is imported."""

from __future__ import annotations

import json

from tests.options.project import Project


def test_the_real_clock_is_found_behind_it(project: Project) -> None:
    project.write(
        """
        from freezegun import freeze_time

        FROZEN = freeze_time("2020-02-02")
        FROZEN.start()

        def pytest_sessionfinish():
            FROZEN.stop()
        """,
        "conftest.py",
    )
    project.write(
        """
        import datetime, subprocess, time
        import pytest
        import pytest_proctape

        @pytest.mark.tape
        def test_it():
            assert datetime.date.today().year == 2020
            assert subprocess.run(["true"]).returncode == 0
            assert datetime.date.today().year == 2020

        def test_the_real_clock_goes_on():
            from pytest_proctape.clock import REAL

            assert REAL.time_ns() > time.time_ns() + 10**9
        """
    )
    for arguments in (["--record-tapes"], []):
        project.run_apart(*arguments).assert_outcomes(passed=2)
    recorded = json.loads(project.tape().read_bytes())["recorded"]
    assert not recorded["at"].startswith("2020-02-02")
