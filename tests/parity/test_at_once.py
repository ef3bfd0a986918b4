"""A ``Popen`` whose child says a little and ends: what it is spared on replay can't be told from none."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any
from unittest import mock

import pytest

from .audit import audited
from .harness import Parity
from .observe import outcome, until

_BOTH = ["sh", "-c", "echo out; echo err >&2; exit 3"]


def _communicated(*args: Any, **options: Any) -> Any:
    child = subprocess.Popen(*args, **options)
    said = child.communicate()
    # A second time it gives the same where two streams were read, and refuses where there was one.
    return said, outcome(child.communicate), child.returncode, child.poll(), child.wait()


_TAKEN: dict[str, Callable[[], Any]] = {
    "both": lambda: _communicated(_BOTH, stdout=PIPE, stderr=PIPE),
    "text": lambda: _communicated(_BOTH, stdout=PIPE, stderr=PIPE, text=True),
    "newlines": lambda: _communicated(
        ["printf", "a\\r\\nb\\rc\\n"], stdout=PIPE, stderr=PIPE, encoding="latin-1"
    ),
    "one": lambda: _communicated(["echo", "x"], stdout=PIPE),
    "together": lambda: _communicated(_BOTH, stdout=PIPE, stderr=STDOUT),
    "discarded": lambda: _communicated(_BOTH, stdout=DEVNULL, stderr=PIPE),
    "all discarded": lambda: _communicated(_BOTH, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL),
    "no input": lambda: _communicated(["cat"], stdin=DEVNULL, stdout=PIPE, stderr=PIPE),
    "nothing": lambda: _communicated(["true"]),
    "much": lambda: _communicated(["head", "-c", "60000", "/dev/zero"], stdout=PIPE, stderr=PIPE),
    "shell": lambda: _communicated("echo x; exit 2", shell=True, stdout=PIPE, stderr=PIPE),
    "environment": lambda: _communicated(
        ["sh", "-c", "echo $A"], env={"A": "1", "PATH": os.defpath}, stdout=PIPE, stderr=PIPE
    ),
    "elsewhere": lambda: _communicated(["pwd"], cwd="/", stdout=PIPE, stderr=PIPE),
    "unbuffered": lambda: _communicated(["echo", "x"], bufsize=0, stdout=PIPE, stderr=PIPE),
}


@pytest.mark.parametrize("call", _TAKEN.values(), ids=_TAKEN)
def test_communicate(parity: Parity, call: Callable[[], Any]) -> None:
    parity(lambda folder: call())
    assert parity.at_once == 1


def test_what_was_read_before_is_not_read_again(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        child = subprocess.Popen(["printf", "one\\ntwo\\n"], stdout=PIPE, stderr=PIPE)
        assert child.stdout is not None
        first = os.read(child.stdout.fileno(), 4)
        return first, child.communicate()

    assert parity(body) == (b"one\n", (b"two\n", b""))
    assert parity.at_once == 1


def test_descriptors_have_the_numbers_that_they_have(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "file").touch()
        base = os.open(folder / "file", os.O_RDONLY)
        os.close(base)
        with subprocess.Popen(_BOTH, stdout=PIPE, stderr=PIPE) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            between = os.open(folder / "file", os.O_RDONLY)
            os.close(between)
            numbers = [child.stdout.fileno(), child.stderr.fileno(), between]
            kinds = [type(child.stdout), child.stdout.name == child.stdout.fileno(), child.stdout.mode]
            return [one - base for one in numbers], kinds, child.stdout.read(), list(child.stderr)

    parity(body)
    assert parity.at_once == 1


def test_several_at_a_time(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        children = [subprocess.Popen(["sh", "-c", f"exit {code}"]) for code in (1, 2, 3)]
        codes = [child.wait(timeout=60) for child in reversed(children)]
        return codes, [child.poll() for child in children], len({child.pid for child in children})

    assert parity(body) == ([3, 2, 1], [1, 2, 3], 3)
    assert parity.at_once == 3


def test_it_is_reaped_by_somebody_else(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        child = subprocess.Popen(["sh", "-c", "exit 4"])
        status = os.waitpid(child.pid, 0)[1]
        return status, child.wait(), type(outcome(os.waitpid, child.pid, 0)).__name__

    assert parity(body) == (4 << 8, 0, "ChildProcessError")


def test_who_handles_sigchld_is_told(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        told: list[int] = []
        before = signal.signal(signal.SIGCHLD, lambda number, _: told.append(number))
        try:
            subprocess.Popen(["true"]).wait()
            until(lambda: told)
        finally:
            signal.signal(signal.SIGCHLD, before)
        return told

    assert parity(body) == [signal.SIGCHLD]
    assert parity.at_once == 1


def test_who_ignores_sigchld_finds_no_status(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            return subprocess.Popen(["sh", "-c", "exit 3"]).wait()
        finally:
            signal.signal(signal.SIGCHLD, before)

    assert parity(body) == 0


def test_a_subclass_is_spared_as_much(parity: Parity) -> None:
    class Own(subprocess.Popen[bytes]):
        pass

    def body(folder: Path) -> Any:
        with Own(_BOTH, stdout=PIPE, stderr=PIPE) as child:
            return child.communicate(), child.returncode

    parity(body)
    assert parity.at_once == 1


@pytest.mark.parametrize("name", ["pipe", "get_exec_path", "fsencode"])
def test_a_function_that_is_watched_is_called(parity: Parity, name: str) -> None:
    def body(folder: Path) -> bool:
        with mock.patch.object(os, name, wraps=getattr(os, name)) as watched:
            subprocess.Popen(["true"]).wait()
        return bool(watched.call_count)

    assert parity(body)


def test_a_selector_of_the_tests_own_is_used(parity: Parity) -> None:
    def body(folder: Path) -> int:
        real = subprocess._PopenSelector  # type: ignore[attr-defined]
        with mock.patch.object(subprocess, "_PopenSelector", wraps=real) as selector:
            _communicated(_BOTH, stdout=PIPE, stderr=PIPE)
        return int(selector.call_count)

    assert parity(body) == 2


def test_audit_events(parity: Parity) -> None:
    heard: list[tuple[object, ...]] = []

    def hear(event: str, args: tuple[object, ...]) -> None:
        if event == "subprocess.Popen":
            heard.append(args)

    def body(folder: Path) -> Any:
        heard.clear()
        with audited(hear):
            subprocess.Popen(("echo", "x"), stdout=PIPE, cwd="/", env={"A": "1"}).communicate()
        return list(heard)

    assert parity(body) == [("echo", ["echo", "x"], "/", {"A": "1"})]
    assert parity.at_once == 1


_OTHERS: dict[str, Callable[[], Any]] = {
    "no program": lambda: subprocess.Popen(["/no/such/program"], stdout=PIPE),
    "no directory": lambda: subprocess.Popen(["true"], cwd="/no/such/directory"),
    "a bad variable": lambda: subprocess.Popen(["true"], env={"A=B": "1"}),
    "a null byte": lambda: subprocess.Popen(["echo", "a\0b"]),
    "no words": lambda: subprocess.Popen([]),
}


@pytest.mark.parametrize("call", _OTHERS.values(), ids=_OTHERS)
def test_errors(parity: Parity, call: Callable[[], Any]) -> None:
    assert isinstance(parity(lambda folder: outcome(call)), Exception)
    assert parity.at_once == 0
