"""How the rooms are imported. In processes of their own: here they are there already."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from pytest_proctape import direct
from tests.parity.observe import outcome

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


def said(source: str, *options: str, path: str = str(Path(direct.__file__).parents[1])) -> list[str]:
    done = subprocess.run(
        [sys.executable, *options, "-c", source],
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


IMPORTING = """
import importlib.util, sys
from pytest_proctape.direct import directly

with directly():
    import pytest_proctape.parsing, pytest_proctape.tape
for module in (pytest_proctape.parsing, pytest_proctape.tape):
    spec = importlib.util.find_spec(module.__name__)
    own = module.__spec__
    for name in ("name", "origin", "cached", "has_location", "parent", "submodule_search_locations"):
        print(name, getattr(own, name) == getattr(spec, name))
    # From 3.15 on a module has none.
    cached = vars(module).get("__cached__") == (spec.cached if sys.version_info < (3, 15) else None)
    print(module.__file__ == spec.origin, cached, module.__loader__ is own.loader)
    print(own.loader.get_source(module.__name__) == spec.loader.get_source(module.__name__))
    print(module.__name__, importlib.reload(module) is module)
"""


@pytest.mark.parametrize("options", [[], ["-O"], ["-B"], ["-X", "pycache_prefix={}"]], ids=" ".join)
def test_modules_are_what_they_would_have_been(options: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        # The second finds compiled code where there may be any.
        told = said(IMPORTING, *(one.format(tmp_path) for one in options))
        assert [line for line in told if "False" in line] == []
        assert told[-1] == "pytest_proctape.tape True"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:8] + bytes(4) + data[12:],
        lambda data: bytes(4) + data[4:],
        lambda data: data[: len(data) // 2],
        lambda data: data[:16],
        lambda data: b"",
        # Compiled elsewhere, and brought here.
        lambda data: data.replace(b"/one.py", b"/two.py"),
    ],
    ids=["another time", "another version", "cut off", "no code", "empty", "another place"],
)
def test_compiled_code_that_is_not_right(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    source = tmp_path / "one.py"
    source.write_text("def where():\n    return where.__code__.co_filename\n")
    compiled = Path(py_compile.compile(str(source), doraise=True) or "")
    whole = compiled.read_bytes()
    compiled.write_bytes(spoil(whole))
    loader = direct._Loader("one", str(source))
    loader.compiled = str(compiled)
    # Which may be an error: importlib says what of, and so do we.
    got, wanted = (
        outcome(loader.get_code, "one"),
        outcome(SourceFileLoader("one", str(source)).get_code, "one"),
    )
    assert got == wanted or repr(got) == repr(wanted)
    compiled.write_bytes(whole)
    code = loader.get_code("one")
    assert code is not None
    assert code.co_filename == str(source)


def test_a_package_that_is_in_no_plain_directory(tmp_path: Path) -> None:
    package = Path(direct.__file__).parent
    archive = shutil.make_archive(str(tmp_path / "package"), "zip", package.parent, package.name)
    source = (
        "from pytest_proctape.direct import directly\nwith directly():\n    import pytest_proctape.parsing\n"
    )
    assert archive in said(f"{source}print(pytest_proctape.parsing.__file__)", path=archive)[0]
