"""The loop of a replayed child: who tells it of the end, where asyncio would have a thread wait for it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import weakref
from pathlib import Path

import pytest

from pytest_proctape import use_tape
from pytest_proctape.child import GUARDIAN
from pytest_proctape.keys import Mode

by_thread = pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio waits through a descriptor there")


@pytest.fixture(autouse=True, scope="module")
def guardian() -> None:
    """It is there before anybody counts what is open."""
    GUARDIAN.engage()


async def exit_code(*command: str, killer: bool = False) -> int:
    child = await asyncio.create_subprocess_exec(*command)
    if not killer:
        return await child.wait()
    thread = threading.Thread(target=os.kill, args=(child.pid, signal.SIGTERM))
    thread.start()
    code = await child.wait()
    thread.join()
    return code


@by_thread
def test_no_thread_waits_for_a_replayed_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        started.append(self.name)
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    modes: tuple[Mode, ...] = ("record", "replay")
    waiting: list[int] = []
    for mode in modes:
        with use_tape(tmp_path / "tape.json", mode=mode):
            assert asyncio.run(exit_code("sh", "-c", "exit 3")) == 3
        waiting.append(len(started))
        started.clear()
    assert waiting == [1, 0]


@by_thread
@pytest.mark.parametrize("mode", ["record", "replay"])
def test_a_child_that_another_thread_kills(tmp_path: Path, mode: Mode) -> None:
    modes: tuple[Mode, ...] = ("record", mode)
    for one in modes:
        with use_tape(tmp_path / "tape.json", mode=one):
            code = asyncio.run(exit_code("sleep", "600", killer=True))
        assert code == -signal.SIGTERM


def test_a_loop_that_is_closed_is_kept_by_nobody(tmp_path: Path) -> None:
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def body() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        child = await asyncio.create_subprocess_exec("sh", "-c", "echo said", stdout=asyncio.subprocess.PIPE)
        assert (await child.communicate())[0] == b"said\n"

    modes: tuple[Mode, ...] = ("record", "replay")
    for mode in modes:
        with use_tape(tmp_path / "tape.json", mode=mode):
            asyncio.run(body())
    gc.collect()
    assert loops[-1]() is None
