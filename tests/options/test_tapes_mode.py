"""Which mode a test has: the command line before the marker before the ini option tapes_mode."""

from __future__ import annotations

import pytest

from tests.options.project import Project

SHOWS_MODE = """
    import pytest

    {marker}
    def test_it(tape):
        print(f"mode is {{tape.mode}}.")
"""
FLAGS = {
    "replay": "--replay-tapes",
    "record": "--record-tapes",
    "update": "--record-tapes=new",
    "live": "--live-tapes",
}
NAMES = {"replay": "replay", "record": "record", "update": "new", "live": "live"}


def shown_mode(project: Project, *args: str, marker: str = "", ini: str = "") -> str:
    project.write(SHOWS_MODE.format(marker=f"@pytest.mark.tape(mode='{marker}')" if marker else ""))
    project.ini(*([f"tapes_mode = {ini}"] if ini else []))
    result = project.run("-s", *args)
    result.assert_outcomes(passed=1)
    shown = [line for line in result.outlines if "mode is" in line]
    return shown[0].partition("mode is ")[2].partition(".")[0]


def test_replay_is_what_happens_where_nobody_says_anything(project: Project) -> None:
    assert shown_mode(project) == "replay"


@pytest.mark.parametrize("mode", NAMES)
def test_each_place_can_say_each_mode(project: Project, mode: str) -> None:
    assert shown_mode(project, ini=NAMES[mode]) == mode
    assert shown_mode(project, marker=NAMES[mode]) == mode
    assert shown_mode(project, FLAGS[mode]) == mode


@pytest.mark.parametrize("mode", NAMES)
def test_the_marker_wins_over_the_ini_file(project: Project, mode: str) -> None:
    for other in NAMES.values():
        assert shown_mode(project, marker=NAMES[mode], ini=other) == mode


@pytest.mark.parametrize("mode", NAMES)
def test_the_command_line_wins_over_both(project: Project, mode: str) -> None:
    for other in NAMES.values():
        assert shown_mode(project, FLAGS[mode], marker=other) == mode
        assert shown_mode(project, FLAGS[mode], ini=other) == mode
        assert shown_mode(project, FLAGS[mode], marker=other, ini=other) == mode


def test_missing_means_record_or_replay(project: Project) -> None:
    assert shown_mode(project, ini="missing") == "record"
    project.write_tape()
    assert shown_mode(project, ini="missing") == "replay"
    assert shown_mode(project, marker="missing") == "replay"


def test_all_is_another_word_for_record(project: Project) -> None:
    assert shown_mode(project, ini="all") == "record"
    assert shown_mode(project, marker="all") == "record"


@pytest.mark.parametrize(
    "flags",
    [
        ("--record-tapes", "--replay-tapes"),
        ("--record-tapes=all", "--live-tapes"),
        ("--record-tapes=new", "--replay-tapes"),
        ("--record-tapes=missing", "--live-tapes"),
        ("--replay-tapes", "--live-tapes"),
        ("--record-tapes", "--replay-tapes", "--live-tapes"),
        ("--record-tapes", "--record-tapes=missing"),
        ("--record-tapes=new", "--record-tapes=missing"),
        ("--record-tapes=new", "--record-tapes"),
    ],
    ids=" ".join,
)
def test_two_flags_at_once_are_a_usage_error(project: Project, flags: tuple[str, ...]) -> None:
    project.write("def test_it(tape): pass")
    result = project.run(*flags)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*result.errlines, *result.outlines])
    assert "Traceback" not in told
    for flag in flags:
        assert flag.replace("=all", "") in told


@pytest.mark.parametrize("flag", [*FLAGS.values(), "--record-tapes=missing", "--record-tapes=all"])
def test_one_flag_said_twice_is_one_flag(project: Project, flag: str) -> None:
    project.write("def test_it(tape): pass")
    project.run(flag, flag).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "value, nearest", [("reply", "replay"), ("recrod", "record"), ("Live", "live"), ("xyz", "")]
)
def test_an_ini_value_that_is_not_understood_is_one_readable_error(
    project: Project, value: str, nearest: str
) -> None:
    project.write("def test_it(): pass")
    project.ini(f"tapes_mode = {value}")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*result.errlines, *result.outlines])
    assert "Traceback" not in told
    assert "tapes_mode" in told
    assert "pytest.ini" in told
    assert repr(value) in told
    assert "replay, record, missing, new, live" in told
    assert (f"did you mean '{nearest}'" in told) == bool(nearest)


def test_the_ini_option_can_be_overridden_on_the_command_line(project: Project) -> None:
    assert shown_mode(project, "-o", "tapes_mode=live", ini="record") == "live"


def test_pyproject_toml_has_the_ini_options_too(project: Project) -> None:
    project.write(
        """
        [tool.pytest.ini_options]
        tapes_mode = "record"
        tapes_auto = true
        tapes_dir = "cassettes"
        """,
        "pyproject.toml",
    )
    project.write("import subprocess\n\ndef test_it(): subprocess.run(['true'])")
    project.run().assert_outcomes(passed=1)
    assert project.tapes("cassettes") == ["test_it/test_it.json"]
