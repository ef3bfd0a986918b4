"""What holds for every subcommand: exit codes, errors, colour, widths, and its two entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from pytest_proctape import __version__
from pytest_proctape.tape import Entry
from tests.cli.conftest import Project

ROOT = Path(__file__).parents[2]
SOURCES = str(ROOT / "src")
NAMES = ("ls", "show", "diff", "check", "prune", "compare", "convert", "schema")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": SOURCES}


def test_help_names_every_subcommand_and_the_exit_codes(project: Project) -> None:
    result = project.run("--help")
    assert result.code == 0
    assert all(f"\n    {name} " in result.out for name in NAMES)
    assert "exit codes:" in result.out


@pytest.mark.parametrize("name", NAMES)
def test_each_subcommand_has_help_and_json(project: Project, name: str) -> None:
    result = project.run(name, "--help")
    assert result.code == 0
    assert "--json" in result.out
    assert "``" not in result.out
    assert len([line for line in result.lines if line and not line.startswith(("usage", " "))]) > 2


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_a_terminal_of_80_columns(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in ((), (name,)):
        assert max(map(len, project.run(*arguments, "--help").lines)) <= 80


def test_a_full_disk_gives_no_traceback(project: Project) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    with full.open("w") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_proctape", "schema"],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    assert (done.returncode, done.stderr) == (2, "proctape: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("arguments, code", [("schema", 0), ("ls no.json", 2), ("lss", 2)])
def test_a_closed_stream_leaves_the_exit_code(
    project: Project, closed: str, arguments: str, code: int
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m pytest_proctape {arguments} {closed}', sys.executable],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=project.path,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_version(project: Project) -> None:
    assert project.run("--version").out == f"pytest-proctape {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("lss",), ("show",), ("ls", "--nope"), ("show", "x.json", "one")])
def test_what_is_not_understood_is_2(project: Project, arguments: tuple[str, ...]) -> None:
    result = project.run(*arguments)
    assert result.code == 2
    assert result.err.startswith("usage: proctape")


@pytest.mark.parametrize(
    "arguments",
    [("ls", "no.json"), ("show", "no.json"), ("diff", "no.json"), ("check", "no"), ("prune", "no")],
)
def test_what_is_not_there_is_2(project: Project, arguments: tuple[str, ...]) -> None:
    project.save(Entry(program="git"))
    result = project.run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("proctape: ")
    assert "Traceback" not in result.err


def test_a_project_without_tapes_is_told_what_to_do(project: Project) -> None:
    result = project.run("ls")
    assert result.code == 2
    assert result.err == (
        "proctape: tapes: there is no directory of tapes; record some with pytest --record-tapes, or name "
        "the directory\n"
    )


@pytest.mark.parametrize("name", ["ls", "show", "check", "diff", "prune"])
def test_a_broken_tape_is_a_typed_error_and_never_a_traceback(project: Project, name: str) -> None:
    bad = project.write("tapes/bad.json", '{"entries": [{"pogram": "git"}]}')
    project.commit("the tape")
    arguments = [str(bad)] if name == "show" else []
    if name == "diff":
        bad.write_text('{"entries": [', encoding="utf-8")
    result = project.run(name, *arguments)
    assert result.code == 1
    told = result.out + result.err
    assert "tapes/bad.json" in told
    assert "unknown field 'pogram'" in told
    assert "mend the file" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "variables, arguments, coloured",
    [
        ({}, (), False),  # not a terminal
        ({"FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, (), True),
        ({"NO_COLOR": "1"}, ("--color=always",), True),
        ({"FORCE_COLOR": "1"}, ("--color=never",), False),
        ({"FORCE_COLOR": "1"}, ("--json",), False),
    ],
)
def test_colour(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    arguments: tuple[str, ...],
    coloured: bool,
) -> None:
    path = project.save(Entry(program="git"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in project.run("show", *arguments, str(path)).out) is coloured


def test_nothing_on_a_tape_reaches_the_terminal_as_it_is(project: Project) -> None:
    evil = "\x1b]0;owned\x07\u202e\x9b31m"
    entry = Entry(
        program=f"git{evil}",
        args=(evil,),
        cwd=evil,
        env={evil: evil},
        stdout=(evil + "\n",),
        note=evil,
        signal="SIGTERM",
    )
    path = project.save(entry, test=f"tests/test_git.py::test_log[{evil}]")
    for arguments in (("show", str(path)), ("show", "--json", str(path)), ("ls",), ("check",)):
        out = project.run(*arguments).out
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out), arguments


@pytest.mark.parametrize("width", [20, 40, 72, 200])
def test_narrow_and_wide_terminals(project: Project, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    project.save(Entry(program="git", args=("log",) * 100, stdout=("x" * 500 + "\n",), exit_code=0))
    project.commit("a subject of many words " * 5)
    monkeypatch.setenv("COLUMNS", str(width))
    longest = max(map(len, project.run("ls").lines))
    assert longest <= max(width, 56)
    lines = project.run("show", "tests/test_git.py::test_log").lines
    cut = [line for line in lines if "log log" in line or "xxx" in line]
    assert len(cut) == 2
    assert all(len(line) == width and line.endswith("...") for line in cut)


def test_as_a_module(project: Project) -> None:
    path = project.save(Entry(program="git", args=("log",)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_proctape", "show", str(path)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "[1] git log" in done.stdout


def test_as_the_script_that_is_declared(project: Project) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, name = declared["proctape"].partition(":")
    assert callable(getattr(import_module(module), name))
    script = f"import sys; from {module} import {name}; sys.exit({name}())"
    done = subprocess.run(
        [sys.executable, "-c", script, "ls"], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 2
    assert done.stderr.startswith("proctape: tapes: there is no directory of tapes")


def test_a_reader_that_has_seen_enough_gets_no_traceback(project: Project) -> None:
    path = project.save(*(Entry(program="git", args=("x" * 500,)) for _ in range(500)))
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest_proctape", "show", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().endswith(b"test_log.json\n")
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, b"")


def test_a_terminal_that_is_no_utf_8_gets_escapes(project: Project) -> None:
    path = project.save(Entry(program="git", stdout=("grün\n",)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_proctape", "show", str(path)],
        capture_output=True,
        env={**environment(), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"gr\\xfcn" in done.stdout
