"""What a session is asked for, by whatever road, and what the caller gets for its answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import pytest

from pytest_proctape.tape import Spawn, SpawnError

from .answering import Answers

ROADS: Any = os


def _asked(answers: Answers) -> Spawn:
    (spawn,) = answers.spawns
    return spawn


@pytest.mark.parametrize(
    "args, kwargs, program, rest, argv0",
    [
        (["git", "log", "-1"], {}, "git", ("log", "-1"), None),
        ("git", {}, "git", (), None),
        (["/bin/sh", "-c", "x"], {}, "/bin/sh", ("-c", "x"), None),
        (["./configure"], {}, "./configure", (), None),
        ("echo $X", {"shell": True}, "/bin/sh", ("-c", "echo $X"), None),
        (["echo $1", "zero", "one"], {"shell": True}, "/bin/sh", ("-c", "echo $1", "zero", "one"), None),
        (["name", "x"], {"executable": "/bin/sh"}, "/bin/sh", ("x",), "name"),
        (["name"], {"executable": "git"}, "git", (), "name"),
        ([Path("git"), b"\xff"], {}, "git", ("\udcff",), None),
        (["git"], {"env": {"PATH": "/nowhere:/else"}}, "git", (), None),
        (["git"], {"env": {}}, "git", (), None),
        (["git", ""], {}, "git", ("",), None),
    ],
    ids=str,
)
def test_the_command(
    answers: Answers,
    args: Any,
    kwargs: dict[str, Any],
    program: str,
    rest: tuple[str, ...],
    argv0: str | None,
) -> None:
    subprocess.run(args, **kwargs)
    spawn = _asked(answers)
    assert (spawn.program, spawn.args, spawn.argv0) == (program, rest, argv0)


@pytest.mark.parametrize(
    "kwargs, expected",
    [
        ({}, {"cwd": None, "env": None, "new_session": False, "process_group": -1, "road": "subprocess"}),
        ({"cwd": "/"}, {"cwd": "/"}),
        ({"cwd": b"/\xff"}, {"cwd": "/\udcff"}),
        ({"env": {"A": "1", "B": "x=y"}}, {"env": {"A": "1", "B": "x=y"}}),
        ({"env": {b"C": b"\xff"}}, {"env": {"C": "\udcff"}}),
        ({"start_new_session": True}, {"new_session": True}),
        ({"process_group": 0}, {"process_group": 0}),
    ],
    ids=str,
)
def test_its_circumstances(answers: Answers, kwargs: dict[str, Any], expected: dict[str, object]) -> None:
    subprocess.run(["true"], **kwargs)
    spawn = _asked(answers)
    assert {name: getattr(spawn, name) for name in expected} == expected


@pytest.mark.parametrize(
    "kwargs, inputs, outputs, private",
    [
        ({}, 0, {1: "1", 2: "2"}, 0),
        ({"stdout": PIPE}, 0, {1: "pipe", 2: "2"}, 1),
        ({"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}, 1, {1: "pipe", 2: "pipe"}, 3),
        ({"stdout": PIPE, "stderr": STDOUT}, 0, {1: "pipe", 2: "pipe"}, 1),
        ({"stdout": DEVNULL, "stderr": DEVNULL}, 0, {1: "null", 2: "null"}, 0),
        ({"stdout": 2}, 0, {1: "2", 2: "2"}, 0),
    ],
    ids=str,
)
def test_its_descriptors(
    answers: Answers, kwargs: dict[str, Any], inputs: int, outputs: dict[int, str], private: int
) -> None:
    null = os.stat(os.devnull).st_rdev
    kinds: dict[int, str] = {}
    real = answers.replay

    def replay(spawn: Spawn, wiring: Any) -> Any:
        for fd, parents in wiring.outputs.items():
            is_null = os.fstat(parents).st_rdev == null and parents > 2
            kinds[fd] = "null" if is_null else str(parents) if parents < 3 else "pipe"
        return real(spawn, wiring)

    answers.replay = replay  # type: ignore[method-assign]
    with subprocess.Popen(["true"], **kwargs):
        pass
    (wiring,) = answers.wirings
    piped = kwargs.get("stdin") == PIPE
    assert (len(wiring.inputs) if piped else 0, kinds, len(wiring.private)) == (inputs, outputs, private)


@pytest.mark.parametrize("status, code", [(0, 0), (3 << 8, 3), (int(signal.SIGKILL), -9)])
def test_the_end(answers: Answers, status: int, code: int) -> None:
    answers.status = status
    assert subprocess.call(["x"]) == code
    assert ROADS.system("x") == status
    assert ROADS.spawnlp(os.P_WAIT, "x", "x") == code
    assert os.waitpid(os.posix_spawn("/x", ["x"], {}), 0)[1] == status
    assert [spawn.road for spawn in answers.spawns] == [
        "subprocess",
        "os.system",
        "os.spawn",
        "os.posix_spawn",
    ]


@pytest.mark.parametrize(
    "error, raised, filename",
    [
        (SpawnError(errno="ENOENT"), FileNotFoundError, "x"),
        (SpawnError(errno="EACCES"), PermissionError, "x"),
        (SpawnError(errno="ENOEXEC"), OSError, "x"),
        (SpawnError(errno="ENOENT", message="noexec:chdir"), FileNotFoundError, "/nowhere"),
        (
            SpawnError(type="SubprocessError", message="Exception occurred in preexec_fn."),
            subprocess.SubprocessError,
            None,
        ),
    ],
)
def test_a_spawn_error(
    answers: Answers, error: SpawnError, raised: type[Exception], filename: str | None
) -> None:
    answers.error, answers.status = error, 255 << 8
    with pytest.raises(raised) as caught:
        subprocess.run(["x"], cwd="/nowhere")
    assert getattr(caught.value, "filename", None) == filename


def test_spawn_errors_of_the_other_roads(answers: Answers) -> None:
    answers.error, answers.status = SpawnError(errno="ENOENT"), 255 << 8
    with pytest.raises(FileNotFoundError) as caught:
        os.posix_spawn("/x", ["x"], {})
    assert caught.value.filename == "/x"
    assert ROADS.spawnlp(os.P_WAIT, "x", "x") == 127
    assert ROADS.system("x") == 127 << 8


@pytest.mark.parametrize(
    "kwargs, raised",
    [
        ({"args": ["nul\0"]}, ValueError),
        ({"args": ["x"], "cwd": "nul\0"}, ValueError),
        ({"args": ["x"], "env": {"A": "nul\0"}}, ValueError),
        ({"args": [1]}, TypeError),
        ({"args": ["x"], "pass_fds": [-5]}, ValueError),
    ],
    ids=str,
)
def test_what_the_c_function_refuses_is_refused(
    answers: Answers, kwargs: dict[str, Any], raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        subprocess.run(**kwargs)
    assert answers.spawns == []


def test_the_shell_of_system(answers: Answers) -> None:
    ROADS.system("echo 'x y'")
    spawn = _asked(answers)
    assert (spawn.argv, spawn.program) == (["sh", "-c", "echo 'x y'"], "/bin/sh")


def test_an_interpreter_by_its_path(answers: Answers) -> None:
    subprocess.run([sys.executable, "-V"])
    assert _asked(answers).program == sys.executable
