"""Other interpreters of the process: what they work out is the same, and what is taped goes on beside them.

What they start themselves is refused on replay: ``tests/options/test_interpreters.py``.
"""

from __future__ import annotations

import asyncio
import importlib
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="no concurrent.interpreters before 3.14")


@pytest.fixture(autouse=True)
def _names() -> None:
    """What there is from 3.14 on, of which the types of 3.11 know nothing."""
    global interpreters, futures
    interpreters = importlib.import_module("concurrent.interpreters")
    futures = importlib.import_module("concurrent.futures")


interpreters: Any
futures: Any


def _said(word: str) -> bytes:
    return subprocess.run(["echo", word], stdout=subprocess.PIPE, check=True).stdout


def test_what_one_works_out(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        interpreter = interpreters.create()
        try:
            seen: list[object] = [_said("one"), interpreter.call(math.sqrt, 4.0)]
            interpreter.prepare_main(folder=str(folder))
            interpreter.exec("import os; os.mkdir(os.path.join(folder, 'made'))")
            seen += [_said("two"), (folder / "made").is_dir()]
            wrong = outcome(interpreter.exec, "1 / 0")
            return [*seen, type(wrong), str(wrong), interpreter.is_running()]
        finally:
            interpreter.close()

    seen = parity(body)
    assert seen[:4] == [b"one\n", 2.0, b"two\n", True]
    assert seen[4] is interpreters.ExecutionFailed


def test_one_in_a_thread(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        interpreter = interpreters.create()
        try:
            interpreter.prepare_main(path=str(folder / "file"))
            thread = interpreter.call_in_thread(exec, f"open({str(folder / 'file')!r}, 'w').write('x')")
            said = _said("one")
            thread.join()
            return said, (folder / "file").read_text()
        finally:
            interpreter.close()

    assert parity(body) == (b"one\n", "x")


def test_a_pool_of_them(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with futures.InterpreterPoolExecutor(2) as pool:
            return list(pool.map(math.sqrt, [4, 9])), _said("one"), list(pool.map(math.sqrt, [16, 25]))

    assert parity(body) == ([2.0, 3.0], b"one\n", [4.0, 5.0])


def test_a_loop_with_a_pool_of_them(parity: Parity) -> None:
    async def work() -> Any:
        loop = asyncio.get_running_loop()
        with futures.InterpreterPoolExecutor(1) as pool:
            child = await asyncio.create_subprocess_exec("echo", "one", stdout=subprocess.PIPE)
            root, (said, _) = await asyncio.gather(
                loop.run_in_executor(pool, math.sqrt, 4), child.communicate()
            )
            return root, said, child.returncode

    assert parity(lambda folder: asyncio.run(work())) == (2.0, b"one\n", 0)
