"""How the rooms are imported. In processes of their own: here they are there already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pytest_proctape import direct

# It says who was asked for what behind the modules of pytest, and whether all is as it was.
ASKING = """
import sys

class Asked:
    @staticmethod
    def find_spec(name, path, target=None):
        print("asked for", name)

from pytest_proctape.direct import directly

sys.meta_path.insert(0, Asked)
before = [*sys.meta_path]
with directly():
    import pytest_proctape.report_keys
    import this_is_not_ours
"""


def said(source: str) -> list[str]:
    path = str(Path(direct.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_nobody_else_is_asked_for_ours() -> None:
    source = ASKING.replace("import this_is_not_ours", "import wave")
    source += "print(before == sys.meta_path)\nimport pytest_proctape.parsing\n"
    told = said(source)
    behind = told[told.index("True") :]
    assert "asked for wave" in told
    assert not any(one.startswith("asked for pytest_proctape") for one in told[: told.index("True")])
    assert "asked for pytest_proctape.parsing" in behind


def test_an_import_that_fails_leaves_nothing_behind() -> None:
    body = ASKING.replace("with directly", "try:\n  with directly").replace("    import", "      import")
    told = said(f"{body}except ImportError as error:\n    print(error.name, before == sys.meta_path)\n")
    assert told[-1] == "this_is_not_ours True"


def test_who_has_put_back_the_finders_already_is_no_matter() -> None:
    before = [*sys.meta_path]
    with direct.directly():
        sys.meta_path[:] = before
    assert sys.meta_path == before


def test_nobody_looks_for_garbage_meanwhile() -> None:
    source = "from pytest_proctape.direct import directly\nwith directly(): print(gc.isenabled())\n"
    assert said(f"import gc\n{source}print(gc.isenabled())") == ["False", "True"]
    assert said(f"import gc\ngc.disable()\n{source}print(gc.isenabled())") == ["False", "False"]
