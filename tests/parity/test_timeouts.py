"""A timed wait expires on replay exactly where it expired in the recording, and nobody waits for it."""

from __future__ import annotations

import asyncio
import math
import os
import select
import subprocess
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.patience import patiently

from .gates import Gate
from .harness import Parity
from .observe import AWAITS_SIGNALS, outcome, python

PARTLY = ["sh", "-c", "printf 'half '; printf 'oops ' >&2; exec sleep 100"]
SLEEPS = ["sleep", "100"]


def _expired_after_output(child: subprocess.Popen[Any]) -> Any:
    """``communicate(timeout=)``, once output of the child has arrived on each of its pipes."""
    for stream in (child.stdout, child.stderr):
        assert stream is None or select.select([stream], [], [], 60)[0]
    return outcome(child.communicate, timeout=0.1)


def test_run(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, SLEEPS, timeout=0.1)

    assert isinstance(parity(body), subprocess.TimeoutExpired)


def _cut_short(command: list[str], said: tuple[bytes, bytes | None], **options: Any) -> Any:
    """What ``run`` raises once the child has ``said`` all: the type, and what is told of each stream."""

    def attempt(limit_s: float) -> Any:
        error = outcome(subprocess.run, command, timeout=limit_s, **options)
        return type(error), error.timeout == limit_s, (error.output, error.stderr)

    def enough(seen: Any) -> bool:
        # Some versions of Python tell bytes where text was asked for.
        return tuple(one.encode() if isinstance(one, str) else one for one in seen[2]) == said

    seen = patiently(attempt, enough)
    assert enough(seen)
    return seen


def test_run_with_partial_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return _cut_short(PARTLY, (b"half ", b"oops "), capture_output=True)

    assert parity(body)[:2] == (subprocess.TimeoutExpired, True)


def test_run_as_text_with_partial_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return _cut_short(PARTLY, (b"half ", b"oops "), capture_output=True, text=True)

    assert parity(body)[:2] == (subprocess.TimeoutExpired, True)


def test_run_with_input_and_partial_output(parity: Parity) -> None:
    command = ["sh", "-c", "read word; echo $word; exec sleep 100"]

    def body(folder: Path) -> Any:
        return _cut_short(command, (b"echo\n", None), input=b"echo\n", stdout=PIPE)

    assert parity(body)[:2] == (subprocess.TimeoutExpired, True)


def test_run_in_time(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, ["sh", "-c", "echo out; exit 3"], capture_output=True, timeout=60)

    done: Any = parity(body)
    assert (done.stdout, done.returncode) == (b"out\n", 3)


def test_a_slow_child_in_time(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, ["sh", "-c", "sleep 0.3; echo out"], stdout=PIPE, timeout=60)

    assert parity(body).stdout == b"out\n"


def test_call_check_call_and_check_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            outcome(subprocess.call, SLEEPS, timeout=0.1),
            outcome(subprocess.check_call, SLEEPS, timeout=0.1),
            outcome(subprocess.check_output, SLEEPS, timeout=0.1),
        ]

    assert [type(error) for error in parity(body)] == [subprocess.TimeoutExpired] * 3


def test_wait_then_kill(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(SLEEPS) as child:
            expired = outcome(child.wait, timeout=0.1)
            running = child.poll()
            child.kill()
            return expired, running, child.wait()

    assert parity(body)[1:] == (None, -9)


def test_wait_several_times_with_growing_patience(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(SLEEPS) as child:
            expired = [outcome(child.wait, timeout=seconds) for seconds in (0, 0.01, 0.05, 0.1)]
            child.terminate()
            return expired, outcome(child.wait, timeout=10)

    expired, code = parity(body)
    assert [type(error) for error in expired] == [subprocess.TimeoutExpired] * 4
    assert code == -15


def test_a_wait_that_expires_and_one_that_does_not(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        gate = Gate(folder)
        with subprocess.Popen(gate.command()) as child:
            expired = outcome(child.wait, timeout=0.05)
            gate.open()
            return expired, outcome(child.wait, timeout=30), child.poll()

    expired, code, polled = parity(body)
    assert isinstance(expired, subprocess.TimeoutExpired)
    assert (code, polled) == (0, 0)


def test_communicate_again_after_it_expired(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        gate = Gate(folder)
        before, then = "printf 'first '; printf 'one ' >&2; read word", "printf second; printf err >&2"
        command = gate.command(before, then)
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as child:
            # The input is closed by this call.
            expired = _expired_after_output(child)
            gate.open()
            return expired, child.communicate(), child.returncode

    expired, rest, code = parity(body)
    assert (expired.output, expired.stderr) == (b"first ", b"one ")
    assert (rest, code) == ((b"first second", b"one err"), 0)


def test_communicate_until_it_has_expired_often_enough(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        gate = Gate(folder)
        with subprocess.Popen(gate.command("printf 'first '", "printf second"), stdout=PIPE) as child:
            expired = [type(outcome(child.communicate, timeout=0.1)) for _ in range(3)]
            gate.open()
            return expired, child.communicate(timeout=60), child.returncode == 0

    assert parity(body) == ([subprocess.TimeoutExpired] * 3, (b"first second", None), True)


def test_communicate_expires_then_kill_then_rest(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(PARTLY, stdout=PIPE, stderr=PIPE) as child:
            expired = _expired_after_output(child)
            child.kill()
            return expired, child.communicate(), child.returncode

    expired, rest, code = parity(body)
    assert isinstance(expired, subprocess.TimeoutExpired)
    assert (rest, code) == ((b"half ", b"oops "), -9)


def test_communicate_with_one_pipe(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(PARTLY, stdout=PIPE, stderr=subprocess.DEVNULL) as child:
            expired = _expired_after_output(child)
            child.terminate()
            return expired, child.communicate(), child.returncode

    assert parity(body)[1:] == ((b"half ", None), -15)


def test_output_before_a_timeout_and_after_a_signal(parity: Parity) -> None:
    code = """
import os, signal, sys
def stop(number, frame):
    os.write(1, b'cleaning up ')
    sys.exit(9)
signal.signal(signal.SIGTERM, stop)
os.write(1, b'working ')
"""

    def body(folder: Path) -> Any:
        with subprocess.Popen(python(code + AWAITS_SIGNALS), stdout=PIPE) as child:
            expired = _expired_after_output(child)
            child.terminate()
            return expired, child.communicate(timeout=60), child.returncode

    assert parity(body)[1:] == ((b"working cleaning up ", None), 9)


def test_timeout_zero_on_a_child_that_has_ended(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "exit 4"]) as child:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            return outcome(child.wait, timeout=0)

    assert parity(body) == 4


@pytest.mark.parametrize("options", [os.WEXITED, os.WEXITED | os.WNOHANG], ids=["waiting", "looking"])
def test_a_timeout_behind_an_end_that_is_known(parity: Parity, options: int) -> None:
    def body(folder: Path) -> Any:
        # Longer than what a replay lets pass as nothing.
        with subprocess.Popen(["sh", "-c", "sleep 0.2; exit 4"]) as child:
            while os.waitid(os.P_PID, child.pid, options | os.WNOWAIT) is None:
                select.select([], [], [], 0.01)
            return outcome(child.wait, timeout=0), outcome(child.wait, timeout=0.001)

    assert parity(body) == (4, 4)


def test_negative_timeout(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(SLEEPS) as child:
            expired = outcome(child.wait, timeout=-1)
            child.kill()
            return expired, child.wait()

    assert isinstance(parity(body)[0], subprocess.TimeoutExpired)


@pytest.mark.parametrize("limit_s", [math.inf, 1e15])
def test_a_limit_that_nobody_lives_to_see(parity: Parity, limit_s: float) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "exit 3"]) as ends, subprocess.Popen(["cat"], stdin=PIPE) as reads:
            assert reads.stdin is not None
            reads.stdin.close()
            return ends.wait(limit_s), reads.wait(limit_s)

    assert parity(body) == (3, 0)


def test_polling_until_a_deadline(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "sleep 0.1; exit 6"]) as child:
            end_s = time.monotonic() + 20
            while child.poll() is None and time.monotonic() < end_s:
                time.sleep(0.01)
            return child.returncode

    assert parity(body) == 6


def test_asyncio_wait_for(parity: Parity) -> None:
    async def main() -> Any:
        child = await asyncio.create_subprocess_exec(*SLEEPS)
        try:
            await asyncio.wait_for(child.wait(), 0.1)
        except TimeoutError:
            running = child.returncode
            child.kill()
            return "expired", running, await child.wait()
        return "in time"

    def body(folder: Path) -> Any:
        return asyncio.run(main())

    assert parity(body) == ("expired", None, -9)


def test_asyncio_communicate_under_a_timeout(parity: Parity) -> None:
    async def main(limit_s: float) -> Any:
        child = await asyncio.create_subprocess_exec(*PARTLY, stdout=PIPE, stderr=PIPE)
        try:
            async with asyncio.timeout(limit_s):
                await child.communicate()
        except TimeoutError:
            child.kill()
            return "expired", await child.communicate(), child.returncode
        return "in time", None, None

    def body(folder: Path) -> Any:
        # What the first call has read is lost with it.
        return patiently(lambda limit_s: asyncio.run(main(limit_s)), lambda seen: seen[1] == (b"", b""))

    assert parity(body) == ("expired", (b"", b""), -9)


def test_asyncio_wait_for_a_child_in_time(parity: Parity) -> None:
    async def main() -> Any:
        child = await asyncio.create_subprocess_exec("sh", "-c", "sleep 0.2; echo out", stdout=PIPE)
        return await asyncio.wait_for(child.communicate(), 60)

    def body(folder: Path) -> Any:
        return asyncio.run(main())

    assert parity(body) == (b"out\n", None)


# -- what comes first, on a loop: the child or the timer ------------------------------------------


def _loop(main: Any) -> Any:
    return lambda folder: asyncio.run(main())


def test_children_and_timers_in_the_order_of_their_ends(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        gates = [Gate(folder, name) for name in ("late", "soon")]
        commands = [gate.command(then="sleep 0.3") for gate in gates]
        late, soon = [await asyncio.create_subprocess_exec(*command) for command in commands]
        soon_ended = asyncio.Event()

        async def ended(child: asyncio.subprocess.Process, name: str) -> str:
            await child.wait()
            if child is soon:
                soon_ended.set()
            return name

        async def timer(name: str, then: Gate, since: asyncio.Event | None = None) -> str:
            if since is not None:
                await since.wait()
            await asyncio.sleep(0.3)
            then.open()
            return name

        waits = [
            ended(late, "late"),
            timer("first", gates[1]),
            ended(soon, "soon"),
            timer("second", gates[0], soon_ended),
        ]
        # `as_completed` itself would start them in any order.
        tasks = [asyncio.create_task(one) for one in waits]
        return [await first for first in asyncio.as_completed(tasks)]

    assert parity(lambda folder: asyncio.run(main(folder))) == ["first", "soon", "second", "late"]


def test_output_between_timers(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        seen: list[str] = []
        first, second = (Gate(folder, name) for name in ("first", "second"))
        command = f"{first.wait}; sleep 0.4; echo one; {second.wait}; sleep 0.4; echo two"
        child = await asyncio.create_subprocess_shell(command, stdout=PIPE)
        assert child.stdout is not None
        one = asyncio.Event()

        async def tick() -> None:
            await asyncio.sleep(0.1)
            seen.append("tick 0")
            first.open()
            await one.wait()
            await asyncio.sleep(0.2)
            seen.append("tick 1")
            second.open()

        ticks = asyncio.create_task(tick())
        while line := await child.stdout.readline():
            seen.append(line.decode().strip())
            one.set()
        await ticks
        return seen, await child.wait()

    assert parity(lambda folder: asyncio.run(main(folder))) == (["tick 0", "one", "tick 1", "two"], 0)


def test_a_read_that_is_given_up_and_tried_again(parity: Parity) -> None:
    async def main(gate: Gate) -> Any:
        child = await asyncio.create_subprocess_exec(*gate.command(then="sleep 0.5; echo late"), stdout=PIPE)
        assert child.stdout is not None
        seen: list[Any] = []
        for limit in (0.1, 0.1, 30):
            if limit == 30:
                gate.open()
            try:
                seen.append(await asyncio.wait_for(child.stdout.readline(), limit))
            except TimeoutError as error:
                seen.append(error)
        return seen, await child.wait()

    seen, code = parity(lambda folder: asyncio.run(main(Gate(folder))))
    assert [isinstance(one, TimeoutError) for one in seen] == [True, True, False]
    assert (seen[2], code) == (b"late\n", 0)


def test_a_wait_that_is_given_up_and_tried_again(parity: Parity) -> None:
    async def main(gate: Gate) -> Any:
        child = await asyncio.create_subprocess_exec(*gate.command(then="sleep 0.5"))
        seen: list[Any] = []
        for limit in (0.1, 0.1, 30):
            if limit == 30:
                gate.open()
            try:
                seen.append(await asyncio.wait_for(child.wait(), limit))
            except TimeoutError:
                seen.append("expired")
        return seen

    assert parity(lambda folder: asyncio.run(main(Gate(folder)))) == ["expired", "expired", 0]


def test_terminate_then_kill_on_a_loop(parity: Parity) -> None:
    """The way to end a child that may not listen: ask, wait a while, insist."""
    ignores = (
        "import signal, os, time; signal.signal(15, signal.SIG_IGN); os.write(1, b'up\\n'); time.sleep(100)"
    )

    async def main() -> Any:
        child = await asyncio.create_subprocess_exec(*python(ignores), stdout=PIPE)
        assert child.stdout is not None
        up = await child.stdout.readline()
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), 0.3)
        except TimeoutError:
            child.kill()
        return up, await child.wait()

    assert parity(_loop(main)) == (b"up\n", -9)


def test_the_loops_clock_tells_how_long_it_took(parity: Parity) -> None:
    async def main() -> Any:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await (await asyncio.create_subprocess_exec("sleep", "0.5")).wait()
        return 0.5 <= loop.time() - began < 60

    assert parity(_loop(main)) is True
