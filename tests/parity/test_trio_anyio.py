"""Children of trio, and of anyio on both of its back ends."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from .harness import Parity
from .observe import python

trio = pytest.importorskip("trio")
anyio = pytest.importorskip("anyio")

BOTH = "import os; os.write(1, b'out'); os.write(2, b'err')"


async def _read_all(stream: Any) -> bytes:
    data = b""
    async for part in stream:
        data += part
    return data


# -- trio --------------------------------------------------------------------------------------


def test_trio_run_process(parity: Parity) -> None:
    async def main() -> Any:
        return await trio.run_process(python(BOTH), capture_stdout=True, capture_stderr=True)

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert parity(body).stdout == b"out"


@pytest.mark.parametrize("size", [0, 10, 1 << 20])
def test_trio_run_process_with_input(parity: Parity, size: int) -> None:
    async def main() -> Any:
        return await trio.run_process(["cat"], stdin=b"x" * size, capture_stdout=True)

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert len(parity(body).stdout) == size


def test_trio_run_process_that_fails(parity: Parity) -> None:
    async def main() -> Any:
        unchecked = await trio.run_process(["sh", "-c", "exit 3"], check=False)
        try:
            await trio.run_process(["sh", "-c", "echo oops >&2; exit 4"], capture_stderr=True)
        except subprocess.CalledProcessError as error:
            return unchecked.returncode, error
        return unchecked

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert parity(body)[0] == 3


def test_trio_dialog(parity: Parity) -> None:
    async def main() -> Any:
        async with trio.open_nursery() as nursery:
            child = await nursery.start(trio.run_process, ["cat"])
            assert child.stdin is None
        child = await trio.lowlevel.open_process(["cat"], stdin=PIPE, stdout=PIPE)
        seen = []
        for word in (b"one\n", b"two\n"):
            await child.stdin.send_all(word)
            seen.append(await child.stdout.receive_some())
        await child.stdin.aclose()
        return seen, await _read_all(child.stdout), await child.wait()

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert parity(body) == ([b"one\n", b"two\n"], b"", 0)


def test_trio_kill_and_poll(parity: Parity) -> None:
    async def main() -> Any:
        child = await trio.lowlevel.open_process(["sh", "-c", "echo up; exec sleep 100"], stdout=PIPE)
        up = await child.stdout.receive_some()
        running = child.poll()
        child.terminate()
        return up, running, await child.wait(), child.poll(), await _read_all(child.stdout)

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert parity(body) == (b"up\n", None, -15, -15, b"")


def test_trio_cancel_kills(parity: Parity) -> None:
    async def main() -> Any:
        with trio.move_on_after(0.3) as scope:
            await trio.run_process(["sleep", "100"])
        return scope.cancelled_caught

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert parity(body) is True


def test_trio_many(parity: Parity) -> None:
    async def main() -> Any:
        seen: dict[int, Any] = {}

        async def one(number: int) -> None:
            command = ["sh", "-c", f"echo {number}; exit {number}"]
            done = await trio.run_process(command, capture_stdout=True, check=False)
            seen[number] = (done.stdout, done.returncode)

        # One start after the other: trio runs the tasks of a nursery in a random order.
        children = [
            await trio.lowlevel.open_process(["sh", "-c", f"echo {n}; exit {n}"], stdout=PIPE)
            for n in range(8)
        ]
        for child in reversed(children):
            seen[await child.wait()] = await _read_all(child.stdout)
        await one(9)
        return sorted(seen.items())

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert parity(body)[:2] == [(0, b"0\n"), (1, b"1\n")]


def test_trio_spawn_error(parity: Parity) -> None:
    async def main() -> Any:
        try:
            await trio.lowlevel.open_process(["no-such-program-anywhere"])
        except FileNotFoundError as error:
            return error
        return None

    def body(folder: Path) -> Any:
        return trio.run(main)

    assert isinstance(parity(body), FileNotFoundError)


# -- anyio -------------------------------------------------------------------------------------

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@backends
def test_anyio_run_process(parity: Parity, backend: str) -> None:
    async def main() -> Any:
        done = await anyio.run_process(python(BOTH))
        shell = await anyio.run_process("echo $((1 + 2)); exit 4", check=False)
        given = await anyio.run_process(["cat"], input=b"given")
        try:
            await anyio.run_process(["sh", "-c", "exit 7"])
        except subprocess.CalledProcessError as error:
            return done, shell, given, error
        return None

    def body(folder: Path) -> Any:
        return anyio.run(main, backend=backend)

    done, shell, given, error = parity(body)
    assert (done.stdout, done.stderr, shell.stdout, given.stdout) == (b"out", b"err", b"3\n", b"given")
    assert error.returncode == 7


@backends
def test_anyio_dialog(parity: Parity, backend: str) -> None:
    async def main() -> Any:
        async with await anyio.open_process(["cat"]) as child:
            seen = []
            for word in (b"one\n", b"two\n"):
                await child.stdin.send(word)
                seen.append(await child.stdout.receive())
            await child.stdin.aclose()
            return seen, await child.wait(), child.returncode

    def body(folder: Path) -> Any:
        return anyio.run(main, backend=backend)

    assert parity(body) == ([b"one\n", b"two\n"], 0, 0)


@backends
def test_anyio_signals(parity: Parity, backend: str) -> None:
    async def main() -> Any:
        codes = []
        for how, args in (("terminate", ()), ("kill", ()), ("send_signal", (signal.SIGHUP,))):
            async with await anyio.open_process(["sh", "-c", "echo up; exec sleep 100"]) as child:
                await child.stdout.receive()
                getattr(child, how)(*args)
                codes.append(await child.wait())
        return codes

    def body(folder: Path) -> Any:
        return anyio.run(main, backend=backend)

    assert parity(body) == [-15, -9, -1]


@backends
def test_anyio_timeout(parity: Parity, backend: str) -> None:
    async def main() -> Any:
        try:
            with anyio.fail_after(0.3):
                await anyio.run_process(["sleep", "100"])
        except TimeoutError:
            return "expired"
        return "in time"

    def body(folder: Path) -> Any:
        return anyio.run(main, backend=backend)

    assert parity(body) == "expired"


@backends
def test_anyio_in_a_thread(parity: Parity, backend: str) -> None:
    async def main() -> Any:
        return await anyio.to_thread.run_sync(lambda: subprocess.run(["echo", "hi"], capture_output=True))

    def body(folder: Path) -> Any:
        return anyio.run(main, backend=backend)

    assert parity(body).stdout == b"hi\n"
