"""The short road of asyncio: when it is taken, and what it leaves out."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape import use_tape
from pytest_proctape.child import TABLE, BriefChild
from pytest_proctape.errors import Divergence
from pytest_proctape.intercept import looped, pace, popen
from pytest_proctape.intercept.lanes import Lanes

HOUR_MS = 3_600_000
"""What a child takes that has not ended when its parent looks, however slow the machine is."""
SAYS: dict[str, Any] = {
    "program": "tool",
    "stdout": "out",
    "stderr": "err",
    "exit_code": 3,
    "duration_ms": HOUR_MS,
}
QUIET: dict[str, Any] = {"program": "tool", "exit_code": 0, "duration_ms": HOUR_MS}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each spawn of a transport, whether the short road was taken."""
    seen: list[bool] = []
    real: Callable[..., int | None] = looped.start

    def start(*args: Any) -> int | None:
        pid = real(*args)
        seen.append(pid is not None)
        return pid

    monkeypatch.setattr(looped, "start", start)
    return seen


def replayed(folder: Path, main: Callable[[], Any], *entries: dict[str, Any]) -> Any:
    tape = folder / "tape.json"
    tape.write_text(json.dumps(list(entries)))
    with use_tape(tape, mode="replay"):
        return asyncio.run(main())


async def communicate(**options: Any) -> Any:
    child = await asyncio.create_subprocess_exec("tool", **options)
    assert child.returncode is None
    return *(await child.communicate()), child.returncode


def test_what_a_child_says_comes_by_pipes_and_its_end_by_the_clock(tmp_path: Path, taken: list[bool]) -> None:
    said = replayed(tmp_path, lambda: communicate(stdout=PIPE, stderr=PIPE), SAYS)
    assert (said, taken) == ((b"out", b"err", 3), [True])


@pytest.mark.parametrize(
    "streams, said",
    [
        ({"stdout": PIPE, "stderr": DEVNULL}, (b"out", None, 3)),
        ({"stdout": DEVNULL, "stderr": PIPE}, (None, b"err", 3)),
        ({"stdout": DEVNULL, "stderr": PIPE, "stdin": DEVNULL}, (None, b"err", 3)),
        ({"stdout": PIPE, "stderr": PIPE, "stdin": DEVNULL, "cwd": "/"}, (b"out", b"err", 3)),
    ],
)
def test_streams(tmp_path: Path, taken: list[bool], streams: dict[str, Any], said: Any) -> None:
    before = os.listdir("/dev/fd")
    assert replayed(tmp_path, lambda: communicate(**streams), SAYS) == said
    assert taken == [True]
    assert os.listdir("/dev/fd") == before


def test_both_streams_in_one(tmp_path: Path, taken: list[bool]) -> None:
    entry = {**QUIET, "stdout": "both", "stderr_to_stdout": True}
    said = replayed(tmp_path, lambda: communicate(stdout=PIPE, stderr=STDOUT), entry)
    assert (said, taken) == ((b"both", None, 0), [True])


def test_both_streams_discarded(tmp_path: Path, taken: list[bool]) -> None:
    entry = {**QUIET, "stderr_to_stdout": True}
    said = replayed(tmp_path, lambda: communicate(stdout=DEVNULL, stderr=DEVNULL), entry)
    assert (said, taken) == ((None, None, 0), [True])


def test_what_does_not_fit_into_a_pipe(tmp_path: Path, taken: list[bool]) -> None:
    said = replayed(tmp_path, lambda: communicate(stdout=PIPE), {**QUIET, "stdout": "x" * 200_000})
    assert (said, taken) == ((b"x" * 200_000, None, 0), [True])


@pytest.mark.parametrize(
    "options, entry",
    [
        ({"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}, SAYS),
        ({"stdout": PIPE, "stderr": PIPE}, {**QUIET, "signal": "SIGTERM", "exit_code": None}),
        ({"stdout": PIPE}, {**QUIET, "timeline": [{"at_ms": 1, "stdout": "later"}]}),
        ({"stdout": PIPE}, {**QUIET, "stdout": "word", "stderr": ""}),
    ],
)
def test_who_does_more_than_to_say_all_at_once(
    tmp_path: Path, taken: list[bool], options: Any, entry: Any
) -> None:
    """It is started without CPython, and plays as on the general road."""
    entry = {name: value for name, value in entry.items() if value is not None}
    quick = replayed(tmp_path, lambda: communicate(**options), entry)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(popen, "OPEN", False)
        assert replayed(tmp_path, lambda: communicate(**options), entry) == quick
    assert taken == [True]


@pytest.mark.parametrize(
    "options, entry",
    [
        ({"stdout": PIPE, "stderr": PIPE, "start_new_session": True}, SAYS),
        ({"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "pass_fds": (0,)}, SAYS),
    ],
)
def test_what_the_general_road_starts(tmp_path: Path, taken: list[bool], options: Any, entry: Any) -> None:
    replayed(tmp_path, lambda: communicate(**options), entry)
    assert True not in taken


async def told_of(data: bytes, *, closes: bool) -> None:
    child = await asyncio.create_subprocess_exec("tool", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert child.stdin is not None
    child.stdin.write(data)
    if closes:
        child.stdin.close()
    await child.wait()


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "open"])
@pytest.mark.parametrize("sent", [b"word", b"wood", b"wor", b"words", b""], ids=repr)
def test_what_is_sent_is_held_against_the_tape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closes: bool, sent: bytes
) -> None:
    """By both roads it is told in the same words."""
    monkeypatch.setattr(pace, "patience_ns", lambda *, alone: 1)
    told = []
    for is_open in (True, False):
        monkeypatch.setattr(popen, "OPEN", is_open)
        try:
            replayed(tmp_path, lambda: told_of(sent, closes=closes), {**SAYS, "stdin": "word"})
        except Divergence as error:
            told.append(str(error))
        else:
            told.append("")
    assert told[0] == told[1]
    assert bool(told[0]) == (sent != b"word" or not closes)


def test_who_has_replaced_a_function_sees_its_call(tmp_path: Path, taken: list[bool]) -> None:
    async def main() -> Any:
        real: Any = subprocess._fork_exec  # type: ignore[attr-defined]
        seen: list[Any] = []

        def fork_exec(args: Any, *rest: Any) -> Any:
            seen.append(list(args))
            return real(args, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subprocess, "_fork_exec", fork_exec)
            await communicate(stdout=PIPE, stderr=PIPE)
        return seen

    assert replayed(tmp_path, main, SAYS) == [["tool"]]
    assert taken == []


def test_an_audit_hook_that_objects_leaves_nothing_open(
    tmp_path: Path, taken: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.listdir("/dev/fd")

    async def main() -> Any:
        def audit(event: str, *args: Any) -> None:
            raise RuntimeError(event)

        with monkeypatch.context() as patch:
            patch.setattr(sys, "audit", audit)
            with pytest.raises(RuntimeError, match=r"subprocess\.Popen"):
                await communicate(stdout=PIPE, stderr=DEVNULL)
        return await communicate(stdout=PIPE, stderr=PIPE)

    assert replayed(tmp_path, main, SAYS) == (b"out", b"err", 3)
    assert os.listdir("/dev/fd") == before


def test_a_child_of_which_nobody_hears_is_known_to_run(tmp_path: Path) -> None:
    tape = tmp_path / "tape.json"
    tape.write_text(json.dumps([SAYS]))

    async def main() -> Any:
        child = await asyncio.create_subprocess_exec("tool", stdout=PIPE, stderr=PIPE)
        made = TABLE.get(child.pid)
        assert isinstance(made, BriefChild)
        running = [one.is_alive for one in taped.children], taped.children[0].stdout
        made.stall()
        code = await child.wait()
        return running, code, [one.status for one in taped.children]

    with use_tape(tape, mode="replay") as taped:
        assert asyncio.run(main()) == (([True], b"out"), 3, ["exited"])


def test_who_blocks_for_a_child_of_a_loop_that_stands_still_is_told(tmp_path: Path) -> None:
    """The thread of the loop lets the time pass itself."""

    async def main() -> Any:
        child = await asyncio.create_subprocess_exec("tool", stdout=PIPE, stderr=PIPE)
        return os.waitpid(child.pid, 0)[1] >> 8

    assert replayed(tmp_path, main, SAYS) == 3


def test_a_lane_that_is_none() -> None:
    lanes = Lanes()
    assert lanes.watch(5, 1, None) is None
    assert (5 in lanes.opened, lanes.events()) == (False, [])
