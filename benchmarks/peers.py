"""The peers: which of them are here, and how each fakes the same spawn. The rows ask for them.

They are installed for the benchmark alone (``bench`` in pyproject.toml's groups). One that isn't here is
left out, and the table says so.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import tapes

Blocks = Iterator[tuple[str, Callable[[], AbstractContextManager[object]]]]

MODULES = {"subprocess-vcr": "subprocess_vcr", "pytest-subprocess": "pytest_subprocess"}
PLUGINS = {
    "subprocess-vcr": "subprocess_vcr.pytest_plugin",
    "pytest-subprocess": "pytest_subprocess.fixtures",
}


def here() -> list[str]:
    """The names of those that can be imported."""
    return [name for name, module in MODULES.items() if importlib.util.find_spec(module) is not None]


def missing() -> list[str]:
    """The names of those that can't."""
    return [name for name in MODULES if name not in here()]


def versions() -> dict[str, str]:
    """Their releases."""
    return {name: importlib.metadata.version(name) for name in here()}


def _imported(name: str) -> Any:  # noqa: ANN401 - the peers have no types, and need not be here
    return importlib.import_module(MODULES[name])


def true_blocks(scratch: Path, calls: int) -> Blocks:
    """Blocks in which :func:`.tapes.run_true` is faked, so many times."""
    present = here()
    if "pytest-subprocess" in present:
        fakes = _imported("pytest-subprocess")

        def registered() -> AbstractContextManager[object]:
            fake = fakes.FakeProcess()
            fake.register(["true"], occurrences=calls)
            block: AbstractContextManager[object] = fake
            return block

        yield "pytest-subprocess", registered
    if "subprocess-vcr" in present:
        vcr = _imported("subprocess-vcr").SubprocessVCR
        path = scratch / "true.yaml"
        with vcr(path, "reset"):
            for _ in range(calls):
                tapes.run_true()
        yield "subprocess-vcr", lambda: vcr(path, "replay")


def recording_blocks(scratch: Path) -> Blocks:
    """Blocks in which :func:`.tapes.run_true` is recorded."""
    if "subprocess-vcr" in here():
        vcr = _imported("subprocess-vcr").SubprocessVCR
        yield "subprocess-vcr", lambda: vcr(scratch / "recorded.yaml", "reset")


def loading_blocks(scratch: Path, entries: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What reads a tape of so many entries of ``echo``, and replays the first."""
    if "subprocess-vcr" not in here():
        return
    vcr = _imported("subprocess-vcr").SubprocessVCR
    path = scratch / "many.yaml"
    with vcr(path, "reset"):
        for number in range(entries):
            subprocess.run(["echo", str(number)], capture_output=True)

    def read() -> None:
        with vcr(path, "replay"):
            subprocess.run(["echo", "0"], capture_output=True)

    yield "subprocess-vcr", read
