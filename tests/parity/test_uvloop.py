"""Children of a loop of uvloop, which starts them in C where nobody leads it elsewhere."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from asyncio import create_subprocess_exec as Exec
from asyncio import create_subprocess_shell as Shell
from collections.abc import Callable, Coroutine, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import pytest

from pytest_proctape import intercept
from pytest_proctape.intercept import door

from .coroutines import BOTH, both, echoing, killed_while_read, many
from .harness import Parity
from .observe import python

pytestmark = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")
uvloop: Any = None
"""Imported by the first of these tests: it would be there for all the others of this process."""


def runs(main: Callable[[Path], Coroutine[Any, Any, Any]]) -> Callable[[Path], Any]:
    """The body that runs ``main`` in a loop of its own."""

    def body(folder: Path) -> Any:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main(folder))

    return body


@pytest.fixture(autouse=True, scope="module")
def pipe_of_libuv() -> None:
    """There is one for the whole process from the first child on, and it would be taken for a leak."""
    global uvloop
    uvloop = import_module("uvloop")

    async def main(folder: Path) -> None:
        await (await Exec("true")).wait()

    runs(main)(Path())


@pytest.fixture
def parity(parity: Parity) -> Iterator[Parity]:
    """What libuv starts is in no count of processes, so a child past the tape is known by the tape alone."""
    yield parity
    assert '"program"' in parity.tape


def test_exec(parity: Parity) -> None:
    assert parity(runs(both)) == ((b"out", b"err"), 0)


def test_shell_in_a_folder_with_an_environment(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        env = {**os.environ, "GIVEN": "this"}
        child = await Shell("pwd; echo $GIVEN; exit 3", stdout=PIPE, cwd=folder, env=env)
        return await child.communicate(), child.returncode

    out, code = parity(runs(main))
    assert (out[0].splitlines()[1], code) == (b"this", 3)


def test_the_policy(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("echo", "hi", stdout=PIPE)
        return await child.communicate()

    def body(folder: Path) -> Any:
        return uvloop.run(main(folder))

    assert parity(body) == (b"hi\n", None)


@pytest.mark.parametrize("size", [0, 1, 65536, 1 << 20])
def test_input(parity: Parity, size: int) -> None:
    assert parity(runs(echoing(size))) == ((b"x" * size, None), 0)


def test_a_dialog(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("cat", stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        seen = []
        for word in (b"one\n", b"two\n"):
            child.stdin.write(word)
            await child.stdin.drain()
            seen.append(await child.stdout.readline())
        child.stdin.close()
        return seen, await child.wait()

    assert parity(runs(main)) == ([b"one\n", b"two\n"], 0)


def test_one_pipe_for_both_outputs(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec(*python(BOTH), stdout=PIPE, stderr=STDOUT)
        return await child.communicate()

    assert parity(runs(main)) == (b"outerr", None)


def test_files_and_nothing(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        path = folder / "out"
        with path.open("wb") as file:
            child = await Exec(*python(BOTH), stdin=DEVNULL, stdout=file, stderr=DEVNULL)
            code = await child.wait()
        return path.read_bytes(), code

    assert parity(runs(main)) == (b"out", 0)


def test_a_descriptor_that_is_passed_on(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        reader, writer = os.pipe()
        try:
            child = await Exec(*python(f"import os; os.write({writer}, b'told')"), pass_fds=[writer])
            code = await child.wait()
        finally:
            os.close(writer)
        with open(reader, "rb") as file:
            return file.read(), code

    assert parity(runs(main)) == (b"told", 0)


@pytest.mark.parametrize("how", ["terminate", "kill", "send_signal"])
def test_signals(parity: Parity, how: str) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", "echo up; exec sleep 100", stdout=PIPE)
        assert child.stdout is not None
        up = await child.stdout.readline()
        if how == "send_signal":
            child.send_signal(signal.SIGINT)
        else:
            getattr(child, how)()
        return up, await child.wait(), await child.stdout.read()

    code = {"terminate": -15, "kill": -9, "send_signal": -2}[how]
    assert parity(runs(main)) == (b"up\n", code, b"")


def test_a_signal_to_one_that_has_ended(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("true")
        code = await child.wait()
        try:
            child.kill()
        except ProcessLookupError as error:
            return code, error
        return code

    assert isinstance(parity(runs(main)), tuple)


def test_a_wait_that_expires_and_a_kill(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sleep", "100")
        try:
            await asyncio.wait_for(child.wait(), 0.2)
        except TimeoutError:
            child.kill()
            return "expired", await child.wait()
        return "in time"

    assert parity(runs(main)) == ("expired", -9)


def test_without_descriptors_of_processes(parity: Parity) -> None:
    """As on macOS: a thread waits, and tells the loop."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    async def main(folder: Path) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pidfd_open", refuse, raising=False)
            child = await Exec("sh", "-c", "cat; exit 4", stdin=PIPE, stdout=PIPE)
            return await child.communicate(b"said"), child.returncode

    assert parity(runs(main)) == ((b"said", None), 4)


def test_a_wait_in_time(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        child = await Exec("sh", "-c", "exit 5")
        return await asyncio.wait_for(child.wait(), 30), await child.wait(), child.returncode

    assert parity(runs(main)) == (5, 5, 5)


def test_many_at_once(parity: Parity) -> None:
    assert parity(runs(many(10))) == [(f"{n}\n".encode(), n) for n in range(10)]


@pytest.mark.parametrize("wrong", ["program", "folder"])
def test_what_is_missing(parity: Parity, wrong: str) -> None:
    async def main(folder: Path) -> Any:
        try:
            if wrong == "program":
                await Exec("no-such-program-anywhere")
            else:
                await Exec("true", cwd=folder / "missing")
        except OSError as error:
            return type(error), error.errno, error.filename, str(error)
        return "started"

    assert parity(runs(main))[:3] == (FileNotFoundError, 2, None)


@pytest.mark.parametrize("option", [{"text": True}, {"bufsize": 1}, {"encoding": "utf-8"}, {"umask": 0o22}])
def test_what_is_refused(parity: Parity, option: dict[str, Any]) -> None:
    async def main(folder: Path) -> Any:
        loop = asyncio.get_running_loop()
        await (await Exec("true")).wait()
        try:
            await loop.subprocess_exec(asyncio.SubprocessProtocol, "true", **option)
        except (TypeError, ValueError) as error:
            return type(error), str(error)
        return "started"

    assert parity(runs(main))[0] is ValueError


def test_cancelled_while_it_is_read(parity: Parity) -> None:
    assert parity(runs(killed_while_read)) == (b"up\n", True, -9)


def test_the_loop_is_uvloops_own_again() -> None:
    """What the class has by its base it has by it again; a thread without a tape never goes our way."""
    names = ("subprocess_exec", "subprocess_shell")
    intercept.install()
    try:
        assert all(name in vars(uvloop.Loop) for name in names)
        assert door.current() is None
    finally:
        intercept.uninstall()
    assert not any(name in vars(uvloop.Loop) for name in names)


LATE = """
    import asyncio, pytest

    async def main():
        child = await asyncio.create_subprocess_exec("date", "+%N", stdout=-1)
        print("SAID", (await child.communicate())[0], child.pid)

    def run():
        import uvloop
        uvloop.run(main())

    @pytest.mark.tape(MARK)
    def test_late():
        run()
"""


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pytest in a process of its own loads the plugin by name alone, be it installed or not."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("mark", ["", 'live=["date*"]', 'mode="live"'])
def test_in_a_test_that_imports_it_late(pytester: pytest.Pytester, mark: str) -> None:
    pytester.makepyfile(LATE.replace("MARK", mark))
    said = []
    for options in (["--record-tapes"], [], []):
        done = pytester.runpytest_subprocess("-s", "-p", "pytest_proctape.plugin", *options)
        done.assert_outcomes(passed=1)
        said.append([line for line in done.outlines if "SAID" in line])
    assert all(said)
    # The pids are drawn in order, above those of the system.
    assert (said[1] == said[2]) is (not mark)


@pytest.mark.usefixtures("plain")
def test_a_clock_that_stands_is_refused(pytester: pytest.Pytester) -> None:
    """Nobody moves it while the loop waits, so the test would hang."""
    pytester.makepyfile(LATE.replace("MARK", "clock=True"))
    for options in (["--record-tapes"], []):
        done = pytester.runpytest_subprocess("-p", "pytest_proctape.plugin", *options, timeout=60)
        done.assert_outcomes(failed=1)
        done.stdout.fnmatch_lines(["*uvloop: its loop waits by the real clock*"])


OTHER = """
    import asyncio, sys, pytest
    import uvloop

    async def main():
        child = await asyncio.create_subprocess_exec("sh", "-c", "read x; echo $x; cat", stdin=-1, stdout=-1)
        child.stdin.write(sys.argv[-1].encode() + b"\\n")
        said = await child.stdout.readline()
        child.stdin.close()
        print("ENDED", await child.wait())

    @pytest.mark.tape
    def test_it():
        uvloop.run(main())
"""


@pytest.mark.usefixtures("plain")
def test_who_waits_for_a_child_that_was_sent_something_else(pytester: pytest.Pytester) -> None:
    """The child has ended of it, and who waits for it must not wait for ever."""
    pytester.makepyfile(OTHER.replace("sys.argv[-1]", "'one'"))
    options = ["-s", "-p", "pytest_proctape.plugin"]
    pytester.runpytest_subprocess(*options, "--record-tapes").assert_outcomes(passed=1)
    pytester.makepyfile(OTHER.replace("sys.argv[-1]", "'two'"))
    done = pytester.runpytest_subprocess(*options, timeout=60)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*ENDED -*", "*stdin, byte 0*"])
