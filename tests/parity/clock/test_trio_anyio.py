"""Programs of trio, and of anyio on both of its back ends, live by the same time."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from subprocess import PIPE
from typing import Any

import pytest

from tests.parity.clock.harness import Clocked, Log
from tests.parity.gates import Gate

trio = pytest.importorskip("trio")
anyio = pytest.importorskip("anyio")


def _in_trio(main: Callable[[Log], Awaitable[None]]) -> Callable[[Log], None]:
    return lambda log: trio.run(main, log)


def test_move_on_after(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        with trio.move_on_after(0.2) as scope:
            await trio.run_process(["sleep", "30"])
        log(scope.cancelled_caught)
        with trio.move_on_after(30) as scope:
            await trio.run_process(["sleep", "0.1"])
        log(scope.cancelled_caught)

    assert [what for what, _ in clocked(_in_trio(main))] == [[True], [False]]


def test_fail_after(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        child = await trio.lowlevel.open_process(["sleep", "30"])
        try:
            with trio.fail_after(0.15):
                await child.wait()
        except trio.TooSlowError:
            log("too slow")
            child.kill()
        log(await child.wait())

    assert [what for what, _ in clocked(_in_trio(main))] == [["too slow"], [-9]]


def test_nursery_of_children(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        async def one(seconds: float) -> None:
            await trio.sleep(seconds / 10)
            await trio.run_process(["sleep", str(seconds)])
            log(seconds)

        async with trio.open_nursery() as nursery:
            for seconds in (0.3, 0.1, 0.2):
                nursery.start_soon(one, seconds)
        log("all")

    told = [what for what, _ in clocked(_in_trio(main))]
    # Which of them is first is for the machine of the recording to say.
    assert sorted(told[:3], key=str) == [[0.1], [0.2], [0.3]]
    assert told[3:] == [["all"]]


def test_trio_sleep_beside_a_child(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        gate = Gate(log.folder)

        async def beat() -> None:
            while True:
                await trio.sleep(0.2)
                log("beat")
                gate.open()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(beat)
            nursery.start_soon(trio.sleep, 3600)
            await trio.run_process(gate.command(then="sleep 0.3"))
            log(round(trio.current_time() % 1 * 0))
            nursery.cancel_scope.cancel()

    told = [what for what, _ in clocked(_in_trio(main))]
    assert told[0] == ["beat"]
    assert [what for what in told if what != ["beat"]] == [[0]]


def test_trio_lines(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        code = "for i in 1 2 3; do echo $i; sleep 0.1; done"
        child = await trio.lowlevel.open_process(["sh", "-c", code], stdout=PIPE)
        async for part in child.stdout:
            log(part)
        log(await child.wait())

    clocked(_in_trio(main))


def test_trio_to_thread(clocked: Clocked) -> None:
    async def main(log: Log) -> None:
        def run() -> int:
            return subprocess.run(["sleep", "0.2"]).returncode

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 0.1)
            log(await trio.to_thread.run_sync(run))
        log("over")

    clocked(_in_trio(main))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(clocked: Clocked, backend: str) -> None:
    async def main(log: Log) -> None:
        async def line_by_line(stream: Any) -> None:
            async for part in stream:
                log(part)

        with anyio.move_on_after(0.15) as scope:
            await anyio.run_process(["sleep", "30"])
        log(scope.cancelled_caught)
        async with await anyio.open_process(["sh", "-c", "echo 1; sleep 0.5; echo 2; sleep 0.1"]) as child:
            async with anyio.create_task_group() as group:
                group.start_soon(line_by_line, child.stdout)
                await anyio.sleep(0.2)
                log("slept")
            log(await child.wait())
        try:
            with anyio.fail_after(0.1):
                await anyio.sleep(3600)
        except TimeoutError:
            log("too long")

    def program(log: Log) -> None:
        anyio.run(main, log, backend=backend)

    assert clocked(program)[0][0] == [True]
