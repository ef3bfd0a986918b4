"""A test watches for what blocks its event loop, as blockbuster does: it is told of its own calls alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import warnings
from asyncio import create_subprocess_exec as Exec
from collections.abc import Callable, Coroutine, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE
from types import FrameType
from typing import Any

import pytest

from pytest_proctape import use_tape
from pytest_proctape.session import FileRules

from .harness import Parity

NAMES = """
access getcwd link listdir mkdir readlink remove rename replace rmdir scandir stat statvfs symlink unlink
read write
"""
"""What blockbuster puts its own in the place of, of :mod:`os`."""
MAKES = "echo ready; read x; mkdir made; echo $x > made/file; ln -s file made/link; echo ended; exit 3"


class BlockedError(Exception):
    """Something was called in an event loop that may block."""


ALLOWED = {("asyncio/base_events.py", "subprocess_exec"), ("linecache.py", "updatecache")}
"""Where it may block: ``Popen`` reads from a pipe whether the child could be started; lines of tracebacks."""


def _is_allowed() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if any(code.co_name == name and code.co_filename.endswith(file) for file, name in ALLOWED):
            return True
        frame = frame.f_back
    return False


def _told(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def stand_in(*args: Any, **options: Any) -> Any:
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            if (name not in ("read", "write") or os.get_blocking(args[0])) and not _is_allowed():
                raise BlockedError(name)
        return real(*args, **options)

    return stand_in


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """For a while, what may block is refused in a loop."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES.split():
            patch.setattr(os, name, _told(name, getattr(os, name)))
        patch.setattr(os.path, "abspath", _told("abspath", os.path.abspath))
        yield


def runs(main: Callable[[Path], Coroutine[Any, Any, Any]], loop: Callable[[], Any]) -> Callable[[Path], Any]:
    """The body that runs ``main`` in such a loop, and is watched."""

    def body(folder: Path) -> Any:
        with watched(), asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(main(folder))

    return body


def uvloops() -> Any:
    """A new loop of uvloop's."""
    uvloop: Any = import_module("uvloop")

    return uvloop.new_event_loop()


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """What makes a loop; libuv has made the pipe that there is one of for the whole process."""
    if request.param == "asyncio":
        return asyncio.new_event_loop
    if find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")

    async def main() -> None:
        await (await Exec("true")).wait()

    with asyncio.Runner(loop_factory=uvloops) as runner:
        runner.run(main())
    return uvloops


def test_files_that_a_child_makes(parity: Parity, loop: Callable[[], Any]) -> None:
    parity.files = FileRules(on=True)

    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", MAKES, stdin=PIPE, stdout=PIPE, cwd=folder)
        assert child.stdout is not None
        first = await child.stdout.readline()
        return first, await child.communicate(b"word\n"), child.returncode

    def body(folder: Path) -> Any:
        seen = runs(main, loop)(folder)
        return seen, (folder / "made/link").read_text(), os.readlink(folder / "made/link")

    assert parity(body) == ((b"ready\n", (b"ended\n", None), 3), "word\n", "file")


def test_a_signal_and_an_error(parity: Parity, loop: Callable[[], Any]) -> None:
    async def main(folder: Path) -> Any:
        with pytest.raises(FileNotFoundError):
            await Exec("./is-not-here", cwd=folder)
        child = await Exec("sleep", "100", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
        child.send_signal(signal.SIGTERM)
        return await child.communicate(), child.returncode

    assert parity(runs(main, loop)) == ((b"", None), -15)


def test_descriptors_that_are_all_passed_on(parity: Parity) -> None:
    """Which there are is read from a directory."""

    async def main(folder: Path) -> Any:
        child = await Exec("echo", "hi", stdout=PIPE, close_fds=False, cwd=folder)
        return await child.communicate()

    assert parity(runs(main, asyncio.new_event_loop)) == (b"hi\n", None)


@pytest.mark.parametrize("function", [subprocess.run, subprocess.check_output, subprocess.Popen])
def test_its_own_calls(parity: Parity, function: Callable[..., Any]) -> None:
    """The test is told of these as without a tape: ``Popen`` waits for word of the exec."""

    async def main(folder: Path) -> Any:
        told = []
        for call in (lambda: function(["true"], stdin=DEVNULL), lambda: os.stat(folder), os.getcwd):
            try:
                call()
            except BlockedError as error:
                told.append(str(error))
        return told

    def body(folder: Path) -> Any:
        with warnings.catch_warnings():
            # A `Popen` that nobody has is gone before its child.
            warnings.simplefilter("ignore", ResourceWarning)
            seen = runs(main, asyncio.new_event_loop)(folder)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)
        return seen

    assert parity(body) == ["read", "stat", "getcwd"]


def test_a_block(tmp_path: Path) -> None:
    """Its tape is read and written in the loop."""

    async def main() -> Any:
        async with use_tape(tmp_path / "one.json", mode="missing"):
            child = await Exec("echo", "hi", stdout=PIPE)
            out = await child.communicate()
            assert asyncio.get_running_loop() is not None
            return out

    for _ in range(2):
        assert runs(lambda _: main(), asyncio.new_event_loop)(tmp_path) == (b"hi\n", None)
    assert (tmp_path / "one.json").exists()
