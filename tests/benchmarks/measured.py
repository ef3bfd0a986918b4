"""The counts that the guard holds against ``counts.json``.

Run ``python -m tests.benchmarks.measured`` to write that file anew, after a change that was meant to do less,
or could not help doing more, and look at the diff.
"""

from __future__ import annotations

import json
import marshal
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .counter import PACKAGE, VARIABLE

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("counts.json")
FEW, MANY = 20, 60

WANTED = ("descriptors", "package calls", "system calls", "threads")

Counted = dict[str, dict[str, float]]


def variables() -> dict[str, str]:
    """As few as may be: how many there are must not count."""
    paths = [os.path.dirname(PACKAGE.rstrip(os.sep)), str(ROOT)]
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


TOLD_BY = ", by a descriptor" if sys.version_info >= (3, 12) else ""
"""How a loop is told of an end: before, by a thread."""


def spawns(folder: Path) -> Counted:
    """What one more spawn does: replayed, and recorded; less what CPython itself does for a real one.

    How often a loop goes round for a real one is up to the machine, so of that nothing is taken off.

    How often a recording looks at a pipe, and with which thread, depends on the moment, so of that only the
    descriptors count; and the threads, where it needs none.
    """
    found: Counted = {}
    for road, switch in (("", {}), (", general road", {"PROCTAPE_SHORT_ROAD": "0"})):
        scratch = folder / f"spawns{road}"
        scratch.mkdir()
        raw = _spawns(scratch, switch)
        for name, counts in raw.items():
            mode, _, body = name.partition(" ")
            if road and body == "exec":
                # A loop knows of no other one.
                continue
            if mode != "bare":
                heard = ("descriptors", "threads") if name == "record run" and not road else ("descriptors",)
                kept = WANTED if mode == "replay" else heard
                bare = raw.get(f"bare {body}", {})
                told = TOLD_BY if body == "exec" else ""
                found[f"{name}{road}{told}"] = {one: counts.get(one, 0) - bare.get(one, 0) for one in kept}
    return found


def _spawns(folder: Path, switch: dict[str, str]) -> Counted:
    command = [sys.executable, "-m", "tests.benchmarks.spawning", str(folder)]
    environment = variables() | switch
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    found: Counted = json.loads(done.stdout)
    return found


def pytest_run(folder: Path, tests: int, *arguments: str) -> dict[str, Any]:
    """What a run of so many empty tests does, and which modules it has."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    bodies = "".join(f"def test_{number}():\n    pass\n\n\n" for number in range(tests))
    (folder / "test_empty.py").write_text(bodies, encoding="utf-8")
    told = folder / "counts.json"
    plugins = ("-p", "no:cacheprovider", "-p", "tests.benchmarks.counter")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *arguments],
        cwd=folder,
        env=variables() | {VARIABLE: str(told)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found: dict[str, Any] = json.loads(told.read_bytes())
    return found


def tests(folder: Path) -> Counted:
    """What one more test does that spawns nothing: for having the plugin, and more for being taped."""
    plugin = ("-p", "pytest_proctape.plugin")
    kinds = {"bare": (), "untaped": plugin, "taped": (*plugin, "-o", "tapes_auto=true")}
    raw: Counted = {}
    for name, arguments in kinds.items():
        few, many = (
            pytest_run(folder / f"{name}-{count}", count, *arguments)["counts"] for count in (FEW, MANY)
        )
        raw[name] = {one: (many.get(one, 0) - few.get(one, 0)) / (MANY - FEW) for one in WANTED}
    return {
        f"{name} test": {one: raw[name][one] - raw[less][one] for one in WANTED}
        for name, less in (("untaped", "bare"), ("taped", "untaped"))
    }


def modules_at_start(folder: Path) -> list[str]:
    """What pytest imports for the plugin when it starts, and no test is taped."""
    without = pytest_run(folder / "without", 1)["modules"]
    having = pytest_run(folder / "having", 1, "-p", "pytest_proctape.plugin")["modules"]
    return sorted(set(having) - set(without))


def code_of(modules: Iterable[str]) -> int:
    """Bytes of the package's own code among them: how it is parted into files is no matter."""
    total = 0
    for name in modules:
        spec = find_spec(name) if name.partition(".")[0] == "pytest_proctape" else None
        if spec is not None and spec.origin is not None:
            code = compile(Path(spec.origin).read_bytes(), name, "exec", optimize=2)
            total += len(marshal.dumps(code))
    return total


def all_counts(folder: Path) -> Counted:
    """Everything that the table has."""
    return {**spawns(folder), **tests(folder)}


def main() -> None:
    """Write the table anew."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        start = {"bytes of code": code_of(modules_at_start(scratch))}
        # It has rows of other releases of CPython as well.
        known = json.loads(TABLE.read_bytes())["counts"]
        table = {"counts": {**known, **all_counts(scratch)}, "start": start}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
