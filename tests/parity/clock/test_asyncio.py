"""Programs of asyncio: its timers and its children live by the same time."""

from __future__ import annotations

import asyncio
import subprocess
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

from tests.parity import terminals
from tests.parity.clock.harness import Clocked, Log
from tests.parity.gates import Gate


async def _sleep(seconds: float) -> int:
    return await (await asyncio.create_subprocess_exec("sleep", str(seconds))).wait()


def _on_a_loop(main: Callable[[Log], Awaitable[None]]) -> Callable[[Log], None]:
    async def run(log: Log) -> None:
        await main(log)

    return lambda log: asyncio.run(run(log))


def test_two_children_raced(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        slow = await asyncio.create_subprocess_exec("sleep", "100")
        first, second = asyncio.create_task(slow.wait()), asyncio.create_task(_sleep(0.1))
        done, waiting = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        log(second in done, len(waiting))
        slow.kill()
        log(await first)

    assert [what for what, _ in clocked(_on_a_loop(main))] == [[True, 1], [-9]]


def test_timeout(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        child = await asyncio.create_subprocess_exec("sleep", "30")
        try:
            async with asyncio.timeout(0.2):
                await child.wait()
        except TimeoutError:
            log("too long")
            child.terminate()
        log(await child.wait())
        async with asyncio.timeout(30):
            log(await _sleep(0.1))

    assert [what for what, _ in clocked(_on_a_loop(main))] == [["too long"], [-15], [0]]


def test_wait_for(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        gate = Gate(log.folder)
        child = await asyncio.create_subprocess_exec(*gate.command())
        for timeout_s in (0.1, 0.1, 30):
            if timeout_s == 30:
                gate.open()
            try:
                log(await asyncio.wait_for(child.wait(), timeout_s))
            except TimeoutError:
                log("not yet")

    assert [what for what, _ in clocked(_on_a_loop(main))] == [["not yet"], ["not yet"], [0]]


def test_a_dialog_by_a_terminal(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        log(len(await terminals.dialogs(300)))

    assert [what for what, _ in clocked(_on_a_loop(main))] == [[300]]


def test_gather(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        async def one(seconds: float) -> None:
            log(seconds, await _sleep(seconds))

        await asyncio.gather(one(0.3), one(0.1), one(0.2), asyncio.sleep(0.05))
        log("all")

    told = [what for what, _ in clocked(_on_a_loop(main))]
    # Which of them is first is for the machine of the recording to say.
    assert sorted(told[:3], key=str) == [[0.1, 0], [0.2, 0], [0.3, 0]]
    assert told[3:] == [["all"]]


def test_a_long_sleep_beside_a_child(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        rest = asyncio.create_task(asyncio.sleep(3600))
        log(await _sleep(0.15))
        rest.cancel()
        await asyncio.wait({rest})
        log("over", rest.cancelled())

    assert clocked(_on_a_loop(main))[1][1] < 3600 * 10**9


def test_heartbeat(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        gate = Gate(log.folder)

        async def beat() -> None:
            while True:
                await asyncio.sleep(0.2)
                log("beat")
                gate.open()

        heart = asyncio.create_task(beat())
        child = await asyncio.create_subprocess_exec(*gate.command(then="sleep 0.3"))
        log(await child.wait())
        heart.cancel()

    told = [what for what, _ in clocked(_on_a_loop(main))]
    assert told[0] == ["beat"]
    assert [what for what in told if what != ["beat"]] == [[0]]


def test_lines_with_timeouts(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        gate = Gate(log.folder)
        command = gate.command("echo one", "sleep 0.3; echo two; sleep 0.1; echo three")
        child = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        assert child.stdout is not None
        while True:
            try:
                line = await asyncio.wait_for(child.stdout.readline(), 0.2)
            except TimeoutError:
                log("silence")
                gate.open()
                continue
            log(line)
            if not line:
                break
        log(await child.wait())

    told = [what for what, _ in clocked(_on_a_loop(main))]
    # How often it is silent is a matter of how busy the machine of the recording is.
    assert ["silence"] in told
    assert [what for what in told if what != ["silence"]] == [
        [b"one\n"],
        [b"two\n"],
        [b"three\n"],
        [b""],
        [0],
    ]


def test_dialog(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        code = "while read word; do sleep 0.1; echo got $word; done"
        child = await asyncio.create_subprocess_exec("sh", "-c", code, stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        for word in (b"one\n", b"two\n"):
            await asyncio.sleep(0.05)
            child.stdin.write(word)
            await child.stdin.drain()
            log(await child.stdout.readline())
        child.stdin.close()
        log(await child.wait())

    clocked(_on_a_loop(main))


def test_communicate(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        async def one(seconds: float) -> None:
            child = await asyncio.create_subprocess_exec(
                "sh", "-c", f"sleep {seconds}; cat; echo err >&2", stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
            log(await child.communicate(b"in"), child.returncode)

        await asyncio.gather(one(0.2), one(0.1))

    clocked(_on_a_loop(main))


def test_shell_with_a_deadline_across_commands(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        try:
            async with asyncio.timeout(0.5):
                for number in range(10):
                    child = await asyncio.create_subprocess_shell("sleep 0.2")
                    try:
                        log(number, await child.wait())
                    except asyncio.CancelledError:
                        child.kill()
                        await child.wait()
                        raise
        except TimeoutError:
            log("no time left")

    assert [what for what, _ in clocked(_on_a_loop(main))][-1] == ["no time left"]


def test_to_thread(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        def run(seconds: float) -> int:
            return subprocess.run(["sleep", str(seconds)]).returncode

        async def tick() -> None:
            for number in range(3):
                await asyncio.sleep(0.2)
                log("tick", number)

        async with asyncio.TaskGroup() as group:
            group.create_task(tick())
            log(await asyncio.to_thread(run, 0.3))
            log(await asyncio.to_thread(run, 0.2))
        log("over")

    clocked(_on_a_loop(main))


def test_call_later(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for delay_s in (0.2, 0.1, 0.5):
            loop.call_later(delay_s, log, "called", delay_s)
        log(await _sleep(0.3))
        await asyncio.sleep(0.1)
        log(round(loop.time() - began_s, 1))

    clocked(_on_a_loop(main))


def test_semaphore_of_children(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        places = asyncio.Semaphore(2)

        async def one(number: int) -> None:
            async with places:
                await _sleep(0.1 + number / 8)
                log("worked", number)

        await asyncio.gather(*(one(number) for number in range(4)))

    clocked(_on_a_loop(main))


def test_term_then_kill(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        code = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
        child = await asyncio.create_subprocess_exec("sh", "-c", code, stdout=PIPE)
        assert child.stdout is not None
        log(await child.stdout.readline())
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), 0.15)
        except TimeoutError:
            log("stubborn")
            child.kill()
        log(await child.wait())

    assert [what for what, _ in clocked(_on_a_loop(main))][-1] == [-9]


def test_blocking_calls_on_a_loop(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        ticks = asyncio.create_task(asyncio.sleep(0.1))
        log(subprocess.run(["sleep", "0.2"]).returncode)
        time.sleep(0.05)
        await ticks
        log("ticked")

    clocked(_on_a_loop(main))
