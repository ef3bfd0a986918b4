"""Children of an event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import pytest

from .coroutines import BOTH, both, echoing, killed_while_read, many
from .harness import Parity
from .observe import Order, python
from .terminals import dialogs

Exec = asyncio.create_subprocess_exec


def runs(main: Callable[[Path], Coroutine[Any, Any, Any]]) -> Callable[[Path], Any]:
    """The body that runs ``main`` in a loop of its own."""
    return lambda folder: asyncio.run(main(folder))


def test_exec(parity: Parity) -> None:
    assert parity(runs(both)) == ((b"out", b"err"), 0)


def test_shell(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await asyncio.create_subprocess_shell("pwd; exit 3", stdout=PIPE, cwd=folder)
        return await child.communicate(), child.returncode

    assert parity(runs(main))[1] == 3


def test_wait(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", "exit 5")
        return await child.wait(), await child.wait(), child.returncode

    assert parity(runs(main)) == (5, 5, 5)


@pytest.mark.parametrize("size", [0, 1, 65536, 1 << 20])
def test_input(parity: Parity, size: int) -> None:
    assert parity(runs(echoing(size))) == ((b"x" * size, None), 0)


def test_large_output_on_both(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        code = "import sys; sys.stderr.write('e' * 300_000); sys.stdout.write('o' * 300_000)"
        child = await Exec(*python(code), stdout=PIPE, stderr=PIPE)
        return await child.communicate()

    assert [len(part) for part in parity(runs(main))] == [300_000, 300_000]


def test_streams(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("printf", "one\\ntwo\\nthree;four", stdout=PIPE)
        assert child.stdout is not None
        seen = [await child.stdout.readline(), await child.stdout.readexactly(3), await child.stdout.read(1)]
        seen.append(await child.stdout.readuntil(b";"))
        try:
            await child.stdout.readexactly(100)
        except asyncio.IncompleteReadError as error:
            return seen, error, child.stdout.at_eof(), await child.wait()
        return seen

    assert parity(runs(main))[0] == [b"one\n", b"two", b"\n", b"three;"]


def test_iterating_over_lines(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", "for i in 1 2 3; do echo $i; done", stdout=PIPE)
        assert child.stdout is not None
        return [line async for line in child.stdout], await child.wait()

    assert parity(runs(main)) == ([b"1\n", b"2\n", b"3\n"], 0)


def test_gather_of_many(parity: Parity) -> None:
    assert parity(runs(many(20))) == [(f"{n}\n".encode(), n) for n in range(20)]


def test_identical_commands_at_once_keep_their_outputs(parity: Parity) -> None:
    """Each child counts one up; who gets which number is the order of their starts."""

    async def main(folder: Path) -> Any:
        counter = folder / "counter"
        counter.write_text("")
        outputs = []
        for _ in range(4):
            counts = f"echo x >> '{counter}'; wc -l < '{counter}'; cat"
            child = await Exec("sh", "-c", counts, stdin=PIPE, stdout=PIPE)
            assert child.stdout is not None
            outputs.append((child, (await child.stdout.readline()).strip()))
        rest = [await child.communicate(b"bye") for child, _ in reversed(outputs)]
        return [number for _, number in outputs], rest

    assert parity(runs(main)) == ([b"1", b"2", b"3", b"4"], [(b"bye", None)] * 4)


@pytest.mark.parametrize("how", ["terminate", "kill", "send_signal", "os.kill"])
def test_signals(parity: Parity, how: str) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", "echo up; exec sleep 100", stdout=PIPE)
        assert child.stdout is not None
        up = await child.stdout.readline()
        if how == "send_signal":
            child.send_signal(signal.SIGINT)
        elif how == "os.kill":
            os.kill(child.pid, signal.SIGHUP)
        else:
            getattr(child, how)()
        return up, await child.wait(), await child.stdout.read()

    code = {"terminate": -15, "kill": -9, "send_signal": -2, "os.kill": -1}[how]
    assert parity(runs(main)) == (b"up\n", code, b"")


def test_signals_to_a_child_that_has_ended(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("true")
        await child.wait()
        # From 3.14 on that comes back before the transport has closed, if the child ends meanwhile.
        for _ in range(5):
            await asyncio.sleep(0)
        seen: list[Any] = []
        for send in (child.terminate, child.kill, lambda: child.send_signal(15)):
            try:
                send()
                seen.append(None)
            except ProcessLookupError as error:
                seen.append(error)
        return seen

    parity(runs(main))


def test_targets(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    async def main(folder: Path) -> Any:
        seen: list[Any] = []
        for stdout, stderr in ((PIPE, STDOUT), (DEVNULL, PIPE), (None, None), (PIPE, None)):
            child = await Exec(*python(BOTH), stdout=stdout, stderr=stderr)
            seen.append((await child.communicate(), tuple(capfd.readouterr())))
        with (folder / "out").open("wb") as target:
            await (await Exec(*python(BOTH), stdout=target, stderr=STDOUT)).wait()
        return seen, (folder / "out").read_bytes()

    assert parity(runs(main))[1] == b"outerr"


def test_writing_to_a_child_that_has_gone(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("true", stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        await child.wait()
        return await child.communicate(b"x" * 100_000), child.returncode

    assert parity(runs(main)) == ((b"", None), 0)


def test_a_dialog_by_a_terminal(parity: Parity) -> None:
    """What is on its way through it must not be overtaken by a limit."""

    async def main(folder: Path) -> int:
        return len(await dialogs(300))

    assert parity(runs(main)) == 300


def test_cancelling_a_wait(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("cat", stdin=PIPE, stdout=PIPE)
        task = asyncio.create_task(child.wait())
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            cancelled = True
        else:
            cancelled = False
        return cancelled, child.returncode, await child.communicate(b"still there"), child.returncode

    assert parity(runs(main)) == (True, None, (b"still there", None), 0)


def test_cancelling_communicate_and_killing(parity: Parity) -> None:
    assert parity(runs(killed_while_read)) == (b"up\n", True, -9)


def test_run_in_a_thread(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        return await asyncio.to_thread(subprocess.run, ["echo", "from a thread"], capture_output=True)

    assert parity(runs(main)).stdout == b"from a thread\n"


def test_a_subprocess_protocol(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(Order, *python(BOTH), stdin=DEVNULL)
        await protocol.done
        code = transport.get_returncode()
        transport.close()
        return sorted(map(str, protocol.seen)), code

    assert "(1, b'out')" in parity(runs(main))[0]


# -- child watchers: https://docs.python.org/3.13/library/asyncio-policy.html#process-watchers ----

_WATCHERS = [
    "ThreadedChildWatcher",
    "PidfdChildWatcher",
    "SafeChildWatcher",
    "FastChildWatcher",
    "MultiLoopChildWatcher",
]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python 3.14 has no child watchers to choose from")
@pytest.mark.filterwarnings(
    "ignore:.*Watcher.*:DeprecationWarning", "ignore:.*child_watcher:DeprecationWarning"
)
@pytest.mark.parametrize("name", _WATCHERS)
def test_child_watchers(parity: Parity, name: str) -> None:
    async def one(number: int) -> Any:
        child = await Exec("sh", "-c", f"cat; exit {number}", stdin=PIPE, stdout=PIPE)
        return await child.communicate(b"%d" % number), child.returncode

    async def main(watcher: Any) -> Any:
        if hasattr(watcher, "attach_loop"):
            watcher.attach_loop(asyncio.get_running_loop())
        if name == "MultiLoopChildWatcher":
            # Its signal handler is not safe against itself: children that end at once get 255, bare too.
            return [await one(number) for number in range(4)]
        return await asyncio.gather(*(one(number) for number in range(4)))

    def body(folder: Path) -> Any:
        watcher = getattr(asyncio, name)()
        policy: Any = asyncio.get_event_loop_policy()  # type: ignore[deprecated]
        before = policy._watcher
        policy.set_child_watcher(watcher)
        try:
            return asyncio.run(main(watcher))
        finally:
            watcher.close()
            policy._watcher = before

    assert parity(body) == [((b"%d" % n, None), n) for n in range(4)]
