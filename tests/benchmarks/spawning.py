"""Counts what a spawn does; :mod:`.measured` runs it in a process of its own.

Whatever else is loaded, patched or traced would count as well. Prints JSON: for each road, the counts of one
more spawn.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from pytest_proctape import use_tape

from .counter import Counts

FEW, MANY = 10, 30


def run_true() -> None:
    """Nothing but a process."""
    subprocess.run(["true"], capture_output=True)


def read_lines() -> None:
    """A few lines, read one by one."""
    with subprocess.Popen(["printf", "a\nb\nc\n"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert list(child.stdout) == ["a\n", "b\n", "c\n"]


BODIES: dict[str, Callable[[], None]] = {"run": run_true, "lines": read_lines}


def counted(path: Path, mode: str, body: Callable[[], None], times: int) -> Counter[str]:
    """What so many spawns do within one block, its beginning and its end not counted."""
    block: AbstractContextManager[object]
    block = nullcontext() if mode == "bare" else use_tape(path, mode=mode)  # type: ignore[arg-type] # a word
    with block:
        body()
        counts = Counts()
        with counts:
            for _ in range(times - 1):
                body()
    return counts.found


def one_more(path: Path, mode: str, body: Callable[[], None]) -> dict[str, float]:
    """What one more spawn does."""
    found = []
    for times in (FEW, MANY):
        tape = path.with_name(f"{path.name}-{times}.json")
        if mode == "replay":
            counted(tape, "record", body, times)
        found.append(counted(tape, mode, body, times))
    few, many = found
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in sorted({*few, *many})}


async def _execs(times: int) -> Counter[str]:
    import asyncio

    counts = Counts()
    for number in range(times):
        child = await asyncio.create_subprocess_exec("true", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        await child.communicate()
        if not number:
            counts.__enter__()
    counts.__exit__()
    return counts.found


def one_more_exec(path: Path) -> dict[str, float]:
    """The same for a child of a loop, with all that asyncio does.

    In the recording it ran for long, so that on no machine it ends while the loop still works.
    """
    # Not before the others are counted: where it is loaded, each Popen asks for a loop.
    import asyncio

    found = []
    for times in (FEW, MANY):
        path.write_text(json.dumps([{"program": "true", "duration_ms": 3_600_000}] * times))
        with use_tape(path, mode="replay"):
            found.append(asyncio.run(_execs(times)))
    few, many = found
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in sorted({*few, *many})}


def main(scratch: Path) -> None:
    """Print the counts of each road."""
    found = {
        f"{mode} {name}": one_more(scratch / name, mode, body)
        for mode in ("bare", "replay", "record")
        for name, body in BODIES.items()
    }
    found["replay exec"] = one_more_exec(scratch / "exec.json")
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
