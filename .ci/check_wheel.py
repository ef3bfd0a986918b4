#!/usr/bin/env python3
"""Does the built wheel work for somebody else? Called by `.ci/run` and by `tox -e wheel`.

Builds the wheel, installs it with nothing but its run-time dependencies into a new environment, and
uses it in a small project that is not ours: record, replay with an empty PATH, and a changed command
that must fail. Everything lives in a scratch directory, made anew each time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dev

SUITE = """\
import subprocess

import pytest


@pytest.mark.tape
def test_output_is_as_recorded():
    # A new random name each time that it is really run.
    name = subprocess.run(["mktemp", "-u", "name.XXXXXXXXXX"], stdout=subprocess.PIPE, text=True, check=True)
    with open("seen", "a", encoding="utf-8") as seen:
        seen.write(name.stdout)


def test_failing_command(tape):
    done = subprocess.run(["sh", "-c", "printf out; printf err >&2; exit 3"], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out", b"err")


@pytest.mark.tape
def test_missing_program():
    with pytest.raises(FileNotFoundError) as caught:
        subprocess.run(["no-such-program-anywhere"])
    assert caught.value.filename == "no-such-program-anywhere"
"""

UNTAPED = """\
import sys


def test_pytest_started_without_them():
    assert not {"pydantic", "freezegun"} & set(sys.modules)
"""

LAZY = """\
import sys
import pytest_proctape.plugin
early = {"pydantic", "freezegun"} & set(sys.modules)
sys.exit(f"importing the plugin imports {sorted(early)}" if early else 0)
"""


def expect(holds: object, message: str) -> None:
    """Go on where it holds.

    Raises:
        dev.Problem: it doesn't; ends the check.
    """
    if not holds:
        raise dev.Problem(f"the wheel: {message}")


def build(shell: dev.Shell, folder: Path) -> Path:
    """Build the wheel of this checkout into `folder`; returns its path."""
    failure = dev.quiet([*shell.pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(dev.ROOT)])
    expect(failure is None, f"could not be built\n{failure}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_files(wheel: Path) -> None:
    """The package, its type marker, entry point and licence are in the wheel, and nothing else is."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        declared = archive.read(entry_points).decode()
    expect("pytest_proctape/py.typed" in names, "has no py.typed")
    expect("pytest_proctape/tape/schema.json" in names, "has no schema of tapes")
    expect("proctape = pytest_proctape.cli:main" in declared, f"declares no command: {declared}")
    expect("proctape = pytest_proctape.plugin" in declared, f"declares no pytest plugin: {declared}")
    expect(any(name.endswith("licenses/LICENSE") for name in names), "has no licence")
    tops = {name.split("/")[0] for name in names}
    strangers = [top for top in tops if top != "pytest_proctape" and not top.endswith(".dist-info")]
    expect(not strangers, f"also installs {strangers}")


def check_start(environment: dev.Environment, project: Path) -> None:
    """Neither the plugin nor pytest with the plugin imports the heavy dependencies."""
    expect(environment.run("-c", LAZY, cwd=project) == 0, "its plugin module is heavy")
    (project / "test_untaped.py").write_text(UNTAPED, encoding="utf-8")
    code = environment.run("-m", "pytest", "-q", "test_untaped.py", cwd=project)
    expect(code == 0, "pytest imports them at start")
    (project / "test_untaped.py").unlink()


def check_road(environment: dev.Environment, project: Path, empty: Path) -> None:
    """Record, replay, change."""
    suite = project / "test_foreign.py"
    suite.write_text(SUITE, encoding="utf-8")
    nothing = {"PATH": str(empty)}
    dev.say("recording in a project that is not ours")
    expect(environment.run("-m", "pytest", "--record-tapes", cwd=project) == 0, "recording failed")
    tapes = contents(project / "tapes")
    expect(len(tapes) == 3, f"three tapes were expected; there are {sorted(tapes)}")
    for command in (["check"], ["ls"], ["schema"]):
        code = environment.run("-m", "pytest_proctape", *command, cwd=project, change=nothing)
        expect(code == 0, f"proctape {command[0]} failed")
    for arguments in (["--replay-tapes"], []):
        dev.say(f"replaying there with an empty PATH: pytest {' '.join(arguments)}")
        code = environment.run("-m", "pytest", *arguments, cwd=project, change=nothing)
        expect(code == 0, "replaying failed")
    seen = (project / "seen").read_text(encoding="utf-8").splitlines()
    expect(len(seen) == 3 and len(set(seen)) == 1, f"the replays saw something else: {seen}")
    expect(contents(project / "tapes") == tapes, "replaying changed the tapes")
    suite.write_text(SUITE.replace("printf out;", "printf changed;"), encoding="utf-8")
    code, output = captured(environment, project, nothing)
    expect(code == 1 and "1 failed, 2 passed" in output, f"a changed command was not noticed:\n{output}")
    dev.say("a changed command fails its test")


def captured(environment: dev.Environment, project: Path, change: dict[str, str]) -> tuple[int, str]:
    """Run pytest there; its exit code and what it printed."""
    variables = {**environment.variables(), **change}
    command = [environment.python, "-m", "pytest"]
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> int:
    """The whole check; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="proctape-wheel-") as name:
        scratch = Path(name)
        project, empty = scratch / "project", scratch / "empty"
        project.mkdir()
        empty.mkdir()
        (project / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
        shell = dev.make_shell(scratch / "environment")
        wheel = build(shell, scratch / "dist")
        check_files(wheel)
        dev.say(f"installing {wheel.name} into a new environment")
        environment = dev.fill(shell, [str(wheel)])
        check_start(environment, project)
        check_road(environment, project, empty)
        dev.say(f"{wheel.name} works")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except dev.Problem as problem:
        sys.exit(f"check_wheel.py: {problem}")
