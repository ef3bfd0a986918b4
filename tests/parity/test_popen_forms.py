"""Every way to say ``Popen``: it is CPython's own class, so all of them stay what they are."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from os import kill, posix_spawn, system, waitpid
from pathlib import Path
from subprocess import (
    DEVNULL,
    PIPE,
    Popen,
    call,
    check_call,
    check_output,
    getoutput,
    getstatusoutput,
    run,
)
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome, python


def test_names_bound_early(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with Popen(["echo", "hi"], stdout=PIPE) as child:
            out = child.communicate()
        return out, call(["true"]), check_call(["true"]), check_output(["echo", "x"]), run(["true"])

    assert parity(body)[3] == b"x\n"


def test_the_class_stays_the_class(parity: Parity) -> None:
    bound = subprocess.Popen

    def body(folder: Path) -> Any:
        with Popen(["true"]) as child:
            checks = [isinstance(child, one) for one in (Popen, subprocess.Popen, bound)]
        return checks, type(child) is bound, repr(child), subprocess.Popen is bound

    assert parity(body) == ([True] * 3, True, "<Popen: returncode: 0 args: ['true']>", True)


def test_a_subclass(parity: Parity) -> None:
    class Child(subprocess.Popen[str]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, text=True, stdout=PIPE, **kwargs)  # type: ignore[call-overload]
            self.seen: list[str] = []

        def wait(self, timeout: float | None = None) -> int:
            self.seen.append("wait")
            return super().wait(timeout)

    def body(folder: Path) -> Any:
        with Child(["echo", "sub"]) as child:
            assert child.stdout is not None
            out = child.stdout.read()
        return out, child.seen, child.returncode, isinstance(child, Popen)

    assert parity(body) == ("sub\n", ["wait"], 0, True)


def test_the_generic_alias(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with Popen[str](["echo", "generic"], stdout=PIPE, text=True) as child:
            return child.communicate()

    assert parity(body) == ("generic\n", None)


def test_positional_arguments(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with Popen(
            ["sh", "-c", "pwd; echo $X"], -1, None, None, PIPE, None, None, True, False, folder, {"X": "1"}
        ) as child:
            out = child.communicate()[0]
        return out.replace(os.fsencode(folder), b"FOLDER").replace(os.fsencode(folder.resolve()), b"FOLDER")

    assert parity(body) == b"FOLDER\n1\n"


@pytest.mark.parametrize(
    "args", ["true", b"true", ["true"], ("true",), [b"true"], Path("true"), [Path("true")]], ids=str
)
def test_forms_of_the_command(parity: Parity, args: Any) -> None:
    def body(folder: Path) -> Any:
        done = run(args, capture_output=True)
        return done.returncode, done.stdout, outcome(lambda: shlex.join(map(str, done.args)))

    assert parity(body)[0] == 0


def test_an_iterator_as_command(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return run((word for word in ("echo", "a", "b")), stdout=PIPE).stdout  # type: ignore[call-overload]

    assert parity(body) == b"a b\n"


def test_arguments_of_any_shape(parity: Parity) -> None:
    words = [
        "",
        " ",
        "two words",
        "new\nline",
        "quo'te\"",
        "größe",
        "\\",
        "-",
        "--",
        "*",
        "$HOME",
        "<tmp>",
        "<=python>",
    ]

    def body(folder: Path) -> Any:
        raw = run(
            [*python("import sys, os; print([os.fsencode(a) for a in sys.argv[1:]])"), *words, b"\xff\xfe"],
            stdout=PIPE,
        )
        return raw.stdout

    assert b"\\xff\\xfe" in parity(body)


def test_shell(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            run("echo $0 $((1 + 1))", shell=True, capture_output=True),
            run(["echo $0 $1", "zero", "one"], shell=True, capture_output=True),
            run(b"printf bytes", shell=True, capture_output=True),
            run("exit 5", shell=True),
            run("echo $0", shell=True, executable="/bin/sh", capture_output=True),
        ]

    assert parity(body)[1].stdout == b"zero one\n"


def test_executable(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import sys; print(sys.orig_argv[0])"
        return run(
            ["another-name", "-I", "-S", "-c", code],
            executable=sys.executable,
            capture_output=True,
            text=True,
        )

    assert parity(body).stdout == "another-name\n"


def test_cwd(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "sub").mkdir()
        seen = [
            run(["pwd"], cwd=cwd, stdout=PIPE, text=True).stdout
            for cwd in (folder, str(folder / "sub"), os.fsencode(folder))
        ]
        before = os.getcwd()
        os.chdir(folder)
        try:
            seen += [
                run(["pwd"], cwd=cwd, stdout=PIPE, text=True).stdout
                for cwd in (None, "sub", Path("sub"), ".")
            ]
        finally:
            os.chdir(before)
        return seen

    assert parity(body)[1].endswith("/sub\n")


def test_env(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os; print(sorted((k, v) for k, v in os.environ.items() if k != 'LC_CTYPE'))"
        return [
            run(python(code), env=env, stdout=PIPE, text=True).stdout
            for env in ({}, {"A": "1"}, {b"B": b"\xff"}, {"C": "", "D": "x=y"})
        ]

    assert parity(body)[1] == "[('A', '1')]\n"


def test_a_program_found_on_the_childs_path(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        tool = folder / "bin" / "tool-of-our-own"
        tool.parent.mkdir()
        tool.write_text("#!/bin/sh\necho found\n")
        tool.chmod(0o755)
        env = {"PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"}
        return run(["tool-of-our-own"], env=env, stdout=PIPE), outcome(run, ["tool-of-our-own"])

    assert parity(body)[0].stdout == b"found\n"


def test_getoutput(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return getoutput("echo out; echo err >&2"), getoutput("exit 3"), getoutput("printf 'a\\n\\n'")

    assert parity(body) == ("out\nerr", "", "a\n")


def test_getstatusoutput(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [getstatusoutput(command) for command in ("echo x", "exit 3", "echo y; kill -9 $$")]

    assert parity(body) == [(0, "x"), (3, ""), (-9, "y")]


def test_check(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        fails = ["sh", "-c", "echo out; echo err >&2; exit 3"]
        return [
            outcome(run, fails, check=True, capture_output=True),
            outcome(check_call, fails, stdout=DEVNULL, stderr=DEVNULL),
            outcome(check_output, fails, stderr=PIPE, text=True),
            outcome(check_output, ["sh", "-c", "kill -15 $$"]),
        ]

    assert [error.returncode for error in parity(body)] == [3, 3, 3, -15]


def test_without_leaving_the_context_normally(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        def fails() -> None:
            with Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
                children.append(child)
                raise KeyError("from inside")

        children: list[Popen[bytes]] = []
        return (
            outcome(fails),
            children[0].returncode,
            children[0].stdin is not None and children[0].stdin.closed,
        )

    assert parity(body)[1:] == (0, True)


def test_wrong_use(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            outcome(run, ["true"], capture_output=True, stdout=PIPE),
            outcome(run, ["true"], input=b"x", stdin=PIPE),
            outcome(check_output, ["true"], stdout=PIPE),
            outcome(Popen, ["true"], nonsense=1),
            outcome(Popen),
            outcome(run, ["true"], text=True, universal_newlines=False),
            outcome(run, ["true"], pipesize="large"),
        ]

    assert all(isinstance(error, Exception) for error in parity(body))


def test_the_platforms_own_calls(parity: Parity) -> None:
    """Tools that run the interpreter again, as many test suites do."""

    def body(folder: Path) -> Any:
        module = folder / "module.py"
        module.write_text("import sys; print(sys.argv[1:]); sys.exit(len(sys.argv))")
        return run([sys.executable, str(module), "a", "b"], capture_output=True, text=True, cwd=folder)

    assert parity(body).returncode == 3


def test_functions_of_the_system_bound_early(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], os.environ)
        spawned = waitpid(pid, 0)[1]
        with Popen(["sleep", "100"]) as child:
            kill(child.pid, signal.SIGTERM)
            return spawned, system("exit 4"), child.wait()

    assert parity(body) == (3 << 8, 4 << 8, -15)


def test_names_that_are_not_text(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        tool = os.path.join(os.fsencode(folder), b"t\xffl")
        with open(tool, "wb") as file:
            file.write(b"#!/bin/sh\necho run\n")
        os.chmod(tool, 0o755)
        place = os.path.join(os.fsencode(folder), b"d\xfe")
        os.mkdir(place)
        missing = outcome(run, [os.path.join(place, b"no\xfd")])
        return run([tool], stdout=PIPE), run([tool], stdout=PIPE, cwd=place), missing

    assert parity(body)[0].stdout == b"run\n"
