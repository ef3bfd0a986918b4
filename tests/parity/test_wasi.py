"""A tool as a script and as a module: the parent sees the same, recording as well as replaying."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from pytest_proctape import intercept
from pytest_proctape.portable import Places
from pytest_proctape.session import RecordSession, ReplaySession, toolchain_of
from pytest_proctape.tape import TapeStore
from tests import toolchain
from tests.parity.harness import HANG_S, Holdings, deadline, settled
from tests.parity.observe import plain

pytest.importorskip("wasmtime")

SCRIPTS = {
    "hello": "os.write(1, b'hello\\n')",
    "fail": "os.write(1, b'hello\\n'); os.write(2, b'bad\\n'); sys.exit(7)",
    "cat": """
while data := os.read(0, 65536):
    while data:
        try:
            data = data[os.write(1, data):]
        except BrokenPipeError:
            sys.exit(32)
""",
    "args": """
name, *words = sys.argv
os.write(1, b"".join(os.fsencode(one) + b"\\0" for one in [os.path.basename(name), *words]))
""",
    "readfile": "os.write(1, open('hello.txt', 'rb').read())",
    "writefile": "open('made.txt', 'w').write('hello\\n'); os.close(1); os.write(2, b'bad\\n')",
    "isatty": """
for fd in (0, 1, 2, os.open("hello.txt", 0)):
    os.write(1, b"y" if os.isatty(fd) else b"n")
""",
    "upper": """
os.write(1, b'hello\\n')
while data := os.read(0, 65536):
    os.write(1, bytes(one - 32 if one > 96 else one for one in data))
sys.exit(5)
""",
    "patient": "import select; os.write(1, b'in\\n' if select.select([0], [], [], 3600)[0] else b'late\\n')",
    "yes": """
try:
    os.write(1, b'hello\\n')
    while True:
        os.write(1, bytes(4096))
except BrokenPipeError:
    sys.exit(32)
""",
}
Body = Callable[[Path], Any]


class Twins:
    """Runs one body with scripts and with modules."""

    def __init__(self, base: Path) -> None:
        self._base = base
        (base / "scripts").mkdir()
        for name, code in SCRIPTS.items():
            path = base / "scripts" / name
            path.write_text(f"#!{sys.executable} -IS\nimport os, sys\n{code}\n")
            path.chmod(0o755)
            toolchain.put(base / "modules", name)

    def __call__(self, body: Body) -> Any:
        """What the body has seen, the same with both."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(self._base / "scripts"))
            seen = self._run("with scripts", body, contextlib.nullcontext())
            patch.setenv("PATH", "")
            for kind in (RecordSession, ReplaySession):
                now = self._run(f"with modules and {kind.__name__}", body, self._virtual(kind))
                assert plain(now) == plain(seen)
        return seen

    def _run(self, what: str, body: Body, session: contextlib.AbstractContextManager[None]) -> Any:
        folder = self._base / "body"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with deadline(what, HANG_S):
            before = Holdings.now()
            with session:
                result = body(folder)
            # Wasmtime has threads for files, which come and go; tests/unit/wasi looks at ours.
            assert settled(replace(before, threads=before.threads + 10)) == [], what
        return result

    @contextlib.contextmanager
    def _virtual(self, kind: type[RecordSession | ReplaySession]) -> Iterator[None]:
        session = kind(TapeStore(self._base / "tapes"), "t.py::t", Places(), root=self._base)
        session.toolchain = toolchain_of(str(self._base / "modules"))
        intercept.install()
        try:
            with intercept.bound(session):
                yield
        finally:
            intercept.uninstall()
            refused = intercept.guard.collect()
            session.close()
        assert [*session.errors, *refused] == []
        assert all(spawn.virtual for spawn in session.spawns)


@pytest.fixture(scope="session")
def _warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wasmtime keeps descriptors for files, once a module has opened one."""
    folder = tmp_path_factory.mktemp("warm")
    (folder / "hello.txt").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        with Twins(folder)._virtual(ReplaySession):
            subprocess.run(["readfile"], cwd=folder, check=True)


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _warm: None) -> Twins:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Twins(tmp_path)


def test_run(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        (folder / "hello.txt").write_bytes(b"\xff\0content")
        return [
            subprocess.run(["hello"], capture_output=True),
            subprocess.run(["fail"], capture_output=True),
            subprocess.run(["fail"], stdout=PIPE, stderr=subprocess.STDOUT, text=True),
            subprocess.run(["fail"], stdout=subprocess.DEVNULL, stderr=PIPE, timeout=20),
            subprocess.run(["cat"], input=b"\xff\0" * 200_000, capture_output=True),
            subprocess.run(["cat"], stdin=subprocess.DEVNULL, capture_output=True),
            subprocess.run(["args", "", "a b", "\udcff"], capture_output=True),
            subprocess.run(["readfile"], cwd=folder, capture_output=True),
            subprocess.run(["writefile"], cwd=folder, capture_output=True),
            sorted(path.name for path in folder.iterdir()),
            (folder / "made.txt").read_bytes(),
        ]

    twins(body)


def test_input_that_is_waited_for_for_a_while(twins: Twins) -> None:
    async def in_loop() -> Any:
        child = await asyncio.create_subprocess_exec("patient", stdin=PIPE, stdout=PIPE)
        return await child.communicate(b"x")

    def body(folder: Path) -> Any:
        with subprocess.Popen(["patient"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            running = child.poll()
            child.stdin.write(b"x")
            said = child.stdout.read()
        return (
            running,
            said,
            child.returncode,
            subprocess.run(["patient"], input=b"x", stdout=PIPE),
            subprocess.run(["patient"], stdin=subprocess.DEVNULL, stdout=PIPE),
            asyncio.run(in_loop()),
        )

    assert twins(body)[:3] == (None, b"in\n", 0)


def test_files_as_streams(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        (folder / "in").write_bytes(b"one\ntwo\n")
        with (folder / "in").open("rb") as given, (folder / "out").open("wb") as taken:
            os.lseek(given.fileno(), 4, os.SEEK_SET)
            code = subprocess.run(["cat"], stdin=given, stdout=taken, stderr=taken).returncode
            where = os.lseek(given.fileno(), 0, os.SEEK_CUR)
            subprocess.run(["fail"], stdout=taken, stderr=taken)
        return code, where, (folder / "out").read_bytes()

    assert twins(body) == (0, 8, b"two\nhello\nbad\n")


def test_dialog(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["upper"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            seen: list[Any] = [child.stdout.readline(), child.poll()]
            for line in (b"one\n", b"two\n"):
                child.stdin.write(line)
                seen.append(child.stdout.readline())
            seen.append(child.poll())
            child.stdin.close()
            return seen, child.stdout.read(), child.wait()

    assert twins(body) == ([b"hello\n", None, b"ONE\n", b"TWO\n", None], b"", 5)


def test_pipeline(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        first = subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE)
        second = subprocess.Popen(["upper"], stdin=first.stdout, stdout=PIPE)
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdout.close()
        first.stdin.write(b"abc" * 1000)
        first.stdin.close()
        return second.communicate()[0], first.wait(), second.returncode

    assert twins(body) == (b"hello\n" + b"ABC" * 1000, 0, 5)


def test_a_reader_that_leaves(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["yes"], stdout=PIPE) as child:
            assert child.stdout is not None
            line = child.stdout.readline()
            child.stdout.close()
            return line, child.wait()

    assert twins(body) == (b"hello\n", 32)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGUSR1])
def test_signals_end_it(twins: Twins, number: int) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["upper"], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdout is not None
            line = child.stdout.readline()
            child.send_signal(signal.SIGWINCH)
            before = child.poll()
            child.send_signal(number)
            return line, before, child.wait(), child.stdout.read()

    # A script has a handler of SIGINT.
    code = "import os\nos.write(1, b'hello\\n')\nos.read(0, 1)"
    if number == signal.SIGINT:
        code = f"import signal\nsignal.signal(2, signal.SIG_DFL)\n{code}"
    (twins._base / "scripts" / "upper").write_text(f"#!{sys.executable} -IS\n{code}\n")
    assert twins(body) == (b"hello\n", None, -number, b"")


def test_stopping_and_going_on(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["upper"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            seen: list[Any] = [child.stdout.readline()]
            child.send_signal(signal.SIGSTOP)
            seen.append(os.WSTOPSIG(os.waitpid(child.pid, os.WUNTRACED)[1]))
            child.stdin.write(b"abc\n")
            child.send_signal(signal.SIGCONT)
            seen.append(os.WIFCONTINUED(os.waitpid(child.pid, os.WCONTINUED)[1]))
            seen.append(child.stdout.readline())
            child.stdin.close()
            return seen, child.wait()

    assert twins(body) == ([b"hello\n", signal.SIGSTOP, True, b"ABC\n"], 5)


def test_time_outs(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        seen: list[Any] = []
        with subprocess.Popen(["upper"], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdout is not None
            seen.append(child.stdout.readline())
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.05)
            child.kill()
            seen.append(child.wait())
        reader, writer = os.pipe()
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(["upper"], stdin=reader, stdout=PIPE, timeout=0.5)
        os.close(reader)
        os.close(writer)
        return seen

    assert twins(body) == [b"hello\n", -9]


def test_a_thread_that_feeds(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            stdin = child.stdin

            def feed() -> None:
                with stdin:
                    for number in range(100):
                        stdin.write(b"%d\n" % number * 1000)

            feeder = threading.Thread(target=feed)
            feeder.start()
            data = child.stdout.read()
            feeder.join()
            return len(data), data[-3:], child.wait()

    twins(body)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="there are process descriptors on Linux only")
def test_ways_to_wait(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        seen: list[Any] = []
        nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
        pid = os.posix_spawnp("fail", ["fail"], os.environ, file_actions=[nowhere])
        seen.append(os.waitpid(pid, 0)[1])
        seen.append(os.spawnvp(os.P_WAIT, "fail", ["fail"]))  # type: ignore[deprecated]
        with subprocess.Popen(["upper"], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            fd = os.pidfd_open(child.pid)
            seen.append(select.select([fd], [], [], 0)[0])
            child.stdin.close()
            seen.append(select.select([fd], [], [], 20)[0] == [fd])
            told = os.waitid(os.P_PIDFD, fd, os.WEXITED)
            assert told is not None
            seen.append((told.si_code, told.si_status))
            os.close(fd)
        return seen

    twins(body)


def test_asyncio(twins: Twins) -> None:
    async def dialog() -> Any:
        child = await asyncio.create_subprocess_exec("upper", stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        seen = [await child.stdout.readline()]
        child.stdin.write(b"abc\n")
        seen.append(await child.stdout.readline())
        child.stdin.close()
        return seen, await child.wait()

    async def many() -> Any:
        children = [await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE) for _ in range(4)]
        return await asyncio.gather(*(child.communicate(b"x" * 100_000) for child in children))

    async def given_up() -> Any:
        child = await asyncio.create_subprocess_exec("upper", stdin=PIPE, stdout=PIPE)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(child.wait(), 0.05)
        child.terminate()
        return await child.wait()

    async def all_of_them() -> Any:
        return await dialog(), await many(), await given_up()

    assert twins(lambda folder: asyncio.run(all_of_them()))[0] == ([b"hello\n", b"ABC\n"], 5)


def test_who_is_a_terminal(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        (folder / "hello.txt").touch()
        master, slave = os.openpty()
        for streams in ({"stdin": slave, "stdout": slave}, {"stdout": slave, "stderr": slave}):
            given: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            given |= streams
            with subprocess.Popen(["isatty"], **given, cwd=folder) as child:
                child.wait()
        piped: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), PIPE)
        with subprocess.Popen(["isatty"], **piped, cwd=folder) as child:
            said = child.communicate()[0]
        seen = b""
        while len(seen) < 8:
            seen += os.read(master, 100)
        os.close(slave)
        os.close(master)
        return seen, said

    assert twins(body) == (b"yynnnyyn", b"nnnn")


def test_several_threads(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        seen: list[Any] = []

        def many() -> None:
            for _ in range(5):
                done = subprocess.run(["fail"], capture_output=True)
                seen.append((done.returncode, done.stdout, done.stderr))

        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen

    assert twins(body) == [(7, b"hello\n", b"bad\n")] * 20


def test_a_fork_beside_it(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["upper"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            seen: list[Any] = [child.stdout.readline()]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if not pid:
                os._exit(3)
            seen.append(os.waitpid(pid, 0)[1])
            child.stdin.write(b"abc\n")
            seen.append(child.stdout.readline())
            child.stdin.close()
            return seen, child.wait()

    assert twins(body) == ([b"hello\n", 3 << 8, b"ABC\n"], 5)


def test_a_copy_that_becomes_it(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            try:
                os.dup2(writer, 1)
                os.dup2(writer, 2)
                os.execvp("fail", ["fail"])
            finally:
                os._exit(99)
        os.close(writer)
        with open(reader, "rb") as said:
            return said.read(), os.waitpid(pid, 0)[1]

    assert twins(body) == (b"hello\nbad\n", 7 << 8)


def test_on_a_terminal(twins: Twins) -> None:
    def body(folder: Path) -> Any:
        master, slave = os.openpty()
        with subprocess.Popen(["upper"], stdin=slave, stdout=slave, stderr=slave) as child:
            seen = [os.read(master, 100)]
            os.write(master, b"abc\n")
            while not seen[-1].endswith(b"ABC\r\n"):
                seen.append(os.read(master, 100))
            os.write(master, b"\4")
            code = child.wait()
        os.close(slave)
        os.close(master)
        return b"".join(seen), code

    assert twins(body) == (b"hello\r\nabc\r\nABC\r\n", 5)
