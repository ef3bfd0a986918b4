"""Small projects, and whole pytest runs of them. The rows that measure pytest use it.

No plugin is loaded but the one that is measured: what else is installed must not count.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import peers
from .measure import Turns

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ("-p", "pytest_proctape.plugin")

_IMPORTS = "import subprocess\nfrom unittest import mock\n\nimport pytest\n\n"
_CALL = '    done = subprocess.run(["echo", "{number}", "{spawn}"], capture_output=True, text=True)\n'
_CHECK = '    assert done.stdout == "{number} {spawn}\\n"\n'


class PytestFailed(Exception):
    """A run that is to be measured did not pass."""


def write_suite(folder: Path, tests: int, spawns: int, kind: str = "plain") -> Path:
    """A file of so many tests, each with so many different spawns, faked as ``kind`` says."""
    text = [_IMPORTS]
    for number in range(tests):
        argument = "fp" if kind == "pytest-subprocess" else ""
        text.append("@pytest.mark.subprocess_vcr\n" if kind == "subprocess-vcr" else "")
        text.append(f"def test_{number}({argument}):\n")
        body = [_spawn(kind, number, spawn) for spawn in range(spawns)]
        text.append("".join(body) or "    pass\n")
        text.append("\n\n")
    path = folder / "test_suite.py"
    path.write_text("".join(text), encoding="utf-8")
    ini = folder / "pytest.ini"
    ini.write_text("[pytest]\ntapes_auto = true\n" if kind == "taped" else "[pytest]\n", encoding="utf-8")
    return path


def _spawn(kind: str, number: int, spawn: int) -> str:
    here = {"number": number, "spawn": spawn}
    lines = (_CALL + _CHECK).format(**here)
    if kind == "pytest-subprocess":
        return f'    fp.register(["echo", "{number}", "{spawn}"], stdout="{number} {spawn}\\n")\n' + lines
    if kind == "mock.patch":
        done = f'subprocess.CompletedProcess([], 0, "{number} {spawn}\\n", "")'
        call, check = (f"    {one}\n" for one in lines.splitlines())
        return f'    with mock.patch("subprocess.run", return_value={done}):\n{call}{check}'
    return lines


def install(folder: Path) -> Path:
    """The package as pip leaves it: the files, their names in a list, and the entry point of the plugin."""
    package = ROOT / "src" / "pytest_proctape"
    (folder / package.name).symlink_to(package)
    sources = [path.relative_to(package.parent) for path in package.rglob("*.py")]
    tag = sys.implementation.cache_tag
    compiled = [path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc" for path in sources]
    about = folder / "pytest_proctape-0.dist-info"
    about.mkdir()
    lines = [f"{path},sha256={'x' * 43},1000" for path in sources] + [f"{path},," for path in compiled]
    (about / "RECORD").write_text("\n".join(lines), encoding="utf-8")
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pytest-proctape\nVersion: 0\n", encoding="utf-8"
    )
    (about / "entry_points.txt").write_text(
        "[pytest11]\nproctape = pytest_proctape.plugin\n", encoding="utf-8"
    )
    return folder


def run_pytest(folder: Path, *arguments: str, site: Path | None = None) -> None:
    """Run pytest there, with the plugins that the arguments name and no others.

    Args:
        folder: of the project.
        arguments: of pytest.
        site: pytest is to look for what is installed, also there.

    Raises:
        PytestFailed: it didn't pass.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=variables(site), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PytestFailed(f"{' '.join(command)}, in {folder}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def variables(site: Path | None = None) -> dict[str, str]:
    """Of a process that is measured: this checkout's package, and no plugin by itself unless there is a site.

    Without compiled files every run would compile the tests, and the package, anew.
    """
    without = {"PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"}
    found = {name: value for name, value in os.environ.items() if name not in without}
    if site is not None:
        found["PYTHONPATH"] = str(site)
        return found
    found["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    found["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return found


def clocked(
    folder: Path,
    *arguments: str,
    before: Callable[[], object] = lambda: None,
    site: Path | None = None,
) -> Callable[[], float]:
    """Nanoseconds of one whole run, the interpreter's start included; ``before`` isn't."""

    def once() -> float:
        before()
        started = time.perf_counter_ns()
        run_pytest(folder, *arguments, site=site)
        return time.perf_counter_ns() - started

    return once


def cpu(folder: Path, *arguments: str) -> Callable[[], float]:
    """Nanoseconds that one whole run keeps a processor busy: what a start costs, on a busy machine, too."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run_pytest(folder, *arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9

    return once


def told(folder: Path, name: str, *arguments: str) -> float:
    """What the project's conftest file has written to the file ``name`` at the end of one run."""
    run_pytest(folder, *arguments)
    return float((folder / name).read_text(encoding="utf-8"))


def putting_aside(path: Path) -> Callable[[], object]:
    """Moves a directory of tapes away, so that a recording begins anew.

    It isn't removed: where files have been removed a moment ago, ext4 looks at each of them again for
    every new one (``recently_deleted`` in fs/ext4/ialloc.c). After 300 that takes 0.4 ms a file.
    """
    numbers = itertools.count()

    def aside() -> None:
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.parent.with_name(f"{path.parent.name}-{path.name}-{next(numbers)}"))

    return aside


def add_replaying(turns: Turns, folder: Callable[[str], Path], tests: int, spawns: int) -> None:
    """The contenders of one suite: real, and everybody who needs no process."""
    real, taped, patched = folder("real"), folder("taped"), folder("patched")
    write_suite(real, tests, spawns)
    write_suite(taped, tests, spawns, "taped")
    write_suite(patched, tests, spawns, "mock.patch")
    run_pytest(taped, *PLUGIN, "--record-tapes")
    turns.add("real", clocked(real))
    turns.add("mock.patch", clocked(patched))
    turns.add("proctape", clocked(taped, *PLUGIN, "--replay-tapes"))
    for name in peers.here():
        faked = folder(name)
        write_suite(faked, tests, spawns, name)
        plugin: tuple[str, ...] = ("-p", peers.PLUGINS[name])
        if name == "subprocess-vcr":
            run_pytest(faked, *plugin, "--subprocess-vcr=reset")
            plugin = (*plugin, "--subprocess-vcr=replay")
        turns.add(name, clocked(faked, *plugin))


def add_recording(turns: Turns, folder: Callable[[str], Path], tests: int, spawns: int) -> None:
    """The contenders of one suite while they record, and real."""
    real, taped = folder("real"), folder("taped")
    write_suite(real, tests, spawns)
    write_suite(taped, tests, spawns, "taped")
    turns.add("real", clocked(real))
    turns.add("proctape", clocked(taped, *PLUGIN, "--record-tapes", before=putting_aside(taped / "tapes")))
    if "subprocess-vcr" in peers.here():
        faked = folder("subprocess-vcr")
        write_suite(faked, tests, spawns, "subprocess-vcr")
        arguments = ("-p", peers.PLUGINS["subprocess-vcr"], "--subprocess-vcr=reset")
        turns.add(
            "subprocess-vcr", clocked(faked, *arguments, before=putting_aside(faked / "_vcr_cassettes"))
        )
