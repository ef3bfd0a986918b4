"""A failed replay at a glance: one line where there is room for one, colours, columns, and the tape."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from tests.options.project import Project

SAY = """
    import subprocess

    def say(*words):
        return subprocess.run(["echo", *words], capture_output=True, text=True).stdout
"""
TEST = """
    def test_it(tape):
        say("one", "and", "some", "more", "words", "that", "make", "it", "long")
        say("two")
"""
CODE = SAY + TEST
KINDS = {
    "divergence": ('"one"', '"eins"', "Divergence: args[0] is eins, on the tape one"),
    "more": ('"long"', '"long", "er"', "Divergence: args[9] is er, and not on the tape"),
    "less": (', "long")', ")", "Divergence: no args[8], on the tape long"),
    "several": ('"one", "and"', '"eins", "und"', "Divergence: args[0] is eins, on the tape one (and 1 more)"),
    "exhaustion": ('say("two")', 'say("two"); say("x")', "Exhaustion: not on the tape any more: echo x"),
    "leftover": ('say("two")', "pass", "Leftover: not replayed: echo two"),
}
ANSI = re.compile("\x1b\\[[0-9;]*m")


@pytest.fixture
def recorded(project: Project) -> Project:
    project.write(CODE)
    project.ini()
    project.record()
    return project


def changed(project: Project, kind: str) -> str:
    """Make the test fail in one way; the line that tells it."""
    old, new, told = KINDS[kind]
    project.edit(old, new)
    return told


@pytest.fixture
def every_kind(project: Project) -> Project:
    """A test for each kind, recorded, that now fails in this way."""
    tests = {kind: TEST.replace("test_it", f"test_{kind}") for kind in KINDS}
    project.write(SAY + "".join(tests.values()))
    project.ini()
    project.record(passed=len(KINDS))
    project.write(SAY + "".join(tests[kind].replace(old, new) for kind, (old, new, _) in KINDS.items()))
    return project


def plain(line: str) -> str:
    return ANSI.sub("", line)


# -- one line ----------------------------------------------------------------------------------


def test_a_line_says_it(every_kind: Project, run_options: tuple[str, ...]) -> None:
    result = every_kind.replay("--tb=line", *run_options, failed=len(KINDS))
    lines = result.outlines
    for kind, (_, _, told) in KINDS.items():
        assert any(re.fullmatch(rf"test_it\.py:\d+: {re.escape(told)}", line) for line in lines)
        assert any(line.startswith(f"replayed from tapes/test_it/test_{kind}.json") for line in lines)
    assert not [line for line in lines if line.startswith("E ")]


def test_the_short_summary_says_it(every_kind: Project, run_options: tuple[str, ...]) -> None:
    for flags in (("-ra",), ("-q",), ("--tb=no",), ("--tb=native",), ("--tb=short",), ("-vv",)):
        lines = every_kind.replay(*flags, *run_options, failed=len(KINDS)).outlines
        assert len([line for line in lines if line.startswith("FAILED ")]) == len(KINDS)
        for kind, (_, _, told) in KINDS.items():
            head = f"FAILED test_it.py::test_{kind} - "
            (line,) = [line for line in lines if line.startswith(head)]
            shown = line.removeprefix(head)
            assert shown == told or told.startswith(shown.removesuffix("..."))
            assert len(shown) > 30


def test_a_junit_file_says_it_without_colours(recorded: Project, run_options: tuple[str, ...]) -> None:
    told = changed(recorded, "divergence")
    recorded.replay("--color=yes", "--junitxml=junit.xml", *run_options, failed=1)
    (failure,) = ET.parse(recorded.path / "junit.xml").iter("failure")
    assert failure.attrib["message"].startswith(told + "\n")
    text = failure.text or ""
    assert "\x1b" not in text
    assert "#x1B" not in text
    assert "      args[0]  tape: one" in text
    assert "               test: eins" in text


def test_the_place_of_an_annotation_is_that_of_the_spawn(recorded: Project) -> None:
    told = changed(recorded, "divergence")
    recorded.write(
        """
        def pytest_runtest_logreport(report):
            if report.failed:
                crash = report.longrepr.reprcrash
                entry = report.longrepr.reprtraceback.reprentries[-1]
                print("\\nannotation:", entry.reprfileloc.lineno, crash.message.splitlines()[0])
        """,
        "conftest.py",
    )
    assert f"annotation: 4 {told}" in recorded.replay("-s", failed=1).outlines


def test_native_shows_the_users_frames_alone(recorded: Project) -> None:
    recorded.edit('say("one"', 'try: say("eins"')
    recorded.edit('say("two")', "except Exception: pass\n    assert False")
    lines = recorded.replay("--tb=native", failed=1).outlines
    frames = [line.partition(", line ")[0] for line in lines if line.startswith("  File ")]
    assert len(frames) == 3
    assert all(frame.endswith('test_it.py"') for frame in frames)


# -- colours and columns -----------------------------------------------------------------------


def test_the_sides_have_colours(recorded: Project, run_options: tuple[str, ...]) -> None:
    changed(recorded, "divergence")
    lines = recorded.replay("--color=yes", *run_options, failed=1).outlines
    (tape,) = [line for line in lines if "  tape: " in plain(line)]
    (test,) = [line for line in lines if "  test: " in plain(line)]
    assert re.search(r"tape: \x1b\[1m\x1b\[32mone\x1b\[0m", tape)
    assert re.search(r"test: \x1b\[1m\x1b\[31meins\x1b\[0m", test)
    (command,) = [line for line in lines if "pytest --record-tapes" in plain(line)]
    assert "\x1b[36m" in command
    assert not [line for line in recorded.replay("--color=no", failed=1).outlines if "\x1b" in line]


def test_colours_change_no_text(every_kind: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    told = []
    for colour in ("no", "yes"):
        lines = every_kind.replay(f"--color={colour}", failed=len(KINDS)).outlines
        told.append([plain(line).rstrip() for line in lines if plain(line).startswith("E ")])
    assert told[0] == told[1]
    assert len([line for line in told[0] if "pytest_proctape.errors." in line]) == len(KINDS)


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_lines_fit_the_terminal(recorded: Project, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    changed(recorded, "divergence")
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [plain(line) for line in recorded.replay("--color=yes", failed=1).outlines]
    told = [line for line in lines if line.startswith("E ")]
    command = "pytest --record-tapes test_it.py::test_it"
    assert told[-1].endswith(command)
    wide = [line for line in told[:-1] if len(line) > columns]
    # A word is never broken: a path, say.
    assert all(len(line.split()) <= 2 for line in wide), wide
    words = " ".join(" ".join(line.removeprefix("E") for line in told).split())
    assert "echo eins and some more words that make it long" in words


# -- the tape of a failed test -----------------------------------------------------------------


def section(result: pytest.RunResult) -> list[str]:
    """What is told of the tape of the only failed test."""
    lines = result.outlines
    heads = [i for i, line in enumerate(lines) if re.fullmatch("-+ tape -+", line)]
    if not heads:
        return []
    (at,) = heads
    told = []
    for line in lines[at + 1 :]:
        if not line or line[0] in "-=_":
            break
        told.append(line)
    return told


def test_any_failed_taped_test_tells_its_tape(recorded: Project, run_options: tuple[str, ...]) -> None:
    recorded.edit('say("two")', 'say("two")\n    assert not "this"')
    told = section(recorded.replay(*run_options, failed=1))
    assert re.fullmatch(
        r"replayed from tapes/test_it/test_it\.json, recorded on \d{4}-\d\d-\d\d \((today|1 day ago)\) "
        r"with Python 3\.\d+\.\S+ on \w+",
        told[0],
    )
    assert told[1:] == ["record it again: pytest --record-tapes test_it.py::test_it"]


def test_the_command_is_not_said_twice(recorded: Project) -> None:
    changed(recorded, "divergence")
    assert len(section(recorded.replay(failed=1))) == 1


@pytest.mark.parametrize(
    "at, told",
    [
        ("2026-01-02T03:04:05Z", r"recorded on 2026-01-02 \(\d+ days? ago\) with"),
        ("2999-01-02T03:04:05Z", "recorded on 2999-01-02 with"),
        ("last summer", "recorded on last summer with"),
    ],
)
def test_a_tape_has_an_age(recorded: Project, at: str, told: str) -> None:
    recorded.edit('say("two")', 'say("two")\n    assert not "this"')
    path = recorded.tape()
    document = json.loads(path.read_bytes())
    document["recorded"]["at"] = at
    path.write_text(json.dumps(document))
    assert re.search(told, section(recorded.replay(failed=1))[0])


def test_a_tape_written_by_hand_has_none(project: Project) -> None:
    project.write(CODE + "        assert 0\n")
    project.edit('say("one", "and", "some", "more", "words", "that", "make", "it", "long")', "")
    project.write_tape({"program": "echo", "args": ["two"]})
    assert section(project.replay(failed=1))[0] == (
        "replayed from tapes/test_it/test_it.json, which was not recorded but written by hand"
    )


def test_a_failed_recording_tells_that_the_tape_stays(recorded: Project) -> None:
    recorded.edit('say("two")', 'say("two")\n    assert not "this"')
    assert section(recorded.run("--record-tapes")) == [
        "recording: tapes/test_it/test_it.json stays as it is, as the test failed"
    ]


def test_a_failed_recording_that_had_no_tape_tells_that_none_is_made(project: Project) -> None:
    project.write(CODE + "        assert 0\n")
    assert section(project.run("--record-tapes")) == [
        "recording: tapes/test_it/test_it.json is not made, as the test failed"
    ]
    assert project.tapes() == ["test_it/test_it.json.failed"]


def test_a_test_that_uses_no_tape_tells_of_none(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write("def test_it(): assert 0")
    for flags in ((), ("--record-tapes",), ("--live-tapes",)):
        assert section(project.run(*flags)) == []


def test_a_command_that_is_missing_is_shown_where_the_user_asks_for_it(project: Project) -> None:
    """No frame of ours is in the traceback, on whichever road the command is started."""
    project.ini("tapes_auto = true")
    project.write(
        """
        import subprocess
        import pytest

        @pytest.mark.parametrize("options", [{"capture_output": True}, {"close_fds": False}])
        def test_it(options):
            subprocess.run(["no-such-program"], **options)
        """
    )
    told = [project.record(failed=2).stdout.str()]
    for kept in (project.path / "tapes").rglob("*.failed"):
        kept.rename(kept.with_suffix(""))
    told.append(project.replay(failed=2).stdout.str())

    for one in told:
        assert one.count("FileNotFoundError: [Errno 2] No such file or directory: 'no-such-program'") >= 2
        assert re.search(r"pytest_proctape/\S+\.py:\d+", one) is None


@pytest.mark.parametrize("kind, kept", [("divergence", ["test_it.py", "test_it.py"]), ("leftover", None)])
def test_pytest_is_told_of_the_users_frames_and_whoever_comes_later_of_all(
    recorded: Project, kind: str, kept: list[str] | None
) -> None:
    """Pytest parses the file of each frame for a report of its own, which is not shown."""
    recorded.write(
        """
        import pytest

        def names(call):
            return " ".join(entry.path.name for entry in call.excinfo.traceback)

        @pytest.hookimpl(trylast=True)
        def pytest_exception_interact(call):
            print("\\nlater:", names(call))

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(call):
            if call.excinfo is not None:
                print("\\nmeanwhile:", names(call))
        """,
        "conftest.py",
    )
    changed(recorded, kind)
    told = recorded.replay("-s", failed=1).outlines
    meanwhile, later = (
        next(line for line in told if line.startswith(which)).split()[1:]
        for which in ("meanwhile:", "later:")
    )
    assert later[0] == "runner.py"
    assert meanwhile == (later[-1:] if kept is None else kept)
