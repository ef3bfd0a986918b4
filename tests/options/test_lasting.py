"""What is there to the end of a run is spared the looks for garbage, and ends as it would without us."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.options.project import PLUGIN, Project

CONFTEST = """
    import gc

    class Mine:
        pass

    MINE = Mine()

    def pytest_unconfigure(config):
        seen = gc.get_objects()
        assert any(one is MINE for one in seen)
        print("aside:", gc.get_freeze_count() > len(seen))
"""


@pytest.fixture
def telling(project: Project) -> Project:
    """A project that tells at its end whether the collector goes through less than the half."""
    asked = [sys.executable, "-c", "import gc; print(gc.get_freeze_count())"]
    if int(subprocess.check_output(asked)):
        pytest.skip("this Python has frozen something by itself, and that stays so")
    project.write(CONFTEST, "conftest.py")
    project.write("def test_it(): pass")
    return project


@pytest.mark.parametrize("flag", ["--record-tapes", "--replay-tapes", "--live-tapes", "-otapes_auto=true"])
def test_a_run_with_tapes_puts_aside_what_is_not_the_users(telling: Project, flag: str) -> None:
    assert "aside: True" in telling.run_apart("-s", flag).outlines


def test_tapes_are_enough(telling: Project) -> None:
    telling.path.joinpath("tapes").mkdir()
    assert "aside: True" in telling.run_apart("-s").outlines
    assert "aside: False" in telling.run_apart("-s", "--collect-only").outlines


def test_what_hypothesis_looks_for_is_not_put_aside(telling: Project) -> None:
    pytest.importorskip("hypothesis")
    telling.write("import hypothesis.core", "plugged.py")
    telling.write(
        """
        from hypothesis import given, settings, strategies

        @settings(derandomize=True, database=None)
        @given(strategies.integers())
        def test_it(number):
            pass
        """
    )
    # It warns where it is not found.
    ended = telling.run_apart("-s", "--record-tapes", "-p", "plugged", "-W", "error")
    ended.assert_outcomes(passed=1)
    assert "aside: False" in ended.outlines


def test_a_run_without_tapes_leaves_the_collector_alone(telling: Project) -> None:
    assert "aside: False" in telling.run_apart("-s").outlines


def test_a_program_of_which_pytest_is_a_part_is_left_alone(telling: Project) -> None:
    script = f"import pytest; pytest.main(['-s', *{PLUGIN!r}, '--record-tapes'])"
    assert "aside: False" in telling.pytester.run(sys.executable, "-c", script).outlines


def test_a_pytest_within_a_test_puts_nothing_aside(telling: Project) -> None:
    telling.path.joinpath("inner").mkdir()
    telling.write("def test_it(): pass", "inner/test_inner.py")
    telling.write(
        f"""
        import gc
        import pytest

        def test_it():
            assert pytest.main([*{PLUGIN!r}, "--record-tapes", "--rootdir=inner", "inner"]) == 0
            assert gc.get_freeze_count() == 0
        """
    )
    telling.run_apart("test_it.py").assert_outcomes(passed=1)


def test_what_hangs_on_the_run_is_closed_as_python_ends(telling: Project) -> None:
    telling.write(
        """
        def pytest_configure(config):
            config.report = open("report.txt", "w")

        def pytest_sessionfinish(session):
            session.config.report.write("all is well")
        """,
        "conftest.py",
    )
    telling.run_apart("--record-tapes").assert_outcomes(passed=1)
    assert telling.path.joinpath("report.txt").read_text() == "all is well"
