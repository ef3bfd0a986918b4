"""What any event loop is asked for: the files of each kind of loop run these on theirs."""

from __future__ import annotations

import asyncio
from asyncio import create_subprocess_exec as Exec
from collections.abc import Callable, Coroutine
from pathlib import Path
from subprocess import PIPE
from typing import Any

from .observe import python

BOTH = "import os; os.write(1, b'out'); os.write(2, b'err')"


async def both(_folder: Path) -> Any:
    """What a child writes to its two outputs, and how it ends."""
    child = await Exec(*python(BOTH), stdout=PIPE, stderr=PIPE)
    return await child.communicate(), child.returncode


def echoing(size: int) -> Callable[[Path], Coroutine[Any, Any, Any]]:
    """One sends so many bytes, and gets them back."""

    async def main(_folder: Path) -> Any:
        child = await Exec("cat", stdin=PIPE, stdout=PIPE)
        return await child.communicate(b"x" * size), child.returncode

    return main


def many(count: int) -> Callable[[Path], Coroutine[Any, Any, Any]]:
    """So many at once, each with an output and an end of its own."""

    async def one(number: int) -> Any:
        child = await Exec("sh", "-c", f"echo {number}; exit {number}", stdout=PIPE)
        out, _ = await child.communicate()
        return out, child.returncode

    async def main(_folder: Path) -> Any:
        return await asyncio.gather(*(one(number) for number in range(count)))

    return main


async def killed_while_read(_folder: Path) -> Any:
    """Whoever reads all of a child is cancelled, and the child is killed."""
    child = await Exec("sh", "-c", "echo up; exec sleep 100", stdout=PIPE)
    assert child.stdout is not None
    up = await child.stdout.readline()
    task = asyncio.create_task(child.communicate())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    child.kill()
    return up, task.cancelled(), await child.wait()
