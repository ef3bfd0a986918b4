#!/usr/bin/env python3
"""The commands of a contributor, for a machine with Python and pip alone. README and `.ci/run` call it.

    python3 dev.py demo                     record the example with the real tools, replay it with none
    python3 dev.py test [pytest arguments]  every test; arguments go to pytest, as in `test -k tape -x`
    python3 dev.py check                    ruff, mypy and the import rules

What a command needs is installed once, under `.dev/`, and used again until pyproject.toml, the
checkout's place or the interpreter changes; from then on no network is needed. Nothing is installed
anywhere else. `--here` in front of the command takes the packages of the running interpreter instead
and installs nothing (tox does that).

The file is the standard library's alone, and says it plainly where Python is older than 3.11.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".dev"
EXAMPLE = ROOT / "examples" / "relnotes"
TAPES = ROOT / "tapes"  # of the example: its pyproject.toml says so
EXAMPLE_TOOLS = ("git", "tar", "gzip", "make", "gcc", "zip", "unzip")
DEMO_DONE = "recorded with the real tools, replayed without them"

SCRATCH_TAPES = ("-o", "tapes_dir=tapes")

NO_ENVIRONMENT = 69
"""Exit code: this interpreter can make no environment at all. It is EX_UNAVAILABLE; pytest's end at 5."""


class Problem(Exception):
    """Told to the user as it is, without a traceback."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(message: str) -> None:
    """One line of ours among the output of the tools; flushed, so that it stands in its place."""
    print(f"dev.py: {message}", flush=True)


def inherited(*but: str) -> dict[str, str]:
    """The caller's environment variables, these excepted."""
    return {name: value for name, value in os.environ.items() if name not in but}


# --- environments ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """An interpreter and the packages it sees.

    Attributes:
        python: the interpreter to run.
        paths: goes to PYTHONPATH, where packages lie in a plain directory; empty in a virtual environment.
    """

    python: str
    paths: tuple[str, ...] = ()

    def variables(self) -> dict[str, str]:
        """The caller's variables, changed as activating the environment would change them."""
        found = inherited("PYTHONHOME", "PYTHONPATH")
        folder = Path(self.python).parent
        if self.paths:
            found["PYTHONPATH"] = os.pathsep.join(self.paths)
        elif folder.parent.joinpath("pyvenv.cfg").is_file():
            found["VIRTUAL_ENV"] = str(folder.parent)
            found["PATH"] = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
        return found

    def run(self, *arguments: str, cwd: Path = ROOT, change: Mapping[str, str] | None = None) -> int:
        """Run the interpreter with these arguments in the open; returns its exit code."""
        variables = {**self.variables(), **(change or {})}
        return subprocess.run([self.python, *arguments], cwd=cwd, env=variables, check=False).returncode


@dataclass(frozen=True)
class Shell:
    """An environment that is still empty, and how packages get into it.

    Attributes:
        python: its interpreter.
        pip: the command that installs into it, as far as `install`.
        target: the plain directory that packages go to, or `None` in a virtual environment.
    """

    python: str
    pip: tuple[str, ...]
    target: Path | None = None


def quiet(command: Sequence[str]) -> str | None:
    """Run a step of the installation; `None` where it succeeded, else what it said."""
    done = subprocess.run(
        command,
        env=pip_variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return None if done.returncode == 0 else done.stdout.strip() or f"exit code {done.returncode}"


def pip_variables() -> dict[str, str]:
    """The caller's variables without those that send packages elsewhere, or forbid a directory of our own."""
    return inherited("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT") | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_USER": "0",
    }


def shell_by_venv(folder: Path) -> Shell | str:
    """The usual way. Debian and its kin part it into a package of its own, so it may be missing."""
    failure = quiet([sys.executable, "-m", "venv", str(folder)])
    python = str(folder / "bin" / "python")
    return failure or Shell(python, (python, "-m", "pip"))


def shell_by_outer_pip(folder: Path) -> Shell | str:
    """Where `ensurepip` alone is missing: an environment without pip, filled by the pip outside (22.3+)."""
    python = str(folder / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python)
    failure = quiet([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    return failure or quiet([*pip, "--version"]) or Shell(python, pip)


def shell_by_virtualenv(folder: Path) -> Shell | str:
    """Where somebody installed virtualenv instead."""
    failure = quiet([sys.executable, "-m", "virtualenv", str(folder)])
    python = str(folder / "bin" / "python")
    return failure or Shell(python, (python, "-m", "pip"))


def shell_by_target(folder: Path) -> Shell | str:
    """The last way: a plain directory on PYTHONPATH. PEP 668 (externally managed) leaves `--target` alone."""
    pip = (sys.executable, "-m", "pip")
    return quiet([*pip, "--version"]) or Shell(sys.executable, pip, folder / "packages")


SHELLS: tuple[Callable[[Path], Shell | str], ...] = (
    shell_by_venv,
    shell_by_outer_pip,
    shell_by_virtualenv,
    shell_by_target,
)


def make_shell(folder: Path) -> Shell:
    """An empty environment in `folder`, by the first way that this machine allows.

    Raises:
        Problem: none of them works; its code is `NO_ENVIRONMENT`.
    """
    failures = []
    for way in SHELLS:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shell = way(folder)
        if isinstance(shell, Shell):
            return shell
        failures.append(f"  {way.__name__.removeprefix('shell_by_')}: {shell.splitlines()[-1]}")
    shutil.rmtree(folder, ignore_errors=True)
    message = [f"{sys.executable} can make no environment: it needs venv, virtualenv or pip.", *failures]
    message.append("  On Debian and Ubuntu: apt-get install python3-venv (or python3-pip).")
    raise Problem("\n".join(message), NO_ENVIRONMENT)


def fill(shell: Shell, requirements: Sequence[str], sources: Path | None = None) -> Environment:
    """Install the requirements, and with `sources` the checkout itself, so that an edit there counts at once.

    Raises:
        Problem: pip failed; says what it said, and what to do.
    """
    command = [*shell.pip, "install", "--quiet", *requirements]
    if shell.target is not None:
        # pip can't install in editable form into a plain directory: the copy there is for its
        # metadata (the entry point), and src/ on PYTHONPATH comes before it.
        command += ["--target", str(shell.target), *([str(sources)] if sources else [])]
    elif sources is not None:
        command += ["--editable", str(sources)]
    failure = quiet(command)
    if failure is not None:
        # pip warns of each attempt to connect; what matters is what it ends with.
        said = [line for line in failure.splitlines() if not line.startswith("WARNING:")][-12:]
        raise Problem(
            "\n  ".join([f"this did not work: {shlex.join(command)}", *said]) + "\n"
            "  The first run needs a package index: connect to the network, or tell pip where packages are\n"
            "  (PIP_INDEX_URL, PIP_FIND_LINKS), and run the same command again."
        )
    if shell.target is None:
        return Environment(shell.python)
    return Environment(shell.python, (*([str(sources / "src")] if sources else []), str(shell.target)))


def requirements_of(group: str) -> list[str]:
    """What a dependency group of pyproject.toml asks for (PEP 735), the groups that it includes too."""
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    found: list[str] = []
    for one in groups[group]:
        found += [one] if isinstance(one, str) else requirements_of(one["include-group"])
    return found


def digest(*parts: bytes) -> str:
    """A short name for all of these together."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:10]


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Only one process at a time makes an environment: two commands started together share one."""
    import fcntl

    try:
        HOME.mkdir(exist_ok=True)
        lock = (HOME / f"{name}.lock").open("w")
    except OSError as error:
        raise Problem(f"environments are kept in {HOME}, which can't be written: {error}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def recall(folder: Path) -> Environment | None:
    """The environment that was finished in `folder`, where it still starts."""
    try:
        noted = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
        environment = Environment(noted["python"], tuple(noted["paths"]))
        probe = "import importlib.metadata as found; found.version('pytest-proctape')"
        command = [environment.python, "-c", probe]
        started = subprocess.run(command, env=environment.variables(), capture_output=True, check=False)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return environment if started.returncode == 0 else None


def environment_for(purpose: str, group: str | None) -> Environment:
    """The environment of a command, made now where there is no good one yet.

    Args:
        purpose: names its directory.
        group: the dependency group it needs beside the package; `None` for the run-time dependencies alone.
    """
    interpreter = digest(sys.version.encode(), os.fsencode(sys.base_prefix))
    project = digest((ROOT / "pyproject.toml").read_bytes(), os.fsencode(ROOT))
    name = f"{purpose}-{sys.version_info[0]}.{sys.version_info[1]}-{interpreter}"
    folder = HOME / f"{name}-{project}"
    with alone(name):
        environment = recall(folder)
        if environment is not None:
            return environment
        for outdated in HOME.glob(f"{name}-*"):
            shutil.rmtree(outdated, ignore_errors=True)
        say(f"installing what `{purpose}` needs into {folder.relative_to(ROOT)} (once)")
        try:
            environment = fill(make_shell(folder), requirements_of(group) if group else [], ROOT)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        noted = json.dumps({"python": environment.python, "paths": environment.paths})
        (folder / "ready.json").write_text(noted, encoding="utf-8")
        return environment


def this_interpreter() -> Environment:
    """The running interpreter with the packages it has."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return Environment(sys.executable, tuple(filter(None, paths)))


# --- commands -------------------------------------------------------------------------------------


def test(environment: Environment, arguments: Sequence[str]) -> int:
    """All tests. Without arguments the example is replayed first, as the project of its own that it is."""
    code = 0
    if not arguments and TAPES.is_dir():
        say("the example, replayed from its committed tapes")
        # The example's own settings know nothing of the plugins that the suite needs.
        code = replay_example(environment, EXAMPLE, "-p", "no:asyncio", "-p", "no:randomly")
        say("the test suite, on every core")
        arguments = ("-n", str(workers()))
    return environment.run("-m", "pytest", *arguments) or code


def workers() -> int:
    """One more than there are cores: tests wait, too, for real children above all."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS does not tell
        cores = os.cpu_count() or 1
    return cores + 1


def check(environment: Environment, _arguments: Sequence[str]) -> int:
    """Everything that is known without running the tests; goes on after a failure, to show them all."""
    lint_imports = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    mypy = ("-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"))
    checks: list[tuple[str, tuple[str, ...], Path]] = [
        ("ruff check", ("-m", "ruff", "check"), ROOT),
        ("ruff format", ("-m", "ruff", "format", "--check"), ROOT),
        ("mypy", mypy, ROOT),
        ("mypy in the example", (*mypy, "."), EXAMPLE),
        ("import rules", ("-c", lint_imports), ROOT),
    ]
    failed = []
    for title, command, folder in checks:
        if not folder.is_dir():
            continue
        say(title)
        if environment.run(*command, cwd=folder) != 0:
            failed.append(title)
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def demo(environment: Environment, _arguments: Sequence[str]) -> int:
    """Record the example in a scratch directory with the real tools, then replay it where there are none."""
    missing = [tool for tool in EXAMPLE_TOOLS if shutil.which(tool) is None]
    scratch = Path(tempfile.mkdtemp(prefix="proctape-demo-"))
    project = scratch / EXAMPLE.name
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    if missing:
        say(f"not on this machine: {', '.join(missing)}. Tests that need them are skipped while recording")
    say(f"1 of 2: recording with the real tools, in {project}")
    code = environment.run("-m", "pytest", "--record-tapes", *SCRATCH_TAPES, cwd=project)
    if missing:
        say("what could not be recorded here is replayed from the tapes that come with the example")
        add_missing(TAPES, project / "tapes")
    if code == 0:
        say("2 of 2: replaying, with an empty PATH: no tool can be found, no process is started")
        code = replay_example(environment, project, *SCRATCH_TAPES)
    if code != 0:
        say(f"failed; everything is left in {project}")
        return code
    say(f"replayed without them; not recorded for want of {', '.join(missing)}" if missing else DEMO_DONE)
    shutil.rmtree(scratch, ignore_errors=True)
    return 0


def replay_example(environment: Environment, project: Path, *arguments: str) -> int:
    """Replay a project's tests where PATH names one empty directory."""
    with tempfile.TemporaryDirectory(prefix="proctape-empty-") as empty:
        command = ("-m", "pytest", "--replay-tapes", *arguments)
        return environment.run(*command, cwd=project, change={"PATH": empty})


def add_missing(source: Path, target: Path) -> None:
    """Copy the files of `source` that `target` doesn't have."""
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_file() and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


COMMANDS: dict[str, tuple[Callable[[Environment, Sequence[str]], int], str | None]] = {
    "demo": (demo, None),
    "test": (test, "test"),
    "check": (check, "lint"),
}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for; returns the exit code."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--here", action="store_true", help="use the packages of this interpreter")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="for pytest, with `test` only")
    chosen = parser.parse_args(arguments)
    if chosen.rest and chosen.command != "test":
        parser.error(f"`{chosen.command}` takes no arguments")
    if os.name != "posix":
        raise Problem("pytest-proctape runs on POSIX systems (Linux, macOS); this is not one.")
    action, group = COMMANDS[chosen.command]
    environment = this_interpreter() if chosen.here else environment_for(chosen.command, group)
    return action(environment, chosen.rest)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python may well be the one that is asked
        sys.exit(f"dev.py: Python 3.11 or later, please; {sys.executable} is {sys.version.split()[0]}.")
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"dev.py: {problem}", file=sys.stderr)
        sys.exit(problem.code)
    except KeyboardInterrupt:
        sys.exit(130)
