from __future__ import annotations

import json

import pytest

from pytest_proctape.tape import Anything, Base64, Entry, Event, SpawnError, encode
from tests.cli.conftest import ONE, Project


def shown(project: Project, *entries: Entry, arguments: tuple[str, ...] = ()) -> list[str]:
    """The lines about the entries, without the header."""
    project.save(*entries)
    result = project.run("show", ONE, *arguments)
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "tapes/tests/test_git/test_log.json"
    return result.lines[5:]


def test_the_header(project: Project) -> None:
    project.save(Entry(program="git"))
    assert project.run("show", ONE).lines[:4] == [
        "tapes/tests/test_git/test_log.json",
        f"test      {ONE}",
        "recorded  2026-11-20T14:00:00Z, Python 3.12.1, linux, pytest-proctape 0.1.0",
        "entries   1",
    ]
    project.write("x.json", '[{"program": "git"}]')
    assert project.run("show", "x.json").lines[:3] == ["x.json", "written   by hand", "entries   1"]


def test_the_tools(project: Project) -> None:
    project.write("x.json", '{"version": 2, "tools": {"git": "/usr/bin/git", "docker": null}}')
    lines = [
        "x.json",
        "written   by hand",
        "entries   0",
        "tool      git: /usr/bin/git",
        "tool      docker: not there",
    ]
    assert project.run("show", "x.json").lines == lines
    told = json.loads(project.run("show", "--json", "x.json").out)
    assert told["tools"] == {"git": "/usr/bin/git", "docker": None}


def test_an_entry(project: Project) -> None:
    entry = Entry(
        program="git",
        args=("commit", "-m", "two words"),
        argv0="hub",
        cwd="<tmp>/repo",
        env={"LC_ALL": "C", "PAGER": None},
        phase="setup",
        stdin=("in\n",),
        stdout=("one\n", "two"),
        stderr=None,
        fds={3: ("status\n",)},
        exit_code=3,
        duration_ms=1234.5,
        note="by way of example",
        seen_running=True,
    )
    assert shown(project, entry) == [
        "[1] git commit -m 'two words'",
        "    exit code 3 after 1.23 s",
        "    argv[0]   hub",
        "    in        <tmp>/repo",
        "    env       LC_ALL=C",
        "    env       PAGER is not set",
        "    during    setup",
        "    polled    the first poll found it running",
        "    note      by way of example",
        "    stdin     1 line, 3 bytes",
        "      | in",
        "    stdout    2 lines, 7 bytes",
        "      | one",
        "      | two",
        "      (no line end behind the last one)",
        "    stderr    not captured",
        "    fd 3      1 line, 7 bytes",
        "      | status",
    ]


@pytest.mark.parametrize(
    "entry, end",
    [
        (Entry(program="a"), "exit code 0"),
        (
            Entry(program="a", signal="SIGSEGV", core_dumped=True, duration_ms=5),
            "SIGSEGV, core dumped after 5 ms",
        ),
        (Entry(program="a", running=True, duration_ms=125_000), "still running after 2 min 5 s"),
        (Entry(program="a", spawn_error=SpawnError(errno="ENOENT")), "could not be started: ENOENT"),
        (
            Entry(program="a", spawn_error=SpawnError(type="ValueError", message="noexec:chdir")),
            "could not be started: ValueError (noexec:chdir)",
        ),
    ],
)
def test_how_it_ended(project: Project, entry: Entry, end: str) -> None:
    assert shown(project, entry)[1].endswith(end)


def test_binary_is_summarised_and_payloads_are_resolved(project: Project) -> None:
    entry = Entry(
        program="tool",
        stdin=Anything(any=True),
        stdout=encode(b"\x89PNG\r\n\x1a\n\xff" * 10),
        stderr=project.store.encode(b"line\n" * 20_000),
    )
    lines = shown(project, entry)
    assert lines[2] == "    stdin     anything: nobody looked at it"
    assert lines[3].startswith("    stdout    90 bytes of binary, SHA-256 ")
    assert lines[3].endswith(r"b'\x89PNG\r\n\x1a\n\xff\x89PNG\r\n\x1a\n\xff\x89PNG\r\n' ...")
    assert lines[4].startswith("    stderr    20,000 lines, 100,000 bytes, payload ")
    assert lines[5:] == ["      | line"] * 12 + ["      ... 19,988 more lines; --full shows all"]
    assert len(shown(project, entry, arguments=("--full",))) == 5 + 20_000


def test_a_program_that_is_no_text(project: Project) -> None:
    assert shown(project, Entry(program=Base64(base64="L2Jpbi//")))[0] == r"[1] '/bin/\udcff'"


def test_a_missing_payload_is_told_and_the_rest_is_shown(project: Project) -> None:
    stream = project.store.encode(b"x" * 100_000)
    project.save(Entry(program="git", stdout=stream), Entry(program="tar"))
    next(project.store.payloads.iterdir()).unlink()
    result = project.run("show", ONE)
    assert result.code == 1
    assert "the payload can't be read: No such file" in result.err
    assert "    stdout    can't be read: the payload can't be read: No such file or directory" in result.lines
    assert "[2] tar" in result.lines


def test_a_timeline_is_drawn_in_time(project: Project) -> None:
    entry = Entry(
        program="bc",
        timeline=(
            Event(at_ms=0, stdin=("1+1\n",)),
            Event(at_ms=5, stdout=("2\n",)),
            Event(at_ms=7.5, fd=3, data="x"),
            Event(stopped="SIGSTOP"),
            Event(continued=True),
            Event(at_ms=10, timeout_ms=2),
            Event(at_ms=10, close="stdin"),
            Event(at_ms=10, terminal=""),
            Event(at_ms=10, terminal="-echo"),
            Event(at_ms=10, set_terminal="rows 40 columns 100"),
            Event(at_ms=10, signal="SIGTERM"),
            Event(at_ms=10, ended=True),
        ),
        signal="SIGTERM",
        duration_ms=10,
    )
    dots = "." * 30
    assert shown(project, entry)[2:] == [
        f"         0 ms |>{dots[1:]}| stdin  '1+1\\n'",
        f"         5 ms |{dots[:14]}<{dots[15:]}| stdout '2\\n'",
        f"       7.5 ms |{dots[:22]}<{dots[23:]}| fd 3   'x'",
        f"       7.5 ms |{dots[:22]}<{dots[23:]}| stopped by SIGSTOP",
        f"       7.5 ms |{dots[:22]}<{dots[23:]}| goes on",
        f"        10 ms |{dots[1:]}~| a wait of 2 ms expired",
        f"        10 ms |{dots[1:]}>| closes stdin",
        f"        10 ms |{dots[1:]}<| its terminal: as before",
        f"        10 ms |{dots[1:]}<| its terminal: -echo",
        f"        10 ms |{dots[1:]}>| sets its terminal: rows 40 columns 100",
        f"        10 ms |{dots[1:]}>| signal SIGTERM",
        f"        10 ms |{dots[1:]}x| ended, its outputs still held open",
        f"        10 ms |{dots[1:]}x| ended by SIGTERM after 10 ms",
    ]


def test_a_timeline_without_times_or_room_has_no_lane(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = (Event(stdin=("1\n",)), Event(stdout=("2\n",)))
    assert shown(project, Entry(program="bc", timeline=timeline))[2] == "         0 ms > stdin  '1\\n'"
    monkeypatch.setenv("COLUMNS", "60")
    timed = Entry(program="bc", timeline=timeline, duration_ms=10)
    assert shown(project, timed)[2:] == [
        "         0 ms > stdin  '1\\n'",
        "         0 ms < stdout '2\\n'",
        "        10 ms x exit code 0 after 10 ms",
    ]


def test_one_entry(project: Project) -> None:
    assert shown(project, Entry(program="a"), Entry(program="b"), arguments=("2",)) == [
        "[2] b",
        "    exit code 0",
    ]
    for number in ("0", "3", "-1"):
        result = project.run("show", ONE, "--", number)
        assert result.code == 2
        assert result.err == f"proctape: tapes/tests/test_git/test_log.json has 2 entries, no {number}\n"


def test_as_json(project: Project) -> None:
    stream = project.store.encode(b"line\n" * 20_000)
    project.save(Entry(program="a"), Entry(program="git", args=("log",), stdout=stream, exit_code=1))
    told = project.run("show", "--json", ONE, "2").json
    assert told["test"] == ONE
    (entry,) = told["entries"]
    assert entry["number"] == 2
    assert entry["command"] == ["git", "log"]
    assert entry["end"] == "exit code 1"
    assert entry["streams"]["stdout"]["text"] == "line\n" * 20_000
    assert entry["entry"]["stdout"]["size"] == 100_000


def test_a_directory_and_a_test_without_a_tape(project: Project) -> None:
    project.save(Entry(program="a"))
    assert "is a directory; name one tape" in project.run("show", "tapes").err
    assert "test_x.py::test_y has no tape: there is no tapes/" in project.run("show", "test_x.py::test_y").err


@pytest.mark.parametrize("stderr", ["", None])
def test_what_goes_where_stdout_goes_is_told_once(project: Project, stderr: str | None) -> None:
    lines = shown(project, Entry(program="git", stdout="both\n", stderr=stderr, stderr_to_stdout=True))
    assert [line for line in lines if "stderr" in line] == ["    stderr    goes where stdout goes"]


def test_a_tape_that_is_not_there(project: Project) -> None:
    result = project.run("show", "no.json")
    assert result.code == 2
    assert "no.json" in result.err


def test_an_output_that_is_too_large_to_show(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_proctape.cli.words._LONGEST", 10)
    lines = shown(project, Entry(program="git", stdout="x" * 11))
    assert any("11 bytes, too many to show" in line for line in lines)
