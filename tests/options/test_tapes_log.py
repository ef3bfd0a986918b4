"""``--tapes-log``: a line of JSON for everything that crosses the process boundary."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.cli.compare import compare
from tests.leftovers import of_the_process
from tests.options.project import ON_WORKERS, Project

TESTS = """
    import signal, subprocess, threading

    def test_dialog(tape):
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdin.write(b"hello\\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"hello\\n"

    def test_ends(tape, tmp_path):
        subprocess.run(["sh", "-c", f"echo {tmp_path}; printf '\\\\377' >&2; exit 3"], capture_output=True)
        with subprocess.Popen(["sleep", "600"]) as child:
            child.send_signal(signal.SIGTERM)
        try:
            subprocess.run(["no-such-tool"])
        except FileNotFoundError:
            pass

    def test_side_by_side(tape):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        children = [subprocess.Popen(["cat"], **pipes) for _ in range(3)]
        threads = [threading.Thread(target=one.communicate, args=(b"x" * 5000,)) for one in children]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
"""


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def recorded(project: Project) -> Project:
    project.write(TESTS)
    project.record("--tapes-log=recorded.log")
    return project


def test_what_crosses_is_told(recorded: Project) -> None:
    recorded.replay("--tapes-log=a.log")
    told = [one for one in events(recorded.path / "a.log") if one["test"].endswith("test_dialog")]
    assert [(one["event"], one.get("fd"), one.get("data")) for one in told] == [
        ("spawn", None, None),
        ("input", "stdin", "hello\n"),
        ("output", "stdout", "hello\n"),
        ("close", "stdin", None),
        ("end", None, None),
    ]
    assert told[0]["command"] == ["cat"]
    assert told[0]["place"] == "test_it.py:4 in test_dialog()"
    assert told[1]["sha256"] == hashlib.sha256(b"hello\n").hexdigest()
    assert told[-1]["exit_code"] == 0
    assert {one["spawn"] for one in told} == {1}
    assert all(isinstance(one["monotonic_ns"], int) for one in told)


def test_ends_bytes_and_places_of_this_machine(recorded: Project) -> None:
    recorded.replay("--tapes-log=a.log")
    told = [one for one in events(recorded.path / "a.log") if one["test"].endswith("test_ends")]
    assert [one["data"] for one in told if one["event"] == "output"] == ["<tmp>\n", {"base64": "/w=="}]
    assert [one["signal"] for one in told if one["event"] == "signal"] == ["SIGTERM"]
    ends = [(one["end"], one.get("exit_code"), one.get("signal")) for one in told if one["event"] == "end"]
    assert ends == [("exited", 3, None), ("signalled", None, "SIGTERM"), ("spawn failed", None, None)]


def test_two_replays_give_the_same_log(recorded: Project) -> None:
    for name in ("a.log", "b.log"):
        recorded.replay(f"--tapes-log={name}")
    a, b = recorded.path / "a.log", recorded.path / "b.log"
    assert a.read_bytes() == b.read_bytes()
    assert compare(str(a), str(b)).why == ""
    assert [one["seq"] for one in events(a)] == list(range(1, len(events(a)) + 1))


def test_a_recording_has_one_as_well(recorded: Project) -> None:
    told = events(recorded.path / "recorded.log")
    assert {one["mode"] for one in told} == {"record"}
    assert sum(one["event"] == "spawn" for one in told) == 7


def test_a_large_payload_is_told_by_its_hash(project: Project) -> None:
    project.write("""
        import subprocess

        def test_it(tape):
            subprocess.run(["sh", "-c", "yes | head -c 1025; yes | head -c 1024 >&2"], capture_output=True)
    """)
    project.record()
    project.replay("--tapes-log=a.log")
    out, err = (one for one in events(project.path / "a.log") if one["event"] == "output")
    assert (out["size"], "data" in out) == (1025, False)
    assert (err["size"], "data" in err) == (1024, True)


def test_what_went_wrong_is_told(recorded: Project) -> None:
    recorded.edit('["cat"]', '["dog"]')
    recorded.replay("-k", "dialog", "--tapes-log=a.log", failed=1, deselected=2)
    (told,) = events(recorded.path / "a.log")
    assert (told["event"], told["error"]) == ("error", "Divergence")


def test_on_workers_it_is_one_file_in_the_order_of_the_tests(recorded: Project) -> None:
    pytest.importorskip("xdist")
    for name in ("a.log", "b.log"):
        recorded.replay(f"--tapes-log={name}", *ON_WORKERS)
    a, b = recorded.path / "a.log", recorded.path / "b.log"
    assert a.read_bytes() == b.read_bytes()
    assert {one["test"] for one in events(a)} == {
        f"test_it.py::test_{name}" for name in ("dialog", "ends", "side_by_side")
    }
    assert sorted(path.name for path in recorded.path.glob("*.log*")) == ["a.log", "b.log", "recorded.log"]
    recorded.replay("--tapes-log=c.log")
    # One after the other as here, they come in the order of their names.
    assert (recorded.path / "c.log").read_bytes() == a.read_bytes()


def test_a_file_that_cannot_be_written_is_an_error(recorded: Project) -> None:
    recorded.write("", "file")
    result = recorded.run_apart("--tapes-log=file/a.log")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--tapes-log:" in result.stderr.str()


def test_without_a_tape_the_file_is_empty(project: Project) -> None:
    project.write("def test_it(): pass")
    assert project.run("--tapes-log=a.log").ret == 0
    assert (project.path / "a.log").read_bytes() == b""


CLOCKED = """
    import subprocess, threading, time

    TOOL = "echo $1 >$1; sleep 0.05; echo done $1"

    def make(name, tmp_path):
        subprocess.run(["sh", "-c", TOOL, "sh", name], cwd=tmp_path, stdout=subprocess.PIPE, timeout=60)

    def test_it(tape, tape_clock, tmp_path):
        make("one", tmp_path)
        time.sleep(0.2)
        tape_clock.advance(2.5)
        tools = [["sh", "-c", f"sleep 0.1{i}; echo {i}"] for i in range(3)]
        threads = [threading.Thread(target=subprocess.run, args=(one,)) for one in tools]
        for one in threads:
            one.start()
        time.sleep(0.3)
        for one in threads:
            one.join()
        make("two", tmp_path)
"""


@pytest.fixture
def clocked(project: Project) -> Project:
    project.ini("tapes_effects = true", "tapes_order = any")
    project.write(CLOCKED)
    project.record("--tapes-log=recorded.log")
    return project


def test_two_replays_with_clock_and_files_give_the_same_bytes(clocked: Project) -> None:
    for name in ("a.log", "b.log", "c.log"):
        clocked.replay(f"--tapes-log={name}")
    a, b, c = ((clocked.path / name).read_bytes() for name in ("a.log", "b.log", "c.log"))
    assert a == b == c
    told = events(clocked.path / "a.log")
    assert [one["path"] for one in told if one["event"] == "effect"] == [
        f"<tmp>/{name}" for name in ("one", "two")
    ]
    advances = [(one["by"], one["advance_ns"]) for one in told if one["event"] == "clock"]
    assert ("wait", 200_000_000) in advances
    assert ("test", 2_500_000_000) in advances
    times = [one["monotonic_ns"] for one in told if one["event"] in ("clock", "spawn")]
    assert times == sorted(times)


def test_a_recording_tells_of_clock_and_files_as_well(clocked: Project) -> None:
    told = events(clocked.path / "recorded.log")
    effects = [one for one in told if one["event"] == "effect"]
    assert effects[0]["path"] == "<tmp>/one"
    mode = f"{0o666 & ~of_the_process()['umask']:o}"
    assert (effects[0]["became"], effects[0]["mode"], effects[0]["data"]) == ("file", mode, "one\n")
    waited = sum(one["advance_ns"] for one in told if one["event"] == "clock" and one["by"] == "wait")
    assert waited >= 500_000_000


def test_what_differs_in_clock_and_files_is_named(clocked: Project) -> None:
    clocked.replay("--tapes-log=a.log")
    clocked.edit("advance(2.5)", "advance(3)")
    clocked.replay("--tapes-log=b.log")
    found = compare(str(clocked.path / "a.log"), str(clocked.path / "b.log"))
    assert found.a is not None
    assert (found.a["event"], found.a["by"]) == ("clock", "test")
    assert [one.field for one in found.differences] == ["advance_ns", "clock_ns"]
    clocked.edit("advance(3)", "advance(2.5)")
    text = clocked.tape().read_text()
    assert '"one\\n"' in text
    clocked.tape().write_text(text.replace('"one\\n"', '"1\\n"', 1))
    clocked.replay("--tapes-log=b.log")
    found = compare(str(clocked.path / "a.log"), str(clocked.path / "b.log"))
    assert found.a is not None
    assert (found.a["event"], found.a["path"]) == ("effect", "<tmp>/one")
    assert [one.field for one in found.differences] == ["size", "sha256", "data"]


def test_a_clock_that_the_test_freezes_itself_is_told_as_well(project: Project) -> None:
    project.write("""
        import subprocess, time
        from freezegun import freeze_time

        def test_it(tape):
            subprocess.run(["true"])
            with freeze_time("2020-01-01") as clock:
                subprocess.run(["true"])
                clock.tick(7)
                subprocess.run(["true"])
    """)
    project.record()
    for name in ("a.log", "b.log"):
        project.replay(f"--tapes-log={name}")
    assert (project.path / "a.log").read_bytes() == (project.path / "b.log").read_bytes()
    told = [one for one in events(project.path / "a.log") if one["event"] == "clock" and one["by"] == "test"]
    assert [one["advance_ns"] for one in told] == [7 * 10**9]
