"""What random programs could tell apart once: each lie that ``tests/fuzz`` has found, by itself."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from freezegun import freeze_time

from .audit import audited
from .harness import Parity
from .observe import outcome, until

SH = "/bin/sh"
_OS: Any = os

_TOLD = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.kill", "os.killpg"})


@contextmanager
def _audited() -> Iterator[list[tuple[str, str]]]:
    """The audit events of what is done inside, as far as they are about processes."""
    events: list[tuple[str, str]] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _TOLD:
            events.append((event, repr(arguments[1:] if event == "os.kill" else arguments)))

    with audited(hear):
        yield events


@contextmanager
def _on_sigchld(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGCHLD, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


# -- audit events ------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"shell": True}], ids=["plain", "shell"])
def test_words_are_audited_as_they_were_given(parity: Parity, options: dict[str, Any]) -> None:
    def body(folder: Path) -> Any:
        words = [Path("/bin/echo"), Path("x")]
        with _audited() as events:
            subprocess.run(words, capture_output=True, **options)
            subprocess.run(words, capture_output=True, check=False, pipesize=-1, **options)
            with subprocess.Popen(words, stdout=PIPE, **options) as child:
                child.communicate()
        # From 3.13 on CPython may take `posix_spawn` where no tape is active.
        return [event for event in events if event[0] == "subprocess.Popen"]

    assert "PosixPath" in parity(body)[0][1]
    assert parity.short_roads


def test_a_signal_is_audited(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _audited() as events:
            child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            with pytest.raises(OSError, match="Invalid"):
                os.kill(child.pid, 1000)
            child.kill()
            child.wait()
        return events

    assert parity(body)[1:] == [("os.kill", "(1000,)"), ("os.kill", "(9,)")]


def test_a_signal_to_a_group_is_audited(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sleep", "1000"], start_new_session=True) as child:
            with _audited() as events:
                os.killpg(child.pid, signal.SIGTERM)
            child.wait()
            return [name for name, _ in events], events[0][1] == repr((child.pid, 15)), child.returncode

    assert parity(body) == (["os.killpg"], True, -15)


def test_a_command_of_the_system_is_audited(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _audited() as events:
            code = os.system("exit 3")
        return code, events

    assert parity(body) == (3 << 8, [("os.system", "(b'exit 3',)")])


def test_posix_spawn_is_audited(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _audited() as events:
            pid = os.posix_spawn(SH, ["sh", "-c", "exit 3"], {"A": "1"})
            return os.waitpid(pid, 0)[1], events

    assert parity(body) == (3 << 8, [("os.posix_spawn", repr((SH, ["sh", "-c", "exit 3"], {"A": "1"})))])


# -- SIGCHLD -----------------------------------------------------------------------------------


def _posix_spawn() -> object:
    return outcome(os.posix_spawn, "/no/such", ["x"], {})


def _spawnv() -> object:
    return _OS.spawnv(os.P_WAIT, "/no/such", ["x"])


_NOT_STARTED: dict[str, Any] = {
    "run": lambda: outcome(subprocess.run, ["no-such-program"]),
    "cwd": lambda: outcome(subprocess.Popen, ["true"], cwd="/no/such"),
    "spawnv": _spawnv,
    "posix_spawn": pytest.param(
        _posix_spawn, marks=pytest.mark.skipif(sys.platform != "linux", reason="the kernel finds out")
    ),
}


@pytest.mark.parametrize("start", _NOT_STARTED.values(), ids=_NOT_STARTED)
def test_sigchld_of_what_could_not_be_started(parity: Parity, start: Callable[[], object]) -> None:
    def body(folder: Path) -> Any:
        caught: list[int] = []
        with _on_sigchld(lambda number, _: caught.append(number)):
            told = start()
            until(lambda: caught)
        return told, len(caught)

    assert parity(body)[1] == 1


def test_a_command_of_the_system_where_sigchld_is_ignored(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _on_sigchld(signal.SIG_IGN):
            return os.system("exit 3")

    assert parity(body) == -1


@pytest.mark.parametrize("form", ["run", "Popen", "cwd"])
def test_what_could_not_be_started_where_sigchld_is_ignored(parity: Parity, form: str) -> None:
    start: Callable[[], object] = {
        "run": lambda: subprocess.run(["no-such-program"], capture_output=True),
        "Popen": lambda: subprocess.Popen(["no-such-program"]),
        "cwd": lambda: subprocess.run(["true"], cwd="/no/such", stdout=PIPE),
    }[form]

    def body(folder: Path) -> Any:
        with _on_sigchld(signal.SIG_IGN), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.suppress(FileNotFoundError):
                start()
            gc.collect()
        # Nobody has been told how the copy ended that could not become the program.
        return [(one.category, re.sub(r"\d+", "N", str(one.message))) for one in caught]

    assert parity(body) == [(ResourceWarning, "subprocess N is still running")]


# -- wrong values, and warnings ----------------------------------------------------------------


def test_options_of_another_type(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            outcome(subprocess.run, ["true"], umask="x"),
            outcome(subprocess.run, ["true"], umask=1.5),
            outcome(subprocess.run, ["true"], process_group="x"),
        ]

    assert [type(error) for error in parity(body)] == [TypeError] * 3


def test_a_warning_of_a_buffer_under_a_mock_clock(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with freeze_time("2030-01-01"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            done = subprocess.run(["cat"], bufsize=1, input=b"abc", capture_output=True)
        return done.stdout, [(one.category, str(one.message), Path(one.filename).name) for one in caught]

    assert len(parity(body)[1]) == 3


def test_much_into_an_unbuffered_pipe_under_a_mock_clock(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "count"
        with freeze_time("2030-01-01"), path.open("wb") as file:
            # The only pipe: all goes to the file of it in one call, and nobody looks at how much that took.
            subprocess.run(["wc", "-c"], bufsize=0, input=b"x" * 100_000, stdout=file)
        return path.read_text()

    assert parity(body) == "100000\n"


def test_a_variable_without_a_name(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, ["true"], env={"": "1", "PATH": os.defpath})

    parity(body)


# -- input that nobody has taken ---------------------------------------------------------------


def test_an_input_that_is_left_by_a_child_that_pauses(parity: Parity) -> None:
    """Where the parent waits by then, the tape has a timeline for it: ``tests/unit/tape/test_unread.py``."""

    def body(folder: Path) -> Any:
        with freeze_time("2030-01-01"):
            command = ["sh", "-c", "exec <&-; sleep 0.02; echo x"]
            return subprocess.run(command, input=b"abc", stdout=PIPE).stdout

    assert parity(body) == b"x\n"
    assert '"stdin": {"any": true}' in parity.tape


def test_an_input_that_is_new_and_left_alone(parity: Parity) -> None:
    """What is recorded over a tape of the same command without one is not what that tape says."""
    parity(lambda folder: subprocess.run(["true"], stdout=PIPE).returncode)
    parity(lambda folder: subprocess.run(["true"], stdout=PIPE, input=b"abc").returncode)
    assert '"stdin": {"any": true}' in parity.tape


# -- a mock clock that is taken away while a child runs ----------------------------------------


def _started_under_a_clock(command: str) -> Any:
    with freeze_time("2030-01-01"):
        return subprocess.Popen(["sh", "-c", command], stdin=PIPE, stdout=PIPE)


_BEHIND: dict[str, tuple[str, Callable[[Any], object]]] = {
    "wait": ("sleep 0.02", lambda child: child.wait()),
    "timed wait": ("sleep 0.02", lambda child: child.wait(60)),
    "read": ("sleep 0.02; echo x", lambda child: child.stdout.read()),
    "read of nothing": ("sleep 0.02", lambda child: os.read(child.stdout.fileno(), 10)),
    "communicate": ("sleep 0.02; echo x", lambda child: child.communicate(timeout=60)),
    "dialog": (
        "cat",
        lambda child: (child.stdin.write(b"a\n"), child.stdin.flush(), child.stdout.readline()),
    ),
    "wait in vain": ("exec sleep 1000", lambda child: (outcome(child.wait, 0.02), child.kill())),
    "communicate in vain": (
        "exec sleep 1000",
        lambda child: (outcome(child.communicate, timeout=0.02), child.kill()),
    ),
    "kill": ("exec sleep 1000", lambda child: child.kill()),
    "another clock": (
        "sleep 0.02",
        lambda child: (child.wait(), _started_under_a_clock("exit 3").communicate()),
    ),
}


@pytest.mark.parametrize("name", _BEHIND)
def test_a_clock_that_is_taken_away_before_the_end(parity: Parity, name: str) -> None:
    command, use = _BEHIND[name]

    def body(folder: Path) -> Any:
        with _started_under_a_clock(command) as child:
            told = use(child)
        return told, child.returncode

    parity(body)
    assert all(entry["duration_ms"] < 60_000 for entry in json.loads(parity.tape)["entries"])
