"""Progress while recording: which command is running, on a terminal, and nothing of it left behind."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_proctape
from pytest_proctape.progress import told
from tests.options.project import Project

SUITE = """
    import os, subprocess, sys
    import pytest

    @pytest.fixture
    def waiting():
        subprocess.run(["sh", "-c", "until test -e setup; do sleep 0.01; done"])

    def test_it(tape, waiting):
        print("captured")
        subprocess.run(["sh", "-c", "until test -e call; do sleep 0.01; done"])
        sys.stdout.flush()
        os.write(1, b"written\\n")

    def test_next(tape, capfd):
        subprocess.run(["echo", "quick"])
        assert capfd.readouterr() == ("quick\\n", "")
"""
DRAWN = re.compile(rb"\x1b7\x1b\[K(.*?)\x1b8")


class Terminal:
    """Pytest in a terminal of its own."""

    def __init__(self, project: Project, *args: str, columns: int = 80, stdin: bool = False) -> None:
        self.path = project.path
        self.output = b""
        self._master, slave = pty.openpty()
        source = str(Path(pytest_proctape.__file__).parents[1])
        env = {**os.environ, "PYTHONPATH": source, "TERM": "xterm", "COLUMNS": str(columns)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "pytest_proctape.plugin", "--color=no", *args],
            cwd=project.path,
            env=env,
            stdin=slave if stdin else subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def read_until(self, pattern: bytes) -> None:
        """Read on until ``pattern`` has been drawn, or to the end."""
        while not re.search(pattern, self.output):
            if not select.select([self._master], [], [], 60)[0]:
                raise AssertionError(f"{pattern!r} is not in {self.output!r}")
            try:
                data = os.read(self._master, 65536)
            except OSError:
                # Linux says so when the other side is closed.
                data = b""
            if not data:
                return
            self.output += data

    def type(self, line: str) -> None:
        """What somebody types."""
        os.write(self._master, line.encode() + b"\n")

    def go(self, name: str) -> None:
        """Let the command go on that waits for this file."""
        (self.path / name).touch()

    def close(self) -> None:
        """Let it end."""
        for name in ("setup", "call"):
            self.go(name)
        self.read_until(rb"(?!)")
        os.close(self._master)
        assert self.process.wait(60) in (0, 1)

    @property
    def drawn(self) -> list[bytes]:
        """What the live part of the line said, one after the other."""
        return DRAWN.findall(self.output)


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(SUITE)
    project.write(
        "import pytest_proctape.progress\n\npytest_proctape.progress.INTERVAL_S = 0.01", "conftest.py"
    )
    return project


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_the_command_that_runs_is_shown_and_erased(suite: Project, terminals: list[Terminal]) -> None:
    terminal = Terminal(suite, "--record-tapes", "-rP")
    terminals.append(terminal)
    terminal.read_until(rb"until test -e setup; do sleep 0.01; done' \d+ s\x1b8")
    terminal.go("setup")
    terminal.read_until(rb"until test -e call; do sleep 0.01; done' \d+ s\x1b8")
    terminal.close()
    assert terminal.process.returncode == 0
    assert b"test_it.py ..        " in DRAWN.sub(b"", terminal.output).replace(b"\x1b[K", b"")
    # What is left of it is erased before pytest goes on.
    assert b"\x1b8\x1b[K." in terminal.output
    end = terminal.output[terminal.output.rindex(b"\x1b[K") :].replace(b"\r", b"")
    assert b"-\ncaptured\nwritten\n-" in end
    assert b"until test" not in end
    assert suite.commands() == [
        "sh -c until test -e setup; do sleep 0.01; done",
        "sh -c until test -e call; do sleep 0.01; done",
    ]


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_it_fits_behind_what_is_on_the_line(suite: Project, terminals: list[Terminal], columns: int) -> None:
    terminal = Terminal(suite, "--record-tapes", columns=columns)
    terminals.append(terminal)
    terminal.read_until(rb" s\x1b8")
    terminal.close()
    before = len("test_it.py ")
    assert terminal.drawn
    assert all(before + len(text) < columns for text in terminal.drawn)


@pytest.mark.parametrize(
    "flags",
    [
        ("--record-tapes", "-q"),
        ("--record-tapes", "-s"),
        ("--record-tapes", "--setup-show"),
        ("--record-tapes", "-o", "log_cli=true"),
        ("--live-tapes",),
        ("--record-tapes", "-p", "xdist", "-n", "1"),
    ],
    ids=lambda flags: flags[-1],
)
def test_where_it_would_be_in_the_way_there_is_none(
    suite: Project, terminals: list[Terminal], flags: tuple[str, ...]
) -> None:
    if "xdist" in flags:
        pytest.importorskip("xdist")
    for name in ("setup", "call"):
        (suite.path / name).touch()
    terminal = Terminal(suite, *flags)
    terminals.append(terminal)
    terminal.close()
    assert terminal.drawn == []


def test_without_a_terminal_there_is_none(suite: Project) -> None:
    for name in ("setup", "call"):
        (suite.path / name).touch()
    result = suite.run_apart("--record-tapes")
    result.assert_outcomes(passed=2)
    assert "\x1b" not in result.stdout.str()


def test_a_debugger_has_the_terminal_for_itself(suite: Project, terminals: list[Terminal]) -> None:
    suite.write(
        """
        import subprocess, time

        def test_it(tape):
            child = subprocess.Popen(["sh", "-c", "until test -e call; do sleep 0.01; done"])
            breakpoint()
            child.wait()
        """
    )
    terminal = Terminal(suite, "--record-tapes", stdin=True)
    terminals.append(terminal)
    terminal.read_until(rb"\(Pdb\) ")
    prompted = len(terminal.output)
    # Time enough for many looks.
    terminal.type("print(sum(time.sleep(0.01) or 1 for _ in range(50)) * 1000)")
    terminal.read_until(rb"50000\r\n\(Pdb\) ")
    assert b"\x1b7" not in terminal.output[prompted:]
    terminal.type("continue")
    terminal.read_until(rb"PDB continue[^\0]*\x1b8")
    assert b"\x1b8" in terminal.output.partition(b"PDB continue")[2]
    terminal.close()
    assert terminal.process.returncode == 0, terminal.output.decode()


def test_forks_and_descriptors_and_threads_are_the_tests_own(
    project: Project, terminals: list[Terminal]
) -> None:
    project.write(
        """
        import os, subprocess, threading

        def test_it(tape):
            threads = threading.active_count()
            subprocess.run(["true"])
            pid = os.fork()
            if not pid:
                os._exit(3)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
            assert threading.active_count() == threads
        """
    )
    terminal = Terminal(project, "--record-tapes", "-W", "error")
    terminals.append(terminal)
    terminal.close()
    assert terminal.process.returncode == 0, terminal.output.decode()


@pytest.mark.parametrize(
    "elapsed_s, room, text",
    [
        (0, 40, " git clone https://example.org 0 s"),
        (59, 40, " git clone https://example.org 59 s"),
        (75, 45, " git clone https://example.org 1:15 min"),
        (3, 20, " git clone ht... 3 s"),
    ],
)
def test_the_text_fits(elapsed_s: int, room: int, text: str) -> None:
    assert told("git clone https://example.org", elapsed_s * 10**9, room) == text
    assert len(text) <= room
