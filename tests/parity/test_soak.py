"""Many children, replayed many times: nothing adds up. The long run is ``tests/soak``."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from subprocess import PIPE
from typing import Any

from .harness import Parity


def test_many_spawns(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [subprocess.run(["true"], capture_output=True).returncode for _ in range(100)]

    assert parity(body, replays=10, hang_s=120) == [0] * 100


def test_many_dialogs(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        seen = []
        for number in range(100):
            with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(b"%d" % number)
                seen.append(child.stdout.read(10))
        return seen

    assert parity(body, replays=10, hang_s=120) == [b"%d" % number for number in range(100)]


def test_many_on_a_loop(parity: Parity) -> None:
    async def one(number: int) -> Any:
        child = await asyncio.create_subprocess_exec(
            "sh", "-c", f"cat; exit {number}", stdin=PIPE, stdout=PIPE
        )
        return await child.communicate(b"%d" % number), child.returncode

    async def main() -> Any:
        return [
            await asyncio.gather(*(one(number) for number in range(first, first + 20)))
            for first in range(0, 100, 20)
        ]

    def body(folder: Path) -> Any:
        return asyncio.run(main())

    assert parity(body, replays=10, hang_s=120)[4][19] == ((b"99", None), 99)


def test_many_that_are_killed(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        codes = []
        for _ in range(100):
            with subprocess.Popen(["sleep", "100"], stdout=PIPE) as child:
                child.kill()
            codes.append(child.returncode)
        return codes

    assert parity(body, replays=10, hang_s=120) == [-9] * 100
