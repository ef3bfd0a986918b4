"""The roads to a child that lead past ``subprocess``."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome, python

SH = "/bin/sh"
ROADS: Any = os
"""Typeshed calls `os.spawn*` and `os.popen` deprecated."""


# -- os.system and os.popen --------------------------------------------------------------------


def test_system(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        statuses = [
            os.system(command)
            for command in (
                "echo hello",
                "exit 3",
                "echo oops >&2; kill -9 $$",
                "",
                "no-such-program-anywhere 2>&1",
            )
        ]
        return statuses[:-1], os.waitstatus_to_exitcode(statuses[-1]), capfd.readouterr()[:2][0][:6]

    assert parity(body) == ([0, 3 << 8, 9, 0], 127, "hello\n")


def test_system_takes_bytes_and_paths(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [outcome(os.system, command) for command in (b"exit 1", Path("true"), 3, "nul\0")]

    assert parity(body)[:2] == [256, 0]


def test_popen_reads(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with ROADS.popen("echo one; echo two; exit 2") as stream:
            lines = list(stream)
        failing = ROADS.popen("exit 3")
        return lines, failing.read(), failing.close(), ROADS.popen("true").close()

    assert parity(body) == (["one\n", "two\n"], "", 3 << 8, None)


def test_popen_writes(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        stream = ROADS.popen("cat; exit 4", "w")
        stream.write("to a child\n")
        return stream.close(), capfd.readouterr().out

    assert parity(body) == (4 << 8, "to a child\n")


# -- os.spawn* ---------------------------------------------------------------------------------


def test_every_spawn_that_waits(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        env = {**os.environ, "CODE": "7"}
        script = ["sh", "-c", "exit ${CODE:-3}"]
        return [
            ROADS.spawnv(os.P_WAIT, SH, script),
            ROADS.spawnve(os.P_WAIT, SH, script, env),
            ROADS.spawnvp(os.P_WAIT, "sh", script),
            ROADS.spawnvpe(os.P_WAIT, "sh", script, env),
            ROADS.spawnl(os.P_WAIT, SH, *script),
            ROADS.spawnle(os.P_WAIT, SH, *script, env),
            ROADS.spawnlp(os.P_WAIT, "sh", *script),
            ROADS.spawnlpe(os.P_WAIT, "sh", *script, env),
        ]

    assert parity(body) == [3, 7] * 4


def test_spawn_without_waiting(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pids = [ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {code}") for code in (1, 2, 3)]
        return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in reversed(pids)]

    assert parity(body) == [3, 2, 1]


def test_spawn_and_a_signal(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        waited = ROADS.spawnlp(os.P_WAIT, "sh", "sh", "-c", "kill -15 $$")
        pid = ROADS.spawnlp(os.P_NOWAIT, "sleep", "sleep", "100")
        os.kill(pid, signal.SIGKILL)
        return waited, os.waitpid(pid, 0)[1]

    assert parity(body) == (-15, 9)


def test_spawned_output_is_inherited(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        ROADS.spawnlp(os.P_WAIT, "sh", "sh", "-c", "echo out; echo err >&2")
        return tuple(capfd.readouterr())

    assert parity(body) == ("out\n", "err\n")


# -- os.posix_spawn ----------------------------------------------------------------------------


def _spawned(path: str, argv: list[str], **kwargs: Any) -> int:
    pid = os.posix_spawn(path, argv, os.environ, **kwargs)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_posix_spawn(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        codes = [_spawned(SH, ["sh", "-c", command]) for command in ("echo hi", "exit 9", "kill -9 $$")]
        pid = os.posix_spawnp("sh", ["sh", "-c", 'exit "$CODE"'], {**os.environ, "CODE": "5"})
        return codes, os.waitpid(pid, 0)[1], capfd.readouterr().out

    assert parity(body) == ([0, 9, -9], 5 << 8, "hi\n")


def test_posix_spawn_with_opened_files(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "in").write_bytes(b"input")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, str(folder / "in"), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(folder / "out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        code = _spawned(SH, ["sh", "-c", "cat; echo err >&2; exit 2"], file_actions=actions)
        return code, (folder / "out").read_bytes(), (folder / "out").stat().st_mode & 0o777

    assert parity(body)[:2] == (2, b"inputerr\n")


def test_posix_spawn_with_pipes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        into, out = os.pipe(), os.pipe()
        actions: list[Any] = [
            (os.POSIX_SPAWN_DUP2, into[0], 0),
            (os.POSIX_SPAWN_DUP2, out[1], 1),
            (os.POSIX_SPAWN_CLOSE, into[1]),
            (os.POSIX_SPAWN_CLOSE, out[0]),
        ]
        pid = os.posix_spawn(SH, ["sh", "-c", "tr a-z A-Z"], os.environ, file_actions=actions)
        os.close(into[0])
        os.close(out[1])
        os.write(into[1], b"shout")
        os.close(into[1])
        answer = os.read(out[0], 100), os.read(out[0], 100)
        os.close(out[0])
        return answer, os.waitpid(pid, 0)[1]

    assert parity(body) == ((b"SHOUT", b""), 0)


def test_posix_spawn_with_closed_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return _spawned(SH, ["sh", "-c", "echo x 2>/dev/null"], file_actions=[(os.POSIX_SPAWN_CLOSE, 1)])

    assert parity(body) != 0


def test_posix_spawn_attributes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = """
import os, signal
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL, signal.SIGUSR2 in blocked)
print(os.getpgrp() == os.getpid())
"""
        out = folder / "out"
        opens = [(os.POSIX_SPAWN_OPEN, 1, str(out), os.O_WRONLY | os.O_CREAT, 0o600)]
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        try:
            result = _spawned(
                sys.executable,
                python(code),
                file_actions=opens,
                setpgroup=0,
                setsigmask=[signal.SIGUSR2],
                setsigdef=[signal.SIGUSR1],
            )
        finally:
            signal.signal(signal.SIGUSR1, before)
        return (
            result,
            out.read_text(),
            outcome(_spawned, SH, ["sh"], setpgroup="x"),
            outcome(_spawned, SH, []),
        )

    assert parity(body)[:2] == (0, "True True\nTrue\n")


SCHEDULE = os.sched_param(0)


@pytest.mark.parametrize(
    "attributes",
    [
        {"setpgroup": None},
        {"setpgroup": "first"},
        {"scheduler": None},
        {"scheduler": 5},
        {"scheduler": [os.SCHED_OTHER, SCHEDULE]},
        {"scheduler": (os.SCHED_OTHER, SCHEDULE, 1)},
        {"scheduler": (None, None)},
        {"scheduler": ("a", SCHEDULE)},
        {"scheduler": (2**40, SCHEDULE)},
        {"scheduler": (None, SCHEDULE)},
    ],
    ids=str,
)
def test_posix_spawn_with_nothing_and_what_can_not_be(parity: Parity, attributes: dict[str, Any]) -> None:
    def body(folder: Path) -> Any:
        return outcome(_spawned, SH, ["sh", "-c", "exit 4"], **attributes)

    seen = parity(body)
    assert seen == 4 or isinstance(seen, (TypeError, SystemError, OverflowError))


def test_posix_spawn_with_file_actions_that_can_not_be(parity: Parity) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    def body(folder: Path) -> Any:
        return [
            outcome(
                _spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_OPEN, 3, "/no/such", os.O_RDONLY, 0)]
            ),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_DUP2, 199, 1)]),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_DUP2, most, 1)]),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_DUP2, 1, -1)]),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_CLOSE, most)]),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_OPEN, most, "/", 0, 0)]),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_CLOSE,)]),
            outcome(_spawned, SH, ["sh"], file_actions=[("nonsense", 1)]),
            outcome(_spawned, SH, ["sh"], file_actions=[1]),
        ]

    assert all(isinstance(error, Exception) for error in parity(body))


@pytest.mark.parametrize(
    "attributes",
    [
        {"setsigmask": [0]},
        {"setsigmask": [signal.NSIG]},
        {"setsigmask": [signal.SIGUSR1, -1]},
        {"setsigmask": ["USR1"]},
        {"setsigdef": [0]},
        {"setsigdef": [signal.NSIG]},
        {"setsigdef": [None]},
        {"setsigdef": 5},
        {"file_actions": [()]},
        {"file_actions": [[os.POSIX_SPAWN_CLOSE, 1]]},
        {"file_actions": [(99, 1)]},
        {"file_actions": [(os.POSIX_SPAWN_CLOSE, 1, 2)]},
        {"file_actions": [(os.POSIX_SPAWN_CLOSE, "1")]},
        {"file_actions": [(os.POSIX_SPAWN_CLOSE, -1)]},
        {"file_actions": [(os.POSIX_SPAWN_DUP2, 1)]},
        {"file_actions": [(os.POSIX_SPAWN_DUP2, 1, None)]},
        {"file_actions": [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY)]},
        {"file_actions": [(os.POSIX_SPAWN_OPEN, 1, "/dev/\0null", os.O_WRONLY, 0)]},
        {"file_actions": [(os.POSIX_SPAWN_OPEN, 1, 5, os.O_WRONLY, 0)]},
        {"file_actions": [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", "w", 0)]},
    ],
    ids=str,
)
def test_posix_spawn_with_what_it_refuses(parity: Parity, attributes: dict[str, Any]) -> None:
    def body(folder: Path) -> Any:
        return outcome(_spawned, SH, ["sh", "-c", ":"], **attributes)

    assert isinstance(parity(body), Exception)


@pytest.mark.parametrize("argv", ["sh", b"sh", {"sh": 1}, {"sh"}, None, 5, (), []], ids=repr)
@pytest.mark.parametrize("road", ["posix_spawn", "posix_spawnp"])
def test_posix_spawn_with_arguments_that_are_none(parity: Parity, road: str, argv: Any) -> None:
    def body(folder: Path) -> Any:
        return outcome(getattr(os, road), SH, argv, os.environ)

    error = parity(body)
    assert isinstance(error, (TypeError, ValueError))
    assert str(error).startswith(f"{road}: argv must ")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="any object is true or false from 3.12 on")
@pytest.mark.parametrize("name", ["setsid", "resetids"])
def test_posix_spawn_with_no_number_for_yes_or_no(parity: Parity, name: str) -> None:
    def body(folder: Path) -> Any:
        return outcome(_spawned, SH, ["sh", "-c", ":"], **{name: "yes"})

    assert isinstance(parity(body), TypeError)


CLOSEFROM: int | None = getattr(os, "POSIX_SPAWN_CLOSEFROM", None)


@pytest.mark.skipif(CLOSEFROM is None, reason="from 3.13 on, where the system has it")
def test_posix_spawn_that_closes_all_behind(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (CLOSEFROM, 3)]
        command = ["sh", "-c", f"echo out; test -e /dev/fd/{writer} || echo gone"]
        try:
            code = _spawned(SH, command, file_actions=[*actions, (os.POSIX_SPAWN_CLOSE, 2)])
            os.close(writer)
            with open(reader, "rb", closefd=False) as out:
                return code, out.read()
        finally:
            os.close(reader)

    assert parity(body) == (0, b"out\ngone\n")
