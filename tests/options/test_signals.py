"""Signals to processes that the test did not start itself: none is sent on replay, whoever has the number."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.options.project import Project, check

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a process is")

DAEMON = """
    import os, pathlib, signal, subprocess

    def start():
        "A process in a session of its own, of which the test knows nothing but the number."
        # The pipe of the first is closed when that has become another program.
        line = "setsid sh -c 'exec sleep 600 >/dev/null' 2>/dev/null </dev/null & echo $!"
        with subprocess.Popen(["sh", "-c", line], stdout=subprocess.PIPE) as shell:
            return int(shell.stdout.read())

    def is_there(pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
"""


@pytest.fixture(scope="module")
def _orphans_are_reaped() -> None:
    """The first process of some containers lets them be zombies for ever."""
    orphan = int(subprocess.check_output(["sh", "-c", ": >/dev/null & echo $!"]))
    until = time.monotonic() + 20
    while os.path.exists(f"/proc/{orphan}"):
        if time.monotonic() > until:
            pytest.skip("nobody reaps a process whose parent has gone")
        time.sleep(0.01)


@pytest.mark.usefixtures("_orphans_are_reaped")
def test_a_daemon_that_is_ended_by_its_number(project: Project) -> None:
    project.write(
        f"""{DAEMON}
    def test_it(tape):
        pid = start()
        assert is_there(pid)
        os.kill(pid, signal.SIGTERM)
        while is_there(pid):
            pass
        assert not is_there(pid)
"""
    )
    project.record()
    tape = json.loads(project.tape().read_bytes())
    pid = int(tape["entries"][0]["stdout"][0])
    assert tape["signals"] == [
        {"pid": pid},
        {"pid": pid, "signal": "SIGTERM"},
        *([{"pid": pid}] if len(tape["signals"]) == 4 else []),
        {"pid": pid, "error": "ESRCH"},
    ]
    project.replay()


@pytest.mark.parametrize("how", ["os.kill(PID, 9)", "os.killpg(PID, 9)", "os.kill(-PID, 9)", "PIDFD"])
def test_whoever_has_the_number_now_is_left_alone(project: Project, how: str) -> None:
    """A process of another's: what our ancestors started, and none of the recording."""
    call = how.replace("PIDFD", "signal.pidfd_send_signal(os.pidfd_open(PID), 9)")
    project.write(
        f"""{DAEMON}
    def test_it(tape):
        PID = start()
        try:
            {call}
        except ProcessLookupError:
            pass
"""
    )
    project.record()
    line = "exec setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $!"
    stranger = int(subprocess.check_output(["sh", "-c", line]))
    try:
        pid = project.entries()[0]["stdout"][0].strip()
        text = project.tape().read_text().replace(pid, str(stranger))
        for tape in (text, json.dumps({**json.loads(text), "signals": []})):
            project.tape().write_text(tape)
            project.replay()
            os.kill(stranger, 0)
    finally:
        os.kill(stranger, signal.SIGKILL)


@pytest.mark.usefixtures("_orphans_are_reaped")
def test_with_new_ones_only_those_of_what_is_new_are_sent(project: Project) -> None:
    project.write(
        f"""{DAEMON}
    def test_it(tape):
        PID = start()
        os.kill(PID, signal.SIGKILL)
"""
    )
    project.record()
    line = "exec setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $!"
    stranger = int(subprocess.check_output(["sh", "-c", line]))
    try:
        pid = project.entries()[0]["stdout"][0].strip()
        project.tape().write_text(project.tape().read_text().replace(pid, str(stranger)))
        known = project.tape().read_bytes()
        check(project.run("--record-tapes=new"), {})
        assert project.tape().read_bytes() == known
        with (project.path / "test_it.py").open("a") as file:
            file.write(
                """
    other = start()
    os.kill(other, signal.SIGKILL)
    while is_there(other):
        pass
    assert not is_there(PID + 2**22)
"""
            )
        check(project.run("--record-tapes=new"), {})
        os.kill(stranger, 0)
        other = int(project.entries()[1]["stdout"][0])
        sent = json.loads(project.tape().read_bytes())["signals"]
        assert {"pid": stranger, "signal": "SIGKILL"} in sent
        assert {"pid": other, "signal": "SIGKILL"} in sent
        assert {one["pid"] for one in sent} == {stranger, other}
        project.replay()
    finally:
        os.kill(stranger, signal.SIGKILL)


def test_workers_of_the_test_are_its_own(project: Project) -> None:
    project.write(
        """
        import multiprocessing, signal, time

        def test_it(tape):
            worker = multiprocessing.get_context("fork").Process(target=signal.pause)
            worker.start()
            worker.terminate()
            worker.join()
            assert worker.exitcode == -signal.SIGTERM
        """
    )
    for options in (["--record-tapes"], []):
        project.run("-W", "ignore::DeprecationWarning", *options).assert_outcomes(passed=1)
    assert project.tapes() == []


def test_recording_again_changes_no_tape_for_a_number(project: Project) -> None:
    project.write(
        f"""{DAEMON}
    def test_it(tape):
        # The shell ends when nothing that it has started can write to its streams any more.
        alone = "exec >/dev/null 2>&1 </dev/null; : >alone; exec setsid sleep 600"
        line = f"({{alone}}) & echo $! >pid; while [ ! -e alone ]; do :; done; rm alone"
        subprocess.run(["sh", "-c", line], check=True)
        os.kill(int(pathlib.Path("pid").read_text()), signal.SIGKILL)
"""
    )
    project.record()
    before = project.tape().read_bytes()
    assert b"SIGKILL" in before
    project.record()
    assert project.tape().read_bytes() == before


@pytest.mark.parametrize(
    "sent, problem",
    [
        ({"pid": 5, "signal": "SIGNAL"}, "signals[0].signal"),
        ({"pid": 5, "error": "EWHAT"}, "signals[0].error"),
        ({"pid": 0}, "signals[0].pid"),
        ({"pid": 5, "sig": "SIGTERM"}, "signals[0].sig"),
    ],
)
def test_a_tape_that_says_it_wrongly(project: Project, sent: dict[str, object], problem: str) -> None:
    project.write("import subprocess\n\ndef test_it(tape):\n    subprocess.run(['true'])\n")
    path = project.tape()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 2, "signals": [sent], "entries": [{"program": "true"}]}))
    result = project.run()
    result.assert_outcomes(failed=1)
    assert any(line.split() == ["E", "at:", problem] for line in result.outlines)
