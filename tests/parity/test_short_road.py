"""``subprocess.run`` and its kin: what the short road shows, and what it leaves to the general one."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pytest_proctape import use_tape
from pytest_proctape.child import GUARDIAN
from tests.patience import patiently

from .audit import audited
from .harness import Holdings, Parity, settled

_BOTH = "echo out; echo err >&2; exit 3"


def _plainly(done: subprocess.CompletedProcess[Any]) -> list[object]:
    return [done.args, done.returncode, done.stdout, done.stderr]


_TAKEN: dict[str, Callable[[], Any]] = {
    "captured": lambda: subprocess.run(["sh", "-c", _BOTH], capture_output=True),
    "text": lambda: subprocess.run(["sh", "-c", _BOTH], capture_output=True, text=True),
    "newlines": lambda: subprocess.run(["printf", "a\\r\\nb\\rc\\n"], stdout=subprocess.PIPE, text=True),
    "latin": lambda: subprocess.run(["printf", "\\344"], stdout=subprocess.PIPE, encoding="latin-1"),
    "replaced": lambda: subprocess.run(["printf", "\\377"], stdout=subprocess.PIPE, errors="replace"),
    "together": lambda: subprocess.run(["sh", "-c", _BOTH], stdout=subprocess.PIPE, stderr=subprocess.STDOUT),
    "discarded": lambda: subprocess.run(
        ["sh", "-c", _BOTH], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ),
    "all discarded": lambda: subprocess.run(
        ["sh", "-c", _BOTH], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ),
    "discarded together": lambda: subprocess.run(
        ["sh", "-c", _BOTH], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ),
    "discarded with input": lambda: subprocess.run(
        ["sh", "-c", "read x; echo $x"], input=b"a\nb\n", stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ),
    "input": lambda: subprocess.run(["cat"], input=b"a\0b", capture_output=True),
    "text input": lambda: subprocess.run(["cat"], input="\xe4\n", capture_output=True, encoding="utf-8"),
    "no input": lambda: subprocess.run(["cat"], stdin=subprocess.DEVNULL, capture_output=True),
    "empty input": lambda: subprocess.run(["cat"], input=b"", capture_output=True),
    "closed input": lambda: subprocess.run(["cat"], stdin=subprocess.PIPE, capture_output=True),
    "much": lambda: subprocess.run(["head", "-c", "300000", "/dev/zero"], capture_output=True),
    "much input": lambda: subprocess.run(["cat"], input=b"x" * 300_000, capture_output=True),
    "input unread": lambda: subprocess.run(["true"], input=b"abc", capture_output=True),
    "shell": lambda: subprocess.run(_BOTH, shell=True, capture_output=True),
    "shell with words": lambda: subprocess.run(["echo $0", "word"], shell=True, capture_output=True),
    "environment": lambda: subprocess.run(
        ["sh", "-c", "echo $A"], env={"A": "1", "PATH": os.defpath}, capture_output=True
    ),
    "timeout": lambda: subprocess.run(["echo", "x"], timeout=60, capture_output=True),
    "a path": lambda: subprocess.run([Path("/bin/echo"), "x"], capture_output=True),
    "a tuple": lambda: subprocess.run(("echo", "x"), capture_output=True),
    "one word": lambda: subprocess.run("true", capture_output=True),
    "a signal": lambda: subprocess.run(["sh", "-c", "kill -9 $$"], capture_output=True),
}


@pytest.mark.parametrize("name", _TAKEN)
def test_run(parity: Parity, name: str) -> None:
    # Whether a child has ended before its input comes, and how much it has taken when it does, is chance.
    parity.compares_tapes = name not in {"discarded with input", "input unread", "much input"}
    parity(lambda folder: _plainly(_TAKEN[name]()))
    assert parity.short_roads == 1
    assert parity.heard == (name != "much input")


_OTHERS: dict[str, Callable[[], Any]] = {
    "check_output": lambda: subprocess.check_output(["echo", "x"]),
    "getoutput": lambda: subprocess.getstatusoutput("echo x; exit 2"),
    "call": lambda: subprocess.call(["sh", "-c", "exit 4"], stdout=subprocess.DEVNULL),
    "check_call": lambda: subprocess.check_call(["true"]),
    "call in time": lambda: subprocess.call(["true"], timeout=60),
}


@pytest.mark.parametrize("call", _OTHERS.values(), ids=_OTHERS)
def test_what_calls_run_or_popen_in_the_same_way(parity: Parity, call: Callable[[], Any]) -> None:
    parity(lambda folder: call())
    assert parity.short_roads == 1


_RAISING: dict[str, Callable[[], Any]] = {
    "check": lambda: subprocess.run(["sh", "-c", _BOTH], capture_output=True, check=True),
    "no text": lambda: subprocess.run(["printf", "\\377"], capture_output=True, encoding="utf-8"),
    # It is killed for it, and must not have come to its end by chance before.
    "no text in one stream": lambda: subprocess.run(
        ["sh", "-c", r"printf '\377'; exec >&-; exec sleep 100"], stdout=subprocess.PIPE, encoding="utf-8"
    ),
    "no program": lambda: subprocess.run(["/no/such/program"], capture_output=True),
    "no directory": lambda: subprocess.run(["true"], cwd="/no/such/directory", capture_output=True),
    "input of another kind": lambda: subprocess.run(["cat"], input="text", capture_output=True),
    "a null byte": lambda: subprocess.run(["echo", "a\0b"], capture_output=True),
    "a bad variable": lambda: subprocess.run(["true"], env={"A=B": "1"}, capture_output=True),
    "no words": lambda: subprocess.run([], capture_output=True),
    "call in vain": lambda: subprocess.check_call(["false"]),
}


@pytest.mark.parametrize("call", _RAISING.values(), ids=_RAISING)
def test_errors(parity: Parity, call: Callable[[], Any]) -> None:
    def body(folder: Path) -> list[object]:
        try:
            call()
        except Exception as raised:
            error = raised
        else:
            pytest.fail("nothing was raised")
        shown = [getattr(error, name, None) for name in ("returncode", "stdout", "stderr", "errno", "object")]
        return [type(error).__name__, str(error), *shown]

    parity.compares_tapes = True
    parity(body)


def test_audit_events(parity: Parity) -> None:
    heard: list[tuple[str, object]] = []
    mine = threading.get_ident()

    def hear(event: str, args: tuple[object, ...]) -> None:
        if threading.get_ident() == mine and (event == "subprocess.Popen" or args[:1] == (os.devnull,)):
            heard.append((event, args))

    def body(folder: Path) -> list[object]:
        heard.clear()
        with audited(hear):
            subprocess.run(["echo", "x"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={"A": "1"})
        return list(heard)

    assert len(parity(body)) == 2
    assert parity.short_roads == 1


def test_a_function_that_is_watched_is_called(parity: Parity) -> None:
    def body(folder: Path) -> int:
        with mock.patch.object(os, "pipe", wraps=os.pipe) as pipe:
            subprocess.run(["true"], capture_output=True)
        return int(pipe.call_count > 0)

    assert parity(body) == 1
    assert parity.short_roads == 0


def test_a_subclass_goes_its_own_way(parity: Parity) -> None:
    class Own(subprocess.Popen[bytes]):
        pass

    def body(folder: Path) -> list[object]:
        with mock.patch.object(subprocess, "Popen", Own):
            return _plainly(subprocess.run(["echo", "x"], capture_output=True))

    parity(body)
    assert parity.short_roads == 0


def test_in_threads(parity: Parity) -> None:
    def body(folder: Path) -> list[bytes]:
        found: list[bytes] = []

        def work() -> None:
            found.append(subprocess.run(["echo", "x"], capture_output=True).stdout)

        for _ in range(3):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        return found

    parity(body)
    assert parity.short_roads == 3


# -- what a recording by it meets ---------------------------------------------------------------


def _outcome(call: Callable[[], subprocess.CompletedProcess[Any]]) -> list[object]:
    try:
        return _plainly(call())
    except subprocess.TimeoutExpired as error:
        return [type(error), error.timeout, error.stdout, error.stderr]


def test_a_timeout_that_expires(parity: Parity) -> None:
    def body(folder: Path) -> list[object]:
        command = ["sh", "-c", "echo out; exec sleep 60"]

        def attempt(limit_s: float) -> list[object]:
            raised, told_s, *said = _outcome(
                lambda: subprocess.run(command, capture_output=True, timeout=limit_s)
            )
            return [raised, told_s == limit_s, *said]

        return patiently(attempt, lambda seen: seen[2] == b"out\n", 0.3)

    assert parity(body) == [subprocess.TimeoutExpired, True, b"out\n", None]
    assert parity.heard


def test_a_timeout_behind_closed_outputs(parity: Parity) -> None:
    def body(folder: Path) -> list[object]:
        command = ["sh", "-c", "exec sleep 60 >&-"]
        try:
            subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=0.5)
        except subprocess.TimeoutExpired as error:
            return [error.stdout, error.stderr]
        return []

    assert parity(body) == [None, None]
    assert parity.heard == 1


def test_what_it_has_started_holds_its_outputs(parity: Parity) -> None:
    def body(folder: Path) -> list[object]:
        command = ["sh", "-c", "(sleep 0.2; echo late) & echo early"]
        return _outcome(lambda: subprocess.run(command, capture_output=True))

    assert parity(body)[2] == b"early\nlate\n"
    assert parity.heard == 1


def test_an_output_that_is_the_tests_own(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> list[object]:
        return [subprocess.check_output(["sh", "-c", "echo out; echo err >&2"]), capfd.readouterr().err]

    assert parity(body) == [b"out\n", "err\n"]
    assert parity.heard == 1


def test_an_input_that_is_a_file(parity: Parity) -> None:
    def body(folder: Path) -> list[object]:
        kept = os.dup(0)
        try:
            with (folder / "input").open("w+b") as file:
                file.write(b"a\nb\n")
                file.seek(0)
                os.dup2(file.fileno(), 0)
                return _outcome(lambda: subprocess.run(["cat"], capture_output=True))
        finally:
            os.dup2(kept, 0)
            os.close(kept)

    assert parity(body)[2] == b"a\nb\n"
    assert parity.heard == 1


def test_descriptors_that_were_closed_are_used_again(parity: Parity) -> None:
    def body(folder: Path) -> list[object]:
        kept = os.dup(0)
        os.close(0)
        try:
            return _outcome(lambda: subprocess.run(["echo", "x"], capture_output=True))
        finally:
            os.dup2(kept, 0)
            os.close(kept)

    assert parity(body)[2] == b"x\n"


@pytest.mark.parametrize("room", range(1, 8))
def test_no_room_for_descriptors(tmp_path: Path, room: int) -> None:
    """What other tests have left may be closed in the middle of this one; what this one holds is not."""

    def body() -> int | None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        first = os.open(os.devnull, os.O_RDONLY)
        os.close(first)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first + room, limits[1]))
        try:
            subprocess.run(["true"], capture_output=True)
        except OSError as error:
            return error.errno
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        return None

    # There is one for the whole process.
    GUARDIAN.engage()
    before = Holdings.now()
    with use_tape(tmp_path / "tape.json", mode="record"), (tmp_path / "held").open("w") as held:
        subprocess.run(["true"], capture_output=True)
        seen = body()
        assert os.fstat(held.fileno()).st_ino == (tmp_path / "held").stat().st_ino
    assert [leak for leak in settled(before) if not leak.startswith("closed")] == []
    assert seen in (None, errno.EMFILE)
    assert seen == errno.EMFILE or room > 3


_NO_PROGRAMS = {
    "nothing there": ["/no/such/program"],
    "not on the path": ["no-such-program-at-all"],
    "no program": ["/etc/passwd"],
    "a directory": ["/etc"],
}


@pytest.mark.parametrize("command", _NO_PROGRAMS.values(), ids=_NO_PROGRAMS)
@pytest.mark.parametrize("cwd", [None, "/", "/no/such/directory"])
def test_what_can_not_be_started(parity: Parity, command: list[str], cwd: str | None) -> None:
    def body(folder: Path) -> list[object]:
        try:
            subprocess.run(command, cwd=cwd, capture_output=True)
        except OSError as error:
            return [type(error), str(error), error.errno, error.filename]
        return []

    assert parity(body)
    assert parity.heard == 1
