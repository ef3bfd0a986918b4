"""Programs that go other roads than ``subprocess`` to their commands."""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_proctape.child import TABLE, RecordingChild
from tests.parity.clock.harness import Clocked, Log
from tests.parity.gates import Gate

# As modules that are older than their successor have them; the type checker warns of the names.
_POPEN: Any = vars(os)["popen"]
_SPAWNVP: Any = vars(os)["spawnvp"]


def _spawn_command(command: list[str]) -> int:
    return os.posix_spawnp(command[0], command, os.environ)


def _spawn(seconds: float) -> int:
    return _spawn_command(["sleep", str(seconds)])


def test_waitpid(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        log(os.waitpid(_spawn(0.15), 0)[1])

    clocked(program)


def test_a_limit_that_nobody_lives_to_see(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["sleep", "0.15"]) as child:
            log(child.wait(timeout=math.inf))

    clocked(program)


def test_waitpid_that_does_not_wait(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        pid = _spawn_command(gate.command(then="sleep 0.3"))
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            log("runs")
            gate.open()
            time.sleep(0.2)
        log("ended")

    assert len(clocked(program)) > 1


def test_waitpid_for_any(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        pids = [_spawn(seconds) for seconds in (0.3, 0.1, 0.2)]
        for _ in pids:
            pid, status = os.waitpid(-1, 0)
            log(pids.index(pid), status)

    # Which of them is first is for the machine of the recording to say.
    assert sorted((what for what, _ in clocked(program)), key=str) == [[0, 0], [1, 0], [2, 0]]


def _stand_still(pids: list[int]) -> None:
    """The machine lets this thread do nothing until all have ended; a replay has nobody who could."""
    children = [child for child in map(TABLE.get, pids) if isinstance(child, RecordingChild)]
    while not all(child.gone() for child in children):
        pass


@pytest.mark.parametrize(
    "wait",
    [
        lambda: os.waitpid(-1, 0)[0],
        lambda: os.waitpid(0, 0)[0],
        lambda: os.waitpid(-1, os.WNOHANG)[0],
        lambda: os.wait3(0)[0],
        lambda: os.waitid(os.P_ALL, 0, os.WEXITED).si_pid,  # type: ignore[union-attr]
        lambda: getattr(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG), "si_pid", 0),
    ],
    ids=["waitpid", "of the group", "a look", "wait3", "waitid", "a look by waitid"],
)
def test_whoever_comes_late_to_several_ends(clocked: Clocked, wait: Callable[[], int]) -> None:
    def program(log: Log) -> None:
        pids = [_spawn(seconds) for seconds in (0.2, 0.1, 0.05)]
        _stand_still(pids)
        while len(pids) > 0:
            pid = wait()
            if pid:
                log(pid in pids)
                log(pids.index(pid))
                pids.remove(pid)

    clocked(program)


def test_those_that_had_ended_before_the_wait_come_in_the_order_of_their_starts(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        pids = [_spawn(seconds) for seconds in (0.2, 0.1, 0.05)]
        time.sleep(1)
        for _ in pids:
            log(pids.index(os.wait()[0]))

    assert [what for what, _ in clocked(program)] == [[0], [1], [2]]


def test_wait(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        pids = [_spawn_command(gate.command()), _spawn(0.1)]
        for _ in pids:
            pid, status = os.wait()
            log(pids.index(pid), status)
            gate.open()

    assert [what for what, _ in clocked(program)] == [[1, 0], [0, 0]]


def test_wait4(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        pid = _spawn(0.15)
        log(os.wait4(pid, 0)[1])
        gate = Gate(log.folder)
        first, second = _spawn_command(gate.command()), _spawn(0.1)
        log(os.wait3(0)[0] == second)
        gate.open()
        log(os.wait4(first, 0)[1])

    assert [what for what, _ in clocked(program)][1] == [True]


def test_waitid(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        pid = _spawn(0.15)
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert found is not None
        log(found.si_status)
        log(os.waitpid(pid, 0)[1])
        gate = Gate(log.folder)
        first, second = _spawn_command(gate.command()), _spawn(0.1)
        for _ in range(2):
            found = os.waitid(os.P_ALL, 0, os.WEXITED)
            assert found is not None
            log([first, second].index(found.si_pid))
            gate.open()

    assert [what for what, _ in clocked(program)][2:] == [[1], [0]]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pidfds")
def test_pidfd(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        pid = _spawn_command(gate.command(then="sleep 0.3"))
        fd = os.pidfd_open(pid)
        try:
            while not select.select([fd], [], [], 0.2)[0]:
                log("still there")
                gate.open()
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            log(len(poll.poll()))
            log(os.waitpid(pid, 0)[1])
        finally:
            os.close(fd)

    told = [what for what, _ in clocked(program)]
    assert told[0] == ["still there"]
    assert told[-2:] == [[1], [0]]


def test_system(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        log(os.waitstatus_to_exitcode(os.system("sleep 0.15; exit 3")))

    told = clocked(program)
    assert told[0][0] == [3]
    assert told[0][1] > 0


def test_popen(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with _POPEN("for i in 1 2; do sleep 0.1; echo $i; done") as lines:
            for line in lines:
                log(line)
        log("closed")

    assert [what for what, _ in clocked(program)] == [["1\n"], ["2\n"], ["closed"]]


def test_spawnvp(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        log(_SPAWNVP(os.P_WAIT, "sleep", ["sleep", "0.1"]))
        pid = _SPAWNVP(os.P_NOWAIT, "sleep", ["sleep", "0.2"])
        time.sleep(0.05)
        log(os.waitpid(pid, 0)[1])

    clocked(program)


def test_stops_that_are_waited_for(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        pid = _spawn_command(gate.command(then="sleep 0.2"))
        time.sleep(0.05)
        os.kill(pid, signal.SIGSTOP)
        log(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))
        time.sleep(0.1)
        os.kill(pid, signal.SIGCONT)
        log(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]))
        gate.open()
        log(os.waitpid(pid, 0)[1])

    assert [what for what, _ in clocked(program)] == [[True], [True], [0]]


def test_a_child_that_stops_itself(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sh", "-c", "sleep 0.2; kill -STOP $$; sleep 0.1; exit 3"])
        log(os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1]))
        time.sleep(0.1)
        child.send_signal(signal.SIGCONT)
        log(child.wait())

    told = clocked(program)
    assert told[1][0] == [3]
    assert told[1][1] > 0


def test_killed_by_another_road(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "30"], start_new_session=True)
        time.sleep(0.1)
        os.killpg(child.pid, signal.SIGTERM)
        log(child.wait())

    assert [what for what, _ in clocked(program)] == [[-15]]
