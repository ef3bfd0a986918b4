"""What the short road of asyncio shows to who looks closer, and what it leaves to the general one.

Where a machine was slow a recording keeps the times of outputs, and then there is no short road: that it is
taken is for ``tests/unit/intercept/test_looped.py`` to hold.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
from asyncio import unix_events
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from .audit import audited
from .gates import Gate
from .harness import Parity
from .observe import Order, outcome, python

Exec = asyncio.create_subprocess_exec
Main = Callable[[Path], Coroutine[Any, Any, Any]]
SLOW = ["sh", "-c", "printf out; printf err >&2; sleep 0.2"]
ALONE = ["sh", "-c", "printf out; sleep 0.2"]


def runs(main: Main) -> Callable[[Path], Any]:
    """The body that runs ``main`` in a loop of its own."""
    return lambda folder: asyncio.run(main(folder))


def number_of(folder: Path) -> int:
    """What the next descriptor gets."""
    fd = os.open(folder, os.O_RDONLY)
    os.close(fd)
    return fd


TWO_WORDS, ONE_WORD = "printf out; printf err >&2", "printf out"
LATER = "sleep 0.3"
"""Behind a gate: long after it was opened, for the replay, where the clock alone says when a child ends."""
STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "both": (TWO_WORDS, {"stdout": PIPE, "stderr": PIPE}),
    "one": (ONE_WORD, {"stdout": PIPE}),
    "one and nothing": (ONE_WORD, {"stdout": PIPE, "stderr": PIPE}),
    "the other": (TWO_WORDS, {"stderr": PIPE, "stdout": DEVNULL}),
    "together": (TWO_WORDS, {"stdout": PIPE, "stderr": STDOUT}),
    "no input": (TWO_WORDS, {"stdin": DEVNULL, "stdout": PIPE, "stderr": DEVNULL}),
    "discarded": (TWO_WORDS, {"stdout": DEVNULL, "stderr": DEVNULL}),
}


@pytest.mark.parametrize("command, streams", STREAMS.values(), ids=STREAMS)
def test_descriptors_have_their_numbers(parity: Parity, command: str, streams: dict[str, Any]) -> None:
    async def main(folder: Path) -> Any:
        base, gate = number_of(folder), Gate(folder)
        child = await Exec(*gate.command(command, LATER), **streams)
        transport: Any = child._transport  # type: ignore[attr-defined]
        pipes = [transport.get_pipe_transport(fd) for fd in (1, 2)]
        numbers = [None if one is None else one.get_extra_info("pipe").fileno() - base for one in pipes]
        then = number_of(folder) - base
        gate.open()
        said = await child.communicate()
        return numbers, then, said, number_of(folder) - base, child.returncode

    *_, at_end, code = parity(runs(main))
    assert (at_end, code) == (0, 0)


def test_its_objects_are_those_of_asyncio(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        gate = Gate(folder)
        child = await Exec(*gate.command(ONE_WORD, LATER), stdout=PIPE, stderr=PIPE)
        transport: Any = child._transport  # type: ignore[attr-defined]
        pipe = transport.get_pipe_transport(1)
        popen, file = transport.get_extra_info("subprocess"), pipe.get_extra_info("pipe")
        seen = [
            type(transport) is unix_events._UnixSubprocessTransport,  # type: ignore[attr-defined]
            type(pipe) is unix_events._UnixReadPipeTransport,  # type: ignore[attr-defined]
            type(popen) is subprocess.Popen,
            type(file) is io.FileIO,
            file is popen.stdout,
            file.mode,
            popen.args[1:2],
            popen.returncode,
            child.returncode,
            repr(pipe).replace(str(file.fileno()), "N"),
            repr(transport).replace(str(child.pid), "P").partition(" stdout")[0],
        ]
        gate.open()
        return [*seen, await child.communicate(), popen.returncode, repr(pipe).partition(" fd")[0]]

    assert parity(runs(main))[:6] == [True, True, True, True, True, "rb"]


def test_a_reader_that_is_full_pauses_its_pipe(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        # It ends only when somebody reads, so who waits does so beside it.
        child = await Exec("head", "-c", "4000", "/dev/zero", stdout=PIPE, limit=100)
        assert child.stdout is not None
        parts = [len(await child.stdout.readexactly(1000)) for _ in range(4)]
        return parts, await child.stdout.read(), await child.wait()

    assert parity(runs(main)) == ([1000] * 4, b"", 0)


def test_who_pauses_and_reads_by_himself(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec(*SLOW, stdout=PIPE, stderr=PIPE)
        pipe = child._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        assert child.stdout is not None
        first = await child.stdout.readexactly(1)
        pipe.pause_reading()
        # The first releases of Python 3.11 can't say.
        watched = outcome(pipe.is_reading)
        pipe.resume_reading()
        return first, watched, await child.communicate(), child.returncode

    first, watched, *rest = parity(runs(main))
    assert watched is False or isinstance(watched, NotImplementedError)
    assert (first, *rest) == (b"o", (b"ut", b"err"), 0)


def test_a_reader_of_the_tests_own(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        loop, got, done = asyncio.get_running_loop(), bytearray(), asyncio.Event()
        child = await Exec(*SLOW, stderr=PIPE)
        pipe = child._transport.get_pipe_transport(2)  # type: ignore[attr-defined]
        fd = pipe.get_extra_info("pipe").fileno()

        def read() -> None:
            try:
                data = os.read(fd, 2)
            except BlockingIOError:
                return
            got.extend(data)
            if not data:
                loop.remove_reader(fd)
                done.set()

        loop.add_reader(fd, read)
        await done.wait()
        # Asyncio's own reader had taken what came before that.
        assert child.stderr is not None
        buffered = bytes(child.stderr._buffer)  # type: ignore[attr-defined]
        pipe.close()
        return buffered + bytes(got), await child.wait()

    assert parity(runs(main)) == (b"err", 0)


def test_a_loop_that_looks_closer_at_itself(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec(*SLOW, stdout=PIPE, stderr=PIPE)
        return await child.communicate(), child.returncode

    assert parity(lambda folder: asyncio.run(main(folder), debug=True)) == ((b"out", b"err"), 0)


def test_a_time_limit_that_is_long_enough_and_one_that_is_not(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        gate = Gate(folder)
        child = await Exec(*gate.command(ONE_WORD, LATER), stdout=PIPE)
        reading = asyncio.ensure_future(child.communicate())
        done, _ = await asyncio.wait([reading], timeout=0.001)
        seen = [len(done), child.returncode]
        gate.open()
        return seen, await asyncio.wait_for(reading, 60), child.returncode

    assert parity(runs(main)) == ([0, None], (b"out", None), 0)


def test_children_end_in_the_order_of_their_times(parity: Parity) -> None:
    """They are started in another one, and each may end behind the one before."""

    async def main(folder: Path) -> Any:
        seen: list[int] = []
        gates = [Gate(folder, str(number)) for number in range(5)]

        async def one(number: int) -> None:
            child = await Exec(*gates[number].command(f"echo {number}", LATER), stdout=PIPE)
            assert child.stdout is not None
            await child.stdout.readline()
            await child.wait()
            seen.append(number)
            gates[number + 1].open()

        gates[0].open()
        await asyncio.gather(*map(one, (2, 1, 3, 0)))
        return seen

    assert parity(runs(main)) == [0, 1, 2, 3]


def test_a_pipe_that_is_closed_early_and_its_number(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", "sleep 0.3", stdout=PIPE)
        pipe = child._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        pipe.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gate = Gate(folder)
        other = await Exec(*gate.command("echo other", LATER), stdout=PIPE)
        seen = await child.wait(), other.returncode
        gate.open()
        return *seen, await other.communicate(), other.returncode

    assert parity(runs(main)) == (0, None, (b"other\n", None), 0)


def test_a_busy_loop_sees_the_end(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec(*python("print('x')"), stdout=PIPE)
        while child.returncode is None:
            await asyncio.sleep(0)
        return await child.communicate(), child.returncode

    assert parity(runs(main)) == ((b"x\n", None), 0)


def test_a_protocol_is_told_in_order(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(Order, *ALONE, stdin=None)
        await protocol.done
        transport.close()
        # Whether the pipes or the end come first is up to the system.
        return protocol.seen[0], sorted(map(str, protocol.seen[1:-1])), protocol.seen[-1]

    assert parity(runs(main))[2] == ("lost", None)


def test_a_transport_that_is_closed_while_its_child_runs(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(Order, "sleep", "100", stdin=None)
        transport.close()
        await protocol.done
        return transport.get_returncode(), protocol.seen[-1]

    assert parity(runs(main)) == (-9, ("lost", None))


async def talk(child: asyncio.subprocess.Process, words: list[bytes]) -> list[bytes]:
    """What comes of each word."""
    assert child.stdin is not None
    assert child.stdout is not None
    heard = []
    for word in words:
        child.stdin.write(word)
        await child.stdin.drain()
        heard.append(await child.stdout.readline())
    return heard


SORTS = ["sh", "-c", "sort; echo done >&2"]
ONE_OUTPUT = ["sort"]
ANSWERS = ["sh", "-c", "while read word; do echo $word $word; done"]
IN_TIME = ["sh", "-c", "echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three"]
_BODIES: dict[str, tuple[list[str], dict[str, Any], Callable[[Any], Coroutine[Any, Any, Any]]]] = {
    "an input": (SORTS, {"stdin": PIPE, "stderr": PIPE}, lambda child: child.communicate(b"b\na\n")),
    "an empty input": (SORTS, {"stdin": PIPE, "stderr": PIPE}, lambda child: child.communicate(b"")),
    "much input": (SORTS, {"stdin": PIPE, "stderr": PIPE}, lambda child: child.communicate(b"x\n" * 90_000)),
    "a dialog": (ANSWERS, {"stdin": PIPE}, lambda child: talk(child, [b"a\n", b"b\n"])),
    "in its own time": (IN_TIME, {"stderr": PIPE}, lambda child: child.communicate()),
    "an input, and only one output": (
        ONE_OUTPUT,
        {"stdin": PIPE},
        lambda child: child.communicate(b"b\na\n"),
    ),
    "both in one": (IN_TIME, {"stderr": STDOUT}, lambda child: child.communicate()),
}


@pytest.mark.parametrize("command, streams, body", _BODIES.values(), ids=_BODIES)
def test_who_is_sent_something_or_takes_its_time(
    parity: Parity,
    command: list[str],
    streams: dict[str, Any],
    body: Callable[[Any], Coroutine[Any, Any, Any]],
) -> None:
    async def main(folder: Path) -> Any:
        base = number_of(folder)
        child = await Exec(*command, stdout=PIPE, **streams)
        then = number_of(folder) - base
        heard = await body(child)
        if child.stdin is not None:
            child.stdin.close()
        return then, heard, await child.wait(), number_of(folder) - base

    assert parity(runs(main))[2:] == (0, 0)
    assert parity.at_once


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_who_waits_for_input_is_ended(parity: Parity, end: str) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("cat", stdin=PIPE, stdout=PIPE)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(child.wait(), 0.2)
        getattr(child, end)()
        return await child.communicate(), child.returncode

    assert parity(runs(main))[0] == (b"", None)
    assert parity.at_once


_OTHERS: dict[str, dict[str, Any]] = {
    "a new session": {"start_new_session": True},
    "descriptors passed on": {"close_fds": False},
    "a function before": {"preexec_fn": lambda: None},
}


@pytest.mark.parametrize("options", _OTHERS.values(), ids=_OTHERS)
def test_what_is_left_to_the_general_road(parity: Parity, options: dict[str, Any]) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("echo", "x", stdout=PIPE, **options)
        return await child.communicate(), child.returncode

    assert parity(runs(main)) == ((b"x\n", None), 0)
    assert parity.at_once == 0


@pytest.mark.parametrize(
    "command, stdin, events",
    [(["echo", "x"], DEVNULL, 2), (["cat"], PIPE, 1), (["head", "-c", "100000", "/dev/zero"], DEVNULL, 2)],
    ids=["one that says a little", "one that is sent something", "one that says much"],
)
def test_audit_events_are_those_of_cpython(
    parity: Parity, command: list[str], stdin: int, events: int
) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec(*command, stdin=stdin, stdout=PIPE)
        return await child.communicate(b"word" if stdin == PIPE else None)

    def body(folder: Path) -> Any:
        seen: list[tuple[str, ...]] = []

        def hear(event: str, args: tuple[Any, ...]) -> None:
            if event == "subprocess.Popen" or (event == "open" and args[0] == os.devnull):
                seen.append((event, *map(str, args)))

        with audited(hear):
            result = asyncio.run(main(folder))
        return result, seen

    assert len(parity(body)[1]) == events
    assert parity.at_once
