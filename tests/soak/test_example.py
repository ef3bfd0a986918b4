"""The example replays wherever it is put, with an empty PATH. `tox -e replays` does it a hundred times.

Every run of the tests has the short form; the environment variable `PROCTAPE_REPLAYS` sets how often.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import pytest_proctape

ROOT = Path(__file__).resolve().parents[2]
TIMES = int(os.environ.get("PROCTAPE_REPLAYS", "3"))
PLACES = ("a", "b c", "é/ü", "d'e", "f-" * 30)
"""What the directories above the copies are called, in turn."""


def test_the_example_replays_in_other_directories_with_an_empty_path(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {
        "PATH": str(empty),
        "PYTHONPATH": str(Path(pytest_proctape.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    for number in range(TIMES):
        where = tmp_path / f"{number}" / PLACES[number % len(PLACES)]
        project = where / "examples/relnotes"
        shutil.copytree(ROOT / "tapes", where / "tapes")
        shutil.copytree(ROOT / "examples/relnotes", project)
        report = where / "report.xml"
        command = [sys.executable, "-m", "pytest", "-p", "pytest_proctape.plugin", "-p", "no:cacheprovider"]
        command += ["--replay-tapes", f"--basetemp={where / 'temporary'}", f"--junitxml={report}"]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, encoding="utf-8")

        told = f"replay {number + 1} of {TIMES}, in {where}:\n{done.stdout}{done.stderr}"
        assert done.returncode == pytest.ExitCode.OK, told
        cases = list(ET.parse(report).iter("testcase"))
        assert len(cases) >= 30, told
        assert [case for case in cases if len(case)] == [], told
        assert same_tree(ROOT / "tapes", where / "tapes"), told
        shutil.rmtree(tmp_path / f"{number}")


def same_tree(one: Path, other: Path) -> bool:
    """Whether both hold the same files, byte for byte."""
    files, others = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (one, other)
    )
    return files == others
