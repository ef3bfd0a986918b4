#!/usr/bin/env python3
"""Measures pytest-proctape beside its peers, and prints a table with the targets. `tox -e bench`.

    python benchmarks/run.py                          every row, the quick form
    python benchmarks/run.py run-true suite-replay    these rows
    python benchmarks/run.py --json after.json        keep the figures
    python benchmarks/run.py --charts charts          draw them
    python benchmarks/run.py --compare before.json after.json

The peers are installed once under `.dev/`, and nowhere else; without a network they are left out. Each row
is measured in a process of its own. Figures of a loaded machine are worth little; ratios, more.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Not the folder of this file: its modules are benchmarks.*, and the package is this checkout's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "src"))

import dev

if TYPE_CHECKING:
    from benchmarks import results as results_module

_WORKER = "--measure"


def main(arguments: list[str]) -> int:
    """Do what the command line asks for; returns the exit code."""
    if arguments[:1] == [_WORKER]:
        return measure_row(*arguments[1:])
    chosen = _parser().parse_args(arguments)
    if not chosen.here and not (chosen.compare or chosen.list or chosen.kept):
        environment = environment_with_peers()
        if environment is not None:
            return environment.run(str(Path(__file__).resolve()), "--here", *arguments, cwd=Path.cwd())
    if importlib.util.find_spec("pytest") is None:
        print(f"run.py: {sys.executable} has no pytest; without --here one is installed", file=sys.stderr)
        return 1
    return here(chosen)


def environment_with_peers() -> dev.Environment | None:
    """Where the peers are installed; ``None`` where that can't be done, so that they are left out."""
    try:
        return dev.environment_for("bench", "bench")
    except dev.Problem as problem:
        print(f"run.py: going on with {sys.executable} and what it has:\n{problem}", file=sys.stderr)
        return None


def here(chosen: argparse.Namespace) -> int:
    """Measure, with the packages of this interpreter."""
    from benchmarks import machine, peers, results
    from benchmarks.rows import ROWS

    if chosen.list:
        for row in ROWS.values():
            print(f"{row.name:18} {row.title}")
        return 0
    if chosen.compare:
        first, second = (results.Run.load(Path(one)) for one in chosen.compare)
        print("\n".join(results.compared(first, second)))
        return 0
    if chosen.kept:
        kept = results.Run.load(Path(chosen.kept))
        return draw(kept.results, chosen.charts or ".")
    unknown = [name for name in chosen.rows if name not in ROWS]
    if unknown:
        print(f"run.py: no such row: {', '.join(unknown)}; --list shows them", file=sys.stderr)
        return 2
    run = results.Run(machine.described() | peers.versions(), [])
    for what, value in run.machine.items():
        print(f"{what}: {value}")
    for name in peers.missing():
        print(f"left out, not installed here: {name}")
    for name in chosen.rows or ROWS:
        result = measured(ROWS[name].name, full=chosen.full, rounds=chosen.rounds)
        print("\n" + "\n".join(result.lines()), flush=True)
        run.results.append(result)
        if chosen.json:
            run.save(Path(chosen.json))  # row by row: a run that is cut short keeps what it had
    run.machine["load at the end"] = machine.load()
    lost = list(results.missed(run.results))
    print("\n" + "\n".join(["not reached:", *lost] if lost else ["every target measured was reached"]))
    if chosen.json:
        run.save(Path(chosen.json))
    if chosen.charts:
        draw(run.results, chosen.charts)
    return 1 if any(one.problem for one in run.results) else 0


def draw(found: list[results_module.Result], folder: str) -> int:
    """Write the charts."""
    from benchmarks import charts

    for path in charts.write(found, Path(folder)):
        print(f"drawn: {path}")
    return 0


def measured(name: str, *, full: bool, rounds: int | None) -> results_module.Result:
    """One row, in a process of its own that begins with nothing."""
    from benchmarks import results
    from benchmarks.rows import ROWS

    scratch = Path(tempfile.mkdtemp(prefix="proctape-bench-"))
    answer = scratch / "answer.json"
    setting = json.dumps({"full": full, "rounds": rounds})
    command = [sys.executable, str(Path(__file__).resolve()), _WORKER, name, str(scratch), setting]
    try:
        code = subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
        if answer.exists():
            return results.result_of(json.loads(answer.read_text(encoding="utf-8")))
        return results.Result.failed(ROWS[name], f"its process ended with {code}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def measure_row(name: str, scratch: str, setting: str) -> int:
    """The process of one row."""
    from dataclasses import asdict

    from benchmarks import results
    from benchmarks.measure import Setting
    from benchmarks.rows import ROWS

    folder = Path(scratch, "work")
    folder.mkdir()
    os.chdir(folder)
    row = ROWS[name]
    try:
        result = results.Result.of(row, row.measure(Setting(folder, **json.loads(setting))))
    except Exception as error:
        # One row that fails leaves the others their turn.
        traceback.print_exc()
        result = results.Result.failed(row, f"{type(error).__name__}: {error}")
    Path(scratch, "answer.json").write_text(json.dumps(asdict(result)), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="what to measure; everything by default")
    parser.add_argument("--list", action="store_true", help="the rows there are")
    parser.add_argument("--full", action="store_true", help="the long form: whole curves, more rounds")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many turns of each contender")
    parser.add_argument("--json", metavar="FILE", help="keep the figures")
    parser.add_argument("--charts", metavar="FOLDER", help="draw each row into this folder, as SVG")
    parser.add_argument(
        "--from", dest="kept", metavar="FILE", help="with --charts: draw figures that were kept"
    )
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two files of figures")
    parser.add_argument("--here", action="store_true", help="use the packages of this interpreter")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
