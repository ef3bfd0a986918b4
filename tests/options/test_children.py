"""``tape.children``, and the children that outlive their test."""

from __future__ import annotations

import os
import signal

import pytest

from pytest_proctape.child import PUMP
from tests.options.project import Project, summary
from tests.parity.harness import HANG_S, deadline

STATUSES = """
    import subprocess, pytest

    def test_it(tape):
        child = subprocess.Popen(["sh", "-c", "echo up; read line; exit 3"], stdin=-1, stdout=-1)
        child.stdout.readline()
        (seen,) = tape.children
        assert (seen.status, seen.pid, seen.end_s, seen.returncode) == ("running", child.pid, None, None)
        assert seen.command == ["sh", "-c", "echo up; read line; exit 3"]
        assert seen.stdout == b"up\\n"
        assert seen.place == "test_it.py:4 in test_it()"
        assert seen.start_s >= 0
        child.communicate(b"go\\n")
        assert (seen.status, seen.returncode) == ("exited", 3)
        assert seen.end_s >= seen.start_s

        with subprocess.Popen(["sleep", "600"]) as killed:
            killed.kill()
        with pytest.raises(FileNotFoundError):
            subprocess.run(["no-such-tool"])
        assert [one.status for one in tape.children] == ["exited", "signalled", "spawn failed"]
        assert tape.children[2].pid is None
"""


def test_what_it_tells_is_the_same_on_replay(project: Project) -> None:
    project.write(STATUSES)
    project.record()
    project.replay()


def test_limits_have_a_status_of_their_own(project: Project) -> None:
    project.write("""
        import subprocess, pytest

        @pytest.fixture
        def after(tape):
            yield
            print("STATUS", [one.status for one in tape.children])

        @pytest.mark.tape(spawn_timeout=0.1)
        def test_time(after):
            subprocess.run(["sleep", "600"])

        @pytest.mark.tape(max_output=10)
        def test_output(after):
            subprocess.run(["echo", "a long line"], capture_output=True)
    """)
    for result in (project.run("--record-tapes"), project.run()):
        told = [line for line in result.outlines if line.startswith("STATUS")]
        assert told == ["STATUS ['timed out']", "STATUS ['output limit']"]


LEAK = """
    import os, pathlib

    def test_it(tape):
        pid = os.spawnvp(os.P_NOWAIT, "sleep", ["sleep", "600"])
        pathlib.Path("pid").write_text(str(pid))
"""


def pid_of(project: Project) -> int:
    return int((project.path / "pid").read_text())


def told_of(pid: int) -> str:
    child = f"`sleep 600` (pid {pid}), started at test_it.py:4 in test_it()"
    return f"still running when test_it.py::test_it ended: {child}"


class Everybody:
    """A container of whatever is asked for."""

    def __contains__(self, owner: object) -> bool:
        return True


@pytest.mark.parametrize("kill", [False, True])
def test_who_outlives_its_test_is_told_and_ended_if_asked_for(project: Project, kill: bool) -> None:
    project.write(LEAK)
    project.ini(f"tapes_kill_leaked = {str(kill).lower()}")
    result = project.record()
    pid = pid_of(project)
    assert told_of(pid) in summary(result)
    assert project.entries()[0]["running"] is True
    end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | (0 if kill else os.WNOHANG))
    assert (None if end is None else end.si_status) == (signal.SIGTERM if kill else None)
    if not kill:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with deadline("the pump", HANG_S):
        while not PUMP.idle:
            PUMP.catch_up(Everybody())
    result = project.replay()
    assert told_of(pid_of(project)) in summary(result)


def test_who_has_ended_is_no_leak_though_nobody_has_waited(project: Project) -> None:
    project.write(LEAK)
    project.edit('"sleep", ["sleep", "600"])', '"true", ["true"])')
    project.edit("pathlib.P", "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\n    pathlib.P")
    assert not [line for line in summary(project.record()) if "still running" in line]
    os.waitpid(pid_of(project), 0)
    assert not [line for line in summary(project.replay()) if "still running" in line]
