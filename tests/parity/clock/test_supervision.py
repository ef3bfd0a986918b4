"""Programs that watch over a command: retries, deadlines, polls, watchdogs."""

from __future__ import annotations

import json
import sched
import signal
import subprocess
import threading
import time
from subprocess import PIPE

from tests.parity.clock.harness import Clocked, ClockParity, Log
from tests.parity.gates import Gate
from tests.parity.observe import outcome

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
SLOW_EXIT = "trap 'sleep 0.15; exit 3' TERM; echo ready; while :; do sleep 0.02; done"


def test_retry_with_back_off(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        delay_s = 0.05
        for attempt in range(4):
            code = f"sleep 0.05; [ {attempt} = 3 ]"
            log("attempt", attempt, subprocess.run(["sh", "-c", code]).returncode)
            time.sleep(delay_s)
            delay_s *= 2
        assert log.clock is None or log.clock.sleeps == (0.05, 0.1, 0.2, 0.4)

    assert [what for what, _ in clocked(program)][-1] == ["attempt", 3, 0]


def test_watchdog_that_kills(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "100"])

        def bite() -> None:
            log("bite")
            child.kill()

        dog = threading.Timer(0.25, bite)
        dog.start()
        log("ended", child.wait())
        dog.join()

    assert [what for what, _ in clocked(program)] == [["bite"], ["ended", -9]]


def test_watchdog_that_does_not_have_to(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "0.1"])
        dog = threading.Timer(30, child.kill)
        dog.start()
        log("ended", child.wait())
        dog.cancel()
        dog.join()
        log("over")

    assert [what for what, _ in clocked(program)] == [["ended", 0], ["over"]]


def test_poll_loop_with_progress(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        child = subprocess.Popen(gate.command(then="sleep 0.3"))
        while child.poll() is None:
            log("progress")
            gate.open()
            time.sleep(0.2)
        log("ended", child.returncode)

    # How often is for the machine to say; the replay has to say the same.
    assert len(clocked(program)) > 1


def test_busy_poll_loop(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "0.2"])
        while child.poll() is None:
            pass
        log("ended", child.returncode)

    assert clocked(program)[0][1] > 0


def test_run_with_a_timeout(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        log(outcome(subprocess.run, ["sleep", "5"], timeout=0.2))
        log(outcome(subprocess.run, ["sleep", "0.1"], timeout=60).returncode)

    assert clocked(program)[0][1] >= 200_000_000


def test_deadline_across_five_commands(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        end_s = time.monotonic() + 0.5
        for number in range(5):
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                log("no time left", number)
                continue
            ended = outcome(subprocess.run, ["sleep", "0.2"], timeout=left_s)
            log(number, type(ended).__name__)

    told = [what for what, _ in clocked(program)]
    # How many of them end in time is for the machine of the recording to say.
    assert told[0] in ([0, "CompletedProcess"], [0, "TimeoutExpired"])
    assert told[4] == ["no time left", 4]


def test_communicate_again_after_it_expired(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        command = gate.command("echo one", "sleep 0.2; echo two")
        child = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)
        log(type(outcome(child.communicate, timeout=0.1)).__name__)
        log(type(outcome(child.communicate, timeout=0.1)).__name__)
        gate.open()
        log(outcome(child.communicate, timeout=60))
        log(child.returncode)

    told = [what for what, _ in clocked(program)]
    assert told == [["TimeoutExpired"], ["TimeoutExpired"], [["one\ntwo\n", ""]], [0]]


def test_wait_again_after_it_expired(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "0.35"])
        for timeout_s in (0.1, 0.05, 0.1, 10):
            log(type(outcome(child.wait, timeout=timeout_s)).__name__)

    assert [what for what, _ in clocked(program)][-1] == ["int"]


def test_term_then_kill_after_grace(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sh", "-c", STUBBORN], stdout=PIPE)
        assert child.stdout is not None
        log(child.stdout.readline())
        child.terminate()
        log(type(outcome(child.wait, timeout=0.2)).__name__)
        child.kill()
        log(child.wait())
        child.stdout.close()

    assert [what for what, _ in clocked(program)] == [[b"ready\n"], ["TimeoutExpired"], [-9]]


def test_term_is_handled_with_a_slow_exit(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sh", "-c", SLOW_EXIT], stdout=PIPE)
        assert child.stdout is not None
        log(child.stdout.readline())
        time.sleep(0.1)
        child.terminate()
        log("sent")
        log(type(outcome(child.wait, timeout=0.05)).__name__)
        log(child.wait(timeout=10))
        child.stdout.close()

    told = clocked(program)
    assert told[-1][0] == [3]
    assert told[-1][1] > told[1][1]


def test_two_side_by_side_take_as_long_as_one(clock_parity: ClockParity) -> None:
    def program(log: Log) -> None:
        children = [subprocess.Popen(["sleep", "1"]) for _ in range(2)]
        log([child.wait() for child in children])

    told_ns = clock_parity.tell(program)[0][1]
    lasted_ms = sum(entry["duration_ms"] for entry in json.loads(clock_parity.tape)["entries"])
    # Each of them lasted a second or more.
    assert 0 < told_ns / 10**6 < lasted_ms - 500


def test_overlap_of_three(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        first = subprocess.Popen(["sleep", "0.4"])
        time.sleep(0.1)
        second = subprocess.Popen(["sleep", "0.1"])
        third = subprocess.Popen(["sleep", "0.5"])
        log("second", second.wait())
        log("first", first.wait())
        log("third", third.wait())

    clocked(program)


def test_stop_and_continue(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(
            ["sh", "-c", "echo one; sleep 0.1; echo two; sleep 0.1; echo three"], stdout=PIPE
        )
        assert child.stdout is not None
        log(child.stdout.readline())
        child.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        log("go on")
        child.send_signal(signal.SIGCONT)
        for line in child.stdout:
            log(line)
        log(child.wait())
        child.stdout.close()

    clocked(program)


def test_a_schedule(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        plan = sched.scheduler(time.monotonic, time.sleep)
        for at_s in (0.3, 0.1, 0.2):
            plan.enter(at_s, 1, lambda at_s=at_s: log(at_s, subprocess.run(["sleep", "0.05"]).returncode))
        plan.run()

    assert [what for what, _ in clocked(program)] == [[0.1, 0], [0.2, 0], [0.3, 0]]


def test_time_that_the_test_adds(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "0.3"])
        time.sleep(0.1)
        if log.clock is not None:
            log.clock.advance(3600)
        log("added")
        log(child.wait())
        log("ended")

    clocked(program)


def test_time_added_in_small_steps(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "0.2"])
        for _ in range(3):
            if log.clock is not None:
                log.clock.advance(0.5)
            log(type(outcome(child.wait, timeout=0.01)).__name__)
        log(child.wait())

    clocked(program)
