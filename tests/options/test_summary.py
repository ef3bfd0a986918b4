"""The summary at the end of a run: what was replayed and recorded, and nothing where no tape was used."""

from __future__ import annotations

import re

import pytest

from tests.options.project import Project, counted, summary

SUITE = r"""
    import subprocess
    import pytest

    @pytest.mark.parametrize("word", ["ant", "bee", "cow"])
    def test_it(tape, word):
        for _ in range(2):
            subprocess.run(["echo", word], capture_output=True)

    def test_quiet(tape):
        pass

    def test_untaped():
        pass
"""
TIMES = re.compile(r"replayed ([\d.]+) (s|ms) of processes in ([\d.]+) (s|ms) of tests(?:: .* saved)?")


def times(result: pytest.RunResult) -> tuple[float, float]:
    """The two times of the summary in milliseconds: of the processes, and of the tests."""
    found = [match for match in map(TIMES.fullmatch, result.outlines) if match]
    assert len(found) == 1, str(result.stdout)
    units = {"s": 1000.0, "ms": 1.0}
    return float(found[0][1]) * units[found[0][2]], float(found[0][3]) * units[found[0][4]]


@pytest.mark.parametrize("flags", [(), ("--replay-tapes",), ("--live-tapes",), ("-v",), ("-q",)])
def test_there_is_none_where_no_tape_was_used(project: Project, flags: tuple[str, ...]) -> None:
    project.write(
        "import subprocess\n\ndef test_it(): subprocess.run(['true'])\n\ndef test_quiet(tape): pass"
    )
    with_plugin = project.run(*flags)
    with_plugin.assert_outcomes(passed=2)
    project.write("import subprocess\n\ndef test_it(): subprocess.run(['true'])\n\ndef test_quiet(): pass")
    without = project.pytester.runpytest_inprocess(*(flag for flag in flags if "tapes" not in flag))
    timeless = [
        [re.sub(r"[\d.]+s", "", line) for line in one.outlines if not line.startswith("tapes: ")]
        for one in (with_plugin, without)
    ]
    assert timeless[0] == timeless[1]


def test_the_sums_of_a_recording_and_its_replay(project: Project, run_options: tuple[str, ...]) -> None:
    project.write(SUITE)
    recorded = project.record(*run_options)
    assert summary(recorded) == ["tests: 3 recorded; spawns: 6 real"]
    replayed = project.replay(*run_options)
    assert summary(replayed) == ["tests: 3 replayed; spawns: 6 replayed"]
    assert times(replayed)[0] > 0
    live = project.run("--live-tapes")
    assert summary(live) == ["tests: 3 live; spawns: 6 real"]


def test_the_time_of_the_processes_is_that_of_the_recording(project: Project) -> None:
    project.write(SUITE)
    for word, duration_ms in (("ant", 1500.0), ("bee", 2000.25), ("cow", 0)):
        project.write_tape(
            {"program": "echo", "args": [word], "duration_ms": duration_ms},
            {"program": "echo", "args": [word], "duration_ms": duration_ms},
            test=f"test_it[{word}]",
        )
    processes_ms, tests_ms = times(project.replay())
    assert processes_ms == 7000
    assert 0 < tests_ms < processes_ms


def test_sums_of_all_kinds(project: Project) -> None:
    project.write(SUITE)
    project.record("-k", "ant or bee", passed=2, deselected=3)
    project.edit("range(2)", "range(3 if word == 'bee' else 2)")
    result = project.run("--record-tapes=new")
    result.assert_outcomes(passed=5)
    assert counted(result) == "tests: 2 recorded, 1 unchanged; spawns: 4 replayed, 3 real"


def test_replayed_and_recorded_with_missing(project: Project) -> None:
    project.write(SUITE)
    project.record("-k", "ant or bee", passed=2, deselected=3)
    result = project.run("--record-tapes=missing")
    assert counted(result) == "tests: 2 replayed, 1 recorded; spawns: 4 replayed, 2 real"


# -- missing tapes -----------------------------------------------------------------------------


def test_missing_tapes_are_told_with_the_command(project: Project) -> None:
    project.write(SUITE)
    result = project.replay(failed=3, passed=2)
    lines = summary(result)
    assert lines[-4] == "3 tests have no tape; record with: pytest --record-tapes=missing"
    assert sorted(lines[-3:]) == [f"  test_it.py::test_it[{word}]" for word in ("ant", "bee", "cow")]


def test_the_command_of_the_summary_records_what_is_missing(project: Project) -> None:
    project.write(SUITE)
    result = project.replay(failed=3, passed=2)
    (line,) = [line for line in result.outlines if "record with: pytest " in line]
    project.run(*line.partition("pytest ")[2].split()).assert_outcomes(passed=5)
    project.replay(passed=5)


def test_one_missing_tape_is_one(project: Project) -> None:
    project.write(SUITE)
    result = project.replay("-k", "ant", failed=1, deselected=4)
    assert "1 test has no tape; record with: pytest --record-tapes=missing" in summary(result)


def test_many_missing_tapes_are_all_named_with_v_only(project: Project) -> None:
    project.write(SUITE.replace('["ant", "bee", "cow"]', "range(7)").replace('"echo", word', '"echo"'))
    lines = summary(project.replay(failed=7, passed=2))
    assert lines[-5:] == [
        "7 tests have no tape; record with: pytest --record-tapes=missing",
        "  test_it.py::test_it[0]",
        "  test_it.py::test_it[1]",
        "  test_it.py::test_it[2]",
        "  and 4 more (-v shows them)",
    ]
    verbose = summary(project.replay("-v", failed=7, passed=2))
    assert verbose[-7:] == [f"  test_it.py::test_it[{number}]" for number in range(7)]


# -- failures ----------------------------------------------------------------------------------


def test_a_recording_that_failed_is_told_with_where_its_attempt_is(
    project: Project, run_options: tuple[str, ...]
) -> None:
    project.write(SUITE)
    project.edit("capture_output=True)\n", "capture_output=True)\n    assert word != 'bee'\n")
    result = project.run("--record-tapes", *run_options)
    result.assert_outcomes(passed=4, failed=1)
    lines = summary(result)
    assert lines[0] == "tests: 2 recorded, 1 failed to record; spawns: 6 real"
    (line,) = [line for line in lines if "test_it[bee]" in line]
    assert str(project.tape("test_it[bee]").with_suffix(".json.failed").name) in line


# -- verbosity ---------------------------------------------------------------------------------


def test_q_leaves_the_heading_out(project: Project) -> None:
    project.write(SUITE)
    project.record()
    result = project.replay("-q")
    assert not any(line.strip("- ") == "tapes" for line in result.outlines)
    assert counted(result) == "tests: 3 replayed; spawns: 6 replayed"


def test_qq_says_no_more_than_pytest_itself(project: Project) -> None:
    project.write(SUITE)
    project.record()
    result = project.replay("-qq")
    assert counted(result) == ""
    assert times_are_not_told(result)


def test_no_summary_of_pytest_means_none_of_ours(project: Project) -> None:
    project.write(SUITE)
    project.record()
    result = project.replay("--no-summary")
    assert counted(result) == ""
    assert times_are_not_told(result)


def times_are_not_told(result: pytest.RunResult) -> bool:
    return not any(TIMES.fullmatch(line) for line in result.outlines)


def test_v_is_not_less(project: Project) -> None:
    project.write(SUITE)
    project.record()
    plain, verbose = project.replay(), project.replay("-v")
    assert set(summary(plain)) <= set(summary(verbose))


# -- stops -------------------------------------------------------------------------------------


def test_x_tells_what_was_done_until_then(project: Project) -> None:
    project.write(SUITE)
    project.record()
    project.edit('"echo", word', '"echo", word.replace("bee", "x")')
    result = project.replay("-x", failed=1, passed=1)
    assert counted(result).startswith("tests: ")


def test_a_summary_stands_before_the_closing_line(project: Project) -> None:
    project.write(SUITE)
    project.record()
    lines = project.replay().outlines
    at = next(index for index, line in enumerate(lines) if line.startswith("tests: "))
    assert re.match(r"=+ 5 passed in ", lines[-1])
    assert at < len(lines) - 1


# -- a recording of nothing ------------------------------------------------------------------------

NOTHING = "nothing was recorded: no taped test has started a process"


@pytest.mark.parametrize("mode", ["--record-tapes", "--record-tapes=missing", "--record-tapes=new"])
def test_a_recording_without_a_taped_test_says_how_tests_are_taped(
    project: Project, mode: str, run_options: tuple[str, ...]
) -> None:
    project.write("import subprocess\ndef test_it():\n    subprocess.run(['true'])\n")

    result = project.run(mode, *run_options)

    result.stdout.fnmatch_lines(
        [NOTHING, "tests are taped that ask for the fixture `tape` *", "tapes_auto = true *"]
    )


def test_a_recording_of_tests_that_start_nothing_says_so(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write("def test_it():\n    pass\n")

    told = project.record().stdout
    told.fnmatch_lines([NOTHING])
    told.no_fnmatch_line("tapes_auto*")


@pytest.mark.parametrize(
    "options",
    [(), ("--replay-tapes",), ("--live-tapes",), ("--record-tapes", "--co"), ("--record-tapes", "-qq")],
)
def test_other_runs_say_nothing_of_it(project: Project, options: tuple[str, ...]) -> None:
    project.write("def test_it():\n    pass\n")

    project.run(*options).stdout.no_fnmatch_line("nothing was recorded*")
