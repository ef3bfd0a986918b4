"""What everybody pays who has the plugin installed: its start, its work for each test, its memory."""

from __future__ import annotations

import json
from pathlib import Path

from .. import peers
from ..measure import MIB, MS, US, Figures, Row, Setting, Target, Turns, more_by
from ..projects import PLUGIN, clocked, cpu, install, run_pytest, told, write_suite

_COUNTS_MODULES = """\
import sys


def pytest_unconfigure():
    with open("modules", "w") as file:
        file.write(str(len(sys.modules)))
    assert not {"pydantic", "freezegun"} & set(sys.modules)
"""

_PEAK = """\
import resource
import sys


def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def pytest_unconfigure():
    with open("peak", "w") as file:
        file.write(str(peak()))
"""

_RUNS_NOTHING = """\
def pytest_runtestloop():
    return True
"""


def empty(folder: Path) -> Path:
    """A project of one empty test."""
    write_suite(folder, 1, 0)
    return folder


def start(setting: Setting) -> Figures:
    """Whole runs of one empty test."""
    folder = empty(setting.folder("empty"))
    turns = Turns()
    turns.add("without", clocked(folder))
    turns.add("proctape", clocked(folder, *PLUGIN))
    for name in peers.here():
        turns.add(name, clocked(folder, "-p", peers.PLUGINS[name]))
    return turns.run(setting.times(15, 60))


def start_cpu(setting: Setting) -> Figures:
    """The same, in time of the processor."""
    folder = empty(setting.folder("empty"))
    turns = Turns()
    turns.add("without", cpu(folder))
    turns.add("proctape", cpu(folder, *PLUGIN))
    return turns.run(setting.times(25, 60))


def start_installed(setting: Setting) -> Figures:
    """The same where it is found among what is installed, next to all other plugins that are."""
    folder = empty(setting.folder("empty"))
    turns = Turns()
    turns.add("without", clocked(folder, site=setting.folder("nothing")))
    turns.add("proctape", clocked(folder, site=install(setting.folder("site"))))
    return turns.run(setting.times(15, 60))


def start_modules(setting: Setting) -> Figures:
    """How many modules there are at the end of it."""
    folder = empty(setting.folder("empty"))
    (folder / "conftest.py").write_text(_COUNTS_MODULES, encoding="utf-8")
    return {
        "without": [told(folder, "modules")],
        "proctape": [told(folder, "modules", *PLUGIN)],
    }


def idle(setting: Setting) -> Figures:
    """A test that spawns nothing, of many."""
    tests = 2_000
    turns = Turns()
    folder = setting.folder("untaped")
    write_suite(folder, tests, 0)
    turns.add("without", clocked(folder))
    turns.add("untaped", clocked(folder, *PLUGIN))
    folder = setting.folder("taped")
    write_suite(folder, tests, 0, "taped")
    turns.add("taped", clocked(folder, *PLUGIN))
    found = turns.run(setting.times(5, 15))
    return {name: [value / tests for value in values] for name, values in found.items()}


def many_tapes(setting: Setting) -> Figures:
    """20,000 tests are collected, each with a tape, and none is run; then the orphans are looked for."""
    tests = 20_000
    folder = setting.folder("many")
    (folder / "test_many.py").write_text(
        "import subprocess\n\nimport pytest\n\n\n"
        f'@pytest.mark.parametrize("number", range({tests}))\n'
        "def test_one(number):\n    subprocess.run(['true'])\n",
        encoding="utf-8",
    )
    (folder / "pytest.ini").write_text("[pytest]\ntapes_auto = true\n", encoding="utf-8")
    run_pytest(folder, *PLUGIN, "--record-tapes", "test_many.py::test_one[0]")
    path = folder / "tapes" / "test_many" / "test_one[0].json"
    tape = json.loads(path.read_bytes())
    for number in range(1, tests):
        tape["test"] = f"test_many.py::test_one[{number}]"
        path.with_name(f"test_one[{number}].json").write_text(json.dumps(tape, indent=2), encoding="utf-8")
    (folder / "conftest.py").write_text(_RUNS_NOTHING, encoding="utf-8")
    turns = Turns()
    turns.add("without", cpu(folder, "-o", "tapes_auto=false"))
    turns.add("proctape", cpu(folder, *PLUGIN))
    return turns.run(setting.times(3, 9))


def memory(setting: Setting) -> Figures:
    """The peak of a run of so many tests, with one spawn each."""
    figures: dict[str, list[float]] = {}
    for tests in setting.pick((200, 2_000), (200, 2_000, 20_000)):
        for name, kind, arguments in (
            ("real", "plain", ()),
            ("proctape", "taped", (*PLUGIN, "--replay-tapes")),
        ):
            folder = setting.folder(f"{name}-{tests}")
            write_suite(folder, tests, 1, kind)
            (folder / "conftest.py").write_text(_PEAK, encoding="utf-8")
            if kind == "taped":
                run_pytest(folder, *PLUGIN, "--record-tapes")
            figures[f"{name} {tests}"] = [told(folder, "peak", *arguments)]
    return figures


def _growth(figures: Figures) -> float:
    def grown(name: str) -> float:
        return figures[f"{name} 2000"][0] - figures[f"{name} 200"][0]

    return grown("proctape") - grown("real")


ROWS = (
    Row(
        "start",
        "pytest on one empty test, whole run",
        "ns",
        start,
        (more_by(5 * MS, "without", "proctape", "ns", "at most 5 ms more than without the plugin"),),
    ),
    Row(
        "start-cpu",
        "the same, time of the processor",
        "ns",
        start_cpu,
        (more_by(5 * MS, "without", "proctape", "ns", "at most 5 ms more than without the plugin"),),
    ),
    Row(
        "start-installed",
        "pytest on one empty test, the plugin found by its entry point",
        "ns",
        start_installed,
        (more_by(5 * MS, "without", "proctape", "ns", "at most 5 ms more than without the plugin"),),
    ),
    Row("start-modules", "modules at its end, neither pydantic nor freezegun", "n", start_modules),
    Row(
        "idle",
        "a test that spawns nothing, one of 2,000",
        "ns",
        idle,
        (more_by(100 * US, "untaped", "taped", "ns", "taped at most 100 us more than untaped"),),
    ),
    Row(
        "20000-tapes",
        "20,000 tests with a tape each are collected, orphans looked for; time of the processor",
        "ns",
        many_tapes,
        (more_by(500 * MS, "without", "proctape", "ns", "at most 0.5 s more than without the plugin"),),
    ),
    Row(
        "memory",
        "peak of memory of a run of so many tests, a spawn each",
        "B",
        memory,
        (
            Target(
                "1,800 more tests: at most 1 MiB more than real ones", MIB, _growth, ("proctape 2000",), "B"
            ),
        ),
        curve="tests",
    ),
)
