"""A child that can't be started fails with the same exception, to the errno and the file name."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome


def _executable(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_no_such_program(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            outcome(subprocess.run, ["no-such-program-anywhere", "x"]),
            outcome(subprocess.run, ["./no/such/program"]),
            outcome(subprocess.run, str(folder / "no such program")),
            outcome(subprocess.run, [b"no-such-bytes"]),
            outcome(subprocess.run, [Path("no-such-path")]),
            outcome(subprocess.run, [""]),
        ]

    seen = parity(body)
    assert [type(error) for error in seen[:5]] == [FileNotFoundError] * 5
    assert seen[0].filename == "no-such-program-anywhere"


def test_no_such_executable(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, ["true"], executable="/no/such/executable")

    error: Any = parity(body)
    assert (error.errno, error.filename) == (2, "/no/such/executable")


def test_no_permission(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        plain_file = _executable(folder / "plain", "#!/bin/sh\n", 0o644)
        return outcome(subprocess.run, [plain_file]), outcome(subprocess.run, [str(folder)])

    assert [type(error) for error in parity(body)] == [PermissionError] * 2


def test_cwd_that_is_not_there(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "file"
        path.touch()
        return [
            outcome(subprocess.run, ["true"], cwd=folder / "missing"),
            outcome(subprocess.run, ["true"], cwd=path),
            outcome(subprocess.run, ["no-such-program-anywhere"], cwd=folder / "missing"),
            outcome(subprocess.run, ["no-such-program-anywhere"], cwd=folder),
        ]

    seen = parity(body)
    assert [type(error) for error in seen] == [
        FileNotFoundError,
        NotADirectoryError,
        FileNotFoundError,
        FileNotFoundError,
    ]


def test_exec_format_error(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        nonsense = _executable(folder / "nonsense", "\0\1\2 not a program")
        no_shebang = _executable(folder / "script", "echo hello\n")
        return outcome(subprocess.run, [nonsense]), outcome(subprocess.run, [no_shebang])

    assert [error.errno for error in parity(body)] == [8, 8]


def test_interpreter_that_is_not_there(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, [_executable(folder / "script", "#!/no/such/interpreter\n")])

    assert isinstance(parity(body), FileNotFoundError)


def test_a_loop_of_links(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "loop").symlink_to(folder / "loop")
        return outcome(subprocess.run, [str(folder / "loop")])

    assert isinstance(parity(body), OSError)


def test_too_many_arguments(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        error = outcome(subprocess.run, ["true", "x" * (1 << 22)])
        return type(error), getattr(error, "errno", None)

    assert parity(body) == (OSError, 7)


def test_arguments_that_can_not_be(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            outcome(subprocess.run, ["true", "nul\0byte"]),
            outcome(subprocess.run, ["true"], cwd="nul\0byte"),
            outcome(subprocess.run, ["true"], env={"A": "nul\0byte"}),
            outcome(subprocess.run, ["true"], env={"A=B": "x"}),
            outcome(subprocess.run, ["true", 1]),
            outcome(subprocess.run, []),
            outcome(subprocess.run, ["true"], bufsize="x"),
            outcome(subprocess.run, ["true"], preexec_fn=1),
            outcome(subprocess.run, ["true"], pass_fds=[-5]),
            outcome(subprocess.run, ["true"], user="no-such-user-anywhere"),
            outcome(subprocess.run, ["true"], group=-2),
        ]

    assert all(isinstance(error, Exception) for error in parity(body))


def test_a_preexec_fn_that_raises(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, ["true"], preexec_fn=lambda: 1 / 0)

    assert isinstance(parity(body), subprocess.SubprocessError)


def test_pipes_are_closed_and_the_next_spawn_works(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        error = outcome(
            subprocess.Popen,
            ["no-such-program-anywhere"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return error, subprocess.run(["echo", "fine"], capture_output=True)

    assert parity(body)[1].stdout == b"fine\n"


def test_through_a_shell(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        missing = subprocess.run("no-such-program-anywhere", shell=True, capture_output=True)
        return (
            missing.returncode,
            subprocess.run("exit 3", shell=True),
            outcome(subprocess.run, "true", shell=True, executable="/no/such/shell"),
        )

    assert parity(body)[0] == 127


def test_asyncio(parity: Parity) -> None:
    async def main(folder: Path) -> Any:
        seen = []
        for command, kwargs in ((["no-such-program-anywhere"], {}), (["true"], {"cwd": folder / "missing"})):
            try:
                await asyncio.create_subprocess_exec(*command, **kwargs)  # type: ignore[arg-type]
            except OSError as error:
                seen.append(error)
        return seen

    def body(folder: Path) -> Any:
        return asyncio.run(main(folder))

    assert next(error.filename for error in parity(body)) == "no-such-program-anywhere"


@pytest.mark.parametrize("road", ["posix_spawn", "posix_spawnp"])
def test_posix_spawn(parity: Parity, road: str) -> None:
    def body(folder: Path) -> Any:
        spawn: Any = getattr(os, road)
        plain_file = _executable(folder / "plain", "#!/bin/sh\n", 0o644)
        return [
            outcome(spawn, path, [path], os.environ)
            for path in ("/no/such", "no-such-program-anywhere", plain_file)
        ]

    assert [type(error) for error in parity(body)] == [FileNotFoundError, FileNotFoundError, PermissionError]


def test_os_spawn(parity: Parity) -> None:
    roads: Any = os  # typeshed calls them deprecated

    def body(folder: Path) -> Any:
        return [
            outcome(roads.spawnv, os.P_WAIT, "/no/such", ["x"]),
            outcome(roads.spawnlp, os.P_WAIT, "no-such-program-anywhere", "x"),
            outcome(roads.spawnv, os.P_WAIT, "/bin/true", []),
            outcome(roads.spawnv, os.P_WAIT, "/bin/true", ("",)),
            outcome(roads.spawnv, os.P_WAIT, "/bin/true", "true"),
        ]

    assert parity(body)[:2] == [127, 127]
