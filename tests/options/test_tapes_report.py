"""`--tapes-report=FILE`: one object a tape, the sums, and a file that is whole or not there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.options.project import Project

SUITE = """
    import subprocess
    import pytest
    from pytest_proctape import use_tape

    def say(*words):
        return subprocess.run(["echo", *words], capture_output=True)

    @pytest.fixture(scope="module")
    def wide():
        say("wide")

    def test_same(tape, wide):
        say("same")

    def test_other(tape):
        say("before")

    def test_less(tape):
        say("less")

    def test_block():
        with use_tape("block.json"):
            say("block")

    def test_quiet(tape):
        pass

    def test_untaped():
        pass
"""
SCHEMA = Path(__file__).parents[2] / "docs" / "tapes-report.schema.json"


def report(project: Project, *flags: str, path: str = "report.json") -> dict[str, Any]:
    """Run with a report, and read it."""
    result = project.run(f"--tapes-report={path}", *flags)
    assert any(line.strip("- ") == f"tapes report: {project.path / path}" for line in result.outlines)
    told: dict[str, Any] = json.loads((project.path / path).read_text(encoding="utf-8"))
    return told


def by_test(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["test"].rpartition("::")[2]: one for one in told["tapes"]}


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(SUITE)
    project.ini()
    return project


def test_a_recording_and_its_replay(suite: Project, run_options: tuple[str, ...]) -> None:
    recorded = report(suite, "--record-tapes", *run_options)
    assert recorded["version"] == 1
    tapes = by_test(recorded)
    assert set(tapes) == {"test_same", "test_other", "test_less", "block.json", "test_quiet", "@wide"}
    one = tapes["test_same"]
    assert one["test_ms"] > 0
    del one["test_ms"]
    assert one == {
        "kind": "test",
        "test": "test_it.py::test_same",
        "test_outcome": "passed",
        "tape": "tapes/test_it/test_same.json",
        "mode": "record",
        "outcome": "recorded",
        "entries": 0,
        "spawns": {"replayed": 0, "virtual": 0, "real": 1},
        "process_ms": 0,
        "errors": [],
        "drift": [],
        "leaked": [],
        "strays": [],
    }
    assert (tapes["@wide"]["kind"], tapes["@wide"]["test_outcome"]) == ("fixture", None)
    assert (tapes["block.json"]["kind"], tapes["block.json"]["tape"]) == ("use_tape", "block.json")
    assert (tapes["test_quiet"]["outcome"], tapes["test_quiet"]["tape"]) == ("nothing", None)
    replayed = report(suite, *run_options)
    assert {name: one["outcome"] for name, one in by_test(replayed).items()} == dict.fromkeys(
        tapes, "replayed"
    )
    assert by_test(replayed)["test_same"]["entries"] == 1
    totals = replayed["totals"]
    assert totals["tests"] == {"replayed": 3}
    assert totals["fixtures"] == totals["use_tape"] == {"replayed": 1}
    assert totals["spawns"] == {"replayed": 5, "virtual": 0, "real": 0}
    assert totals["process_ms"] > 0
    assert totals["saved_ms"] == max(0, round(totals["process_ms"] - totals["test_ms"], 6))


def test_orphans_are_counted_and_named(suite: Project, run_options: tuple[str, ...]) -> None:
    suite.record(passed=6)
    told = report(suite, *run_options)
    assert (told["orphans"], told["totals"]["orphaned"]) == ([], 0)
    suite.tape("test_gone").write_text('{"version": 2, "test": "test_it.py::test_gone", "entries": []}')
    payload = suite.path / "tapes" / "_payloads" / ("0" * 64)
    payload.parent.mkdir(exist_ok=True)
    payload.write_bytes(b"")
    told = report(suite, *run_options)
    assert told["orphans"] == ["tapes/test_it/test_gone.json"]
    assert (told["totals"]["orphaned"], told["totals"]["orphaned_payloads"]) == (1, 1)
    # Nothing can be told of a part.
    told = report(suite, "-k", "same", *run_options)
    assert (told["orphans"], told["totals"]["orphaned"]) == ([], 0)


def test_what_went_wrong(suite: Project, run_options: tuple[str, ...]) -> None:
    suite.record(passed=6)
    suite.edit('say("before")', 'say("after", "\\udcff")')
    suite.edit('say("less")', "pass")
    suite.edit('say("block")', 'say("block", 1 / 0)')
    suite.tape("test_same").unlink()
    told = report(suite, *run_options)
    tapes = by_test(told)
    assert {name: (one["test_outcome"], one["outcome"]) for name, one in tapes.items()} == {
        "test_same": ("failed", "missing"),
        "test_other": ("failed", "diverged"),
        "test_less": ("failed", "leftover"),
        "test_quiet": ("passed", "replayed"),
        "block.json": (None, "replayed"),
        "@wide": (None, "replayed"),
    }
    (divergence,) = tapes["test_other"]["errors"]
    assert divergence == {
        "kind": "Divergence",
        "told": "args[0] is after, on the tape before (and 1 more)",
        "place": "test_it.py:6 in say()",
        "spawn": ["echo", "after", "\\udcff"],
        "differences": [
            {"field": "args[0]", "tape": "before", "test": "after"},
            {"field": "args[1]", "tape": None, "test": "\\udcff"},
        ],
        "next_step": "pytest --record-tapes test_it.py::test_other",
    }
    (missing,) = tapes["test_same"]["errors"]
    assert missing["next_step"] == "record it: pytest --record-tapes test_it.py::test_same"
    assert told["totals"]["missing"] == 1
    assert told["totals"]["tests"] == {"diverged": 1, "leftover": 1}


@pytest.mark.parametrize(
    "flags",
    [("--record-tapes",), (), ("--live-tapes",), ("--verify-tapes",)],
    ids=["record", "replay", "live", "verify"],
)
def test_it_has_the_form_that_is_documented(suite: Project, flags: tuple[str, ...]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    suite.record(passed=6)
    suite.edit('say("before")', 'say("after")')
    jsonschema.validate(report(suite, *flags), schema)


def test_each_field_is_documented(suite: Project) -> None:
    """No less than what is documented, and no more."""
    suite.record(passed=6)
    suite.edit('say("before")', 'say("after")')
    told, schema = report(suite), json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = schema["$defs"]
    for document, form in (
        (told, schema),
        (told["totals"], parts["totals"]),
        (told["tapes"][0], parts["tape"]),
        (by_test(told)["test_other"]["errors"][0], parts["error"]),
    ):
        assert set(document) == set(form["properties"]) == set(form["required"])


def test_outcomes_of_tests_are_pytests(project: Project) -> None:
    project.write(
        """
        import subprocess
        import pytest

        pytestmark = pytest.mark.tape

        def test_skipped(): pytest.skip()

        @pytest.mark.xfail
        def test_xfailed(): assert 0

        @pytest.mark.xfail(strict=False)
        def test_xpassed(): pass

        @pytest.fixture
        def broken(): assert 0

        def test_error(broken): pass

        @pytest.fixture
        def late():
            yield
            assert 0

        def test_late(late): pass
        """
    )
    told = by_test(report(project))
    assert {name: one["test_outcome"] for name, one in told.items()} == {
        "test_skipped": "skipped",
        "test_xfailed": "xfailed",
        "test_xpassed": "xpassed",
        "test_error": "error",
        "test_late": "error",
    }


# -- the file ----------------------------------------------------------------------------------


def test_a_run_that_is_broken_off_leaves_what_was_there(suite: Project) -> None:
    (suite.path / "report.json").write_text("old")
    suite.write(
        """
        import pytest

        def pytest_sessionfinish(session):
            pytest.exit("enough", 3)

        def pytest_runtest_logreport(report):
            if report.when == "teardown":
                raise KeyboardInterrupt
        """,
        "conftest.py",
    )
    suite.pytester.runpytest_subprocess("-p", "pytest_proctape.plugin", "--tapes-report=report.json")
    left = sorted(path.name for path in suite.path.iterdir() if "report.json" in path.name)
    assert left == ["report.json"]
    assert (suite.path / "report.json").read_text() == "old"


def test_an_interrupted_run_reports_what_it_has(suite: Project) -> None:
    suite.edit('say("before")', "raise KeyboardInterrupt")
    suite.pytester.runpytest_subprocess(
        "-p", "pytest_proctape.plugin", "--tapes-report=report.json", "--record-tapes"
    )
    told = json.loads((suite.path / "report.json").read_text(encoding="utf-8"))
    assert "test_same" in by_test(told)
    assert sorted(path.name for path in suite.path.iterdir() if "report.json" in path.name) == ["report.json"]


def test_the_directory_is_made(suite: Project) -> None:
    assert report(suite, "-k", "quiet", path="out/of/the/way.json")["tapes"]


def test_a_path_that_can_not_be_written_is_told_before_anything_runs(suite: Project) -> None:
    suite.write("", "file")
    result = suite.run("--tapes-report=file/report.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any("--tapes-report=" in line and "can't be written" in line for line in result.errlines)


def test_nothing_is_written_where_nothing_runs(suite: Project) -> None:
    suite.run("--tapes-report=report.json", "--collect-only")
    assert not (suite.path / "report.json").exists()


def test_a_run_without_tapes_has_a_report_without_any(project: Project) -> None:
    project.write("def test_it(): pass")
    told = report(project)
    assert told["tapes"] == []
    assert told["totals"]["tests"] == {}


def test_nothing_of_it_is_loaded_unless_it_is_asked_for(project: Project) -> None:
    project.write("import sys\n\ndef test_it(): assert 'pytest_proctape.tapes_report' not in sys.modules")
    sys.modules.pop("pytest_proctape.tapes_report", None)
    project.run().assert_outcomes(passed=1)
