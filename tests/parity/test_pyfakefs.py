"""A file system in memory, by pyfakefs: commands go on with the real one, the same in all runs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

# Not imported: it would be there for all the tests of this process.
pytestmark = pytest.mark.skipif(find_spec("pyfakefs") is None, reason="pyfakefs is not installed")

BODIES = Path(__file__).with_name("in_memory.py")


def test_bodies_with_files_in_memory(tmp_path: Path) -> None:
    plugins = ("-p", "pytest_proctape.plugin", "-p", "pyfakefs.pytest_plugin", "-p", "no:cacheprovider")
    folder = f"--basetemp={tmp_path / 'apart'}"
    command = [sys.executable, "-m", "pytest", *plugins, "-q", folder, str(BODIES)]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=BODIES.parents[2], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
